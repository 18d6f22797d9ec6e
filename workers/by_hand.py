"""Tasks as clients of the API give them, read by the same readers as what rules give."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from router.core.by_hand import Given, Mistake, NotValidError, Whom
from router.core.clock import rfc3339
from router.core.names import Names
from router.core.store.schema import Row
from rules.contact import IDENTIFIERS, domain_of, line, read_identifiers, short_name
from rules.decision import Contact
from rules.fields import DUE_FORMS, START_FORMS, Context, FieldError, key, note, read_fields
from rules.values import shown
from workers.fields import Statuses, blank, changes, columns

MAX_CUSTOM: Final = 200
MAX_LIST: Final = 200
_LISTS: Final = frozenset({"assignees", "followers", "labels", "links"})
_DUE_COLUMNS: Final = ("due_ms", "due_date", "due_time")
_NOT_READ: Final = frozenset({"key", "status", "contact", "deliver"})


class ByHand:
    """Reads fields of tasks for the API."""

    def new(self, given: Given, whom: Whom | None, names: Names, now: datetime) -> Row:
        """Return the columns of a new task."""
        mistakes: list[FieldError] = []
        fields = _read(given, _context(names, now), mistakes)
        if "title" not in fields and not any(one.field == "title" for one in mistakes):
            mistakes.append(FieldError("title", "blank", "a task needs a title that is not blank"))
        _infer(fields, whom, names, mistakes)
        found = key_of(given, mistakes)
        _check_destinations(given.get("deliver") or (), names, mistakes)
        _give_up_on(mistakes)
        statuses = _statuses(names)
        return {**blank(statuses), **columns(fields, statuses), "key": found}

    def changes(self, given: Given, row: Row, names: Names, now: datetime) -> Row:
        """Return the columns that a merge patch sets of a task."""
        mistakes: list[FieldError] = []
        given = _merged(given, row)
        context = _context(names, now).in_zone(row["timezone"] or names.timezone)
        fields = _read(given, context, mistakes)
        if given.get("title", "") is None:
            mistakes.append(FieldError("title", "blank", "a task needs a title that is not blank"))
        if given.get("status", "") is None:
            mistakes.append(FieldError("status", "blank", "a task always has a status"))
        _take_client(fields, row, names, mistakes)
        _give_up_on(mistakes)
        values = changes(fields, row, _statuses(names))
        return {**_emptied(given, row), **values}

    def whom(self, given: Given) -> Whom:
        """Return whom a contact names."""
        said = {part: words for part in IDENTIFIERS if (words := line(given.get(part))) is not None}
        errors: list[FieldError] = []
        read = read_identifiers(said, errors)
        if read is None:
            raise NotValidError([Mistake(each.field, each.code, each.message) for each in errors])
        if not read:
            message = "a contact has an email, a phone or an external_id"
            raise NotValidError([Mistake("contact", "unknown-contact", message)])
        name = line(given.get("name"))
        contact = Contact(
            read.get("email"),
            None if name is None else short_name(name),
            phone=read.get("phone"),
            external_id=read.get("external_id"),
        )
        return Whom(
            contact.email,
            contact.name,
            contact.phone,
            contact.external_id,
            contact.identifiers,
            contact.address,
        )

    def first_status(self, kind: str, names: Names) -> str:
        """Return the status that tasks of a kind have first."""
        return _statuses(names).first(kind)

    def note(self, words: str) -> str:
        """Return a note that can be kept."""
        found = note(words)
        if found is None:
            raise NotValidError([Mistake("note", "blank", "a note needs some text")])
        return found


def key_of(given: Given, mistakes: list[FieldError]) -> str | None:
    """Return the key a new task is given."""
    if given.get("key") is None:
        return None
    try:
        return key(given["key"])
    except FieldError as error:
        mistakes.append(error)
        return None


def _read(given: Given, context: Context, mistakes: list[FieldError]) -> dict[str, Any]:
    plain = {name: value for name, value in given.items() if name not in _NOT_READ}
    mistakes += [
        FieldError(name, "too-long", f"{name} has at most {MAX_LIST} entries")
        for name in sorted(_LISTS & plain.keys())
        if len(plain[name] or ()) > MAX_LIST
    ]
    if len(plain.get("custom") or ()) > MAX_CUSTOM:
        message = f"custom has at most {MAX_CUSTOM} keys"
        mistakes.append(FieldError("custom", "too-long", message))
    fields = read_fields(plain, context, mistakes)
    status = given.get("status")
    if status is not None:
        if status in context.known["statuses"]:
            fields["status"] = status
        else:
            message = f"the directory does not know {shown(status)}"
            mistakes.append(FieldError("status", "unknown-name", message))
    return fields


def _context(names: Names, now: datetime) -> Context:
    known = {**names.known, "statuses": {status.id: status.id for status in names.statuses}}
    return Context(known, names.timezone, rfc3339(now), names.holidays)


def _statuses(names: Names) -> Statuses:
    return Statuses({status.id: status.kind for status in names.statuses})


def _infer(
    fields: dict[str, Any], whom: Whom | None, names: Names, mistakes: list[FieldError]
) -> None:
    """Set what a new task gets with its project and its contact's domain (decisions N6, N7)."""
    _take_client(fields, {}, names, mistakes)
    project = _project(fields.get("project"), names)
    if project is not None and project.assignees:
        fields.setdefault("assignees", list(project.assignees))
    if whom is not None and whom.email is not None and "client" not in fields:
        domain = domain_of(whom.email)
        of_domain = (client.id for client in names.clients if domain in client.domains)
        client = next(of_domain, None)
        if client is not None:
            fields["client"] = client


def _take_client(
    fields: dict[str, Any], row: Mapping[str, Any], names: Names, mistakes: list[FieldError]
) -> None:
    """Set the client with the project, and refuse another one (decision N7)."""
    if not fields.keys() & {"project", "client"}:
        return
    project = _project(fields.get("project", row.get("project")), names)
    if project is None or project.client is None:
        return
    client = fields.get("client")
    if client not in {None, project.client}:
        message = f"the project {project.id} belongs to {project.client}, not {shown(client)}"
        mistakes.append(FieldError("client", "not-the-projects", message))
    else:
        fields["client"] = project.client


def _project(name: str | None, names: Names) -> Any:
    return next((project for project in names.projects if project.id == name), None)


def _check_destinations(given: Any, names: Names, mistakes: list[FieldError]) -> None:
    for name in given:
        if name not in names.destinations:
            message = f"there is no destination {shown(name)}"
            mistakes.append(FieldError("deliver", "unknown-name", message))


def _merged(given: Given, row: Row) -> dict[str, Any]:
    """Return a patch whose mappings are those the task has then, as RFC 7396 merges them."""
    merged = dict(given)
    for name in ("custom", "reminder"):
        if isinstance(given.get(name), dict):
            merged[name] = merge_patch(row[name], given[name])
    if "due_time" in given and not given.keys() & {"due", "due_at", "due_date"}:
        # Half of a pair changes: the other half stays.
        merged["due_date"] = row["due_date"]
    elif given.get("due_date") is not None and "due_time" not in given:
        merged["due_time"] = row["due_time"]
    return merged


def merge_patch(target: Any, patch: Any) -> Any:
    """Return what RFC 7396 makes of a value and a patch."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merge_patch(found.get(name), value)
    return found


def _emptied(given: Given, row: Row) -> Row:
    """Return the columns of fields that a patch sets to null."""
    values: Row = {}
    for name, value in given.items():
        if value is not None or name in _NOT_READ:
            continue
        if name in DUE_FORMS:
            dated = name == "due_time" and given.get("due_date") is not None
            if not dated:
                values |= {**dict.fromkeys(_DUE_COLUMNS), "all_day": False}
        elif name in START_FORMS:
            values["start_ms"] = None
        elif name in _LISTS:
            values[name] = []
        elif name == "custom":
            values[name] = {}
        elif name == "timezone":
            # Day and time of a due date are shown in a zone: it keeps the one it has.
            values[name] = row[name] if row["due_date"] is not None else None
        else:
            values[name] = None
    return values


def _give_up_on(mistakes: list[FieldError]) -> None:
    if mistakes:
        raise NotValidError([Mistake(one.field, one.code, one.message) for one in mistakes])
