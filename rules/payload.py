"""The payload of a task endpoint: which fields of a task it may give, and in which form (decisions S1-S7).

It is read more strictly than what a rule makes of an event: whoever sends it wrote it to be a task, and
is told everything that is wrong with it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from rules import fields
from rules.contact import EMAIL_FIELD
from rules.decision import TaskKey
from rules.fields import FieldError
from rules.suggest import suggest
from rules.values import is_integer, shown, storable, text, type_name

CUSTOM_PREFIX: Final = "cf_"
"""Keys that begin so are custom fields, under their whole name."""
CONTACT: Final = "contact"
CONTACT_PARTS: Final = ("email", "phone", "external_id", "name")
MAX_UNKNOWN: Final = 20
"""So many keys that are no fields are named; more of them help nobody."""

_MAX_NAME: Final = 80
_NUMBERS: Final = frozenset({"number"})
_LINK: Final = ("object", "id")


class Form(NamedTuple):
    """The form of a field in JSON: what it is called, and what tells whether a value has it."""

    what: str
    fits: Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_number(value: Any) -> bool:
    return value is None or is_integer(value)


def _is_list(value: Any) -> bool:
    return value is None or isinstance(value, list)


def _is_object(value: Any) -> bool:
    return value is None or isinstance(value, dict)


def _is_version(value: Any) -> bool:
    return _is_text(value) or type_name(value) in _NUMBERS


TEXT: Final = Form("a text", _is_text)
WHOLE: Final = Form("a whole number", _is_number)
LIST: Final = Form("a list of texts", _is_list)
LINKS: Final = Form("a list of {object, id}", _is_list)
OBJECT: Final = Form("an object", _is_object)
VERSION: Final = Form("a text or a number", _is_version)

FORMS: Final[Mapping[str, Form]] = {
    "title": TEXT,
    "key": Form("a text", lambda value: isinstance(value, str)),
    "version": VERSION,
    "description": TEXT,
    "type": TEXT,
    "priority": TEXT,
    "start": TEXT,
    "start_at": TEXT,
    "due": TEXT,
    "due_at": TEXT,
    "due_date": TEXT,
    "due_time": TEXT,
    "timezone": TEXT,
    "duration_minutes": WHOLE,
    "reminder": OBJECT,
    "assignees": LIST,
    "followers": LIST,
    "labels": LIST,
    "client": TEXT,
    "project": TEXT,
    "links": LINKS,
    "custom": OBJECT,
}
"""Every field of a task that a payload may give (decision S1)."""
_REMINDER: Final[Mapping[str, Form]] = {"days_before": WHOLE, "time": TEXT, "notify": TEXT}
_OUR_OWN: Final = frozenset({"key", "version"})


@dataclass(frozen=True, slots=True)
class Payload:
    """How a connector reads its payloads.

    `fixed` holds the names that a payload may not give, and the field that the connector fixes for each.
    `takes_contact`: whether `contact` of the payload has a say in whom the task is from.
    """

    fixed: Mapping[str, str] = field(default_factory=dict)
    takes_contact: bool = True

    def accepts(self, name: str) -> bool:
        """Tell whether a payload may give a field."""
        if name in self.fixed:
            return False
        return self.takes_contact if name == CONTACT else name in FORMS

    def read(self, body: Any, errors: list[FieldError]) -> dict[str, Any]:
        """Return the fields that a payload gives, for `fields.read_fields`; null is left out by that.

        What is wrong with the payload is added to `errors`; a field with an error is not returned.
        """
        if not isinstance(body, dict):
            kind = type_name(body)
            message = f"the payload is an object with the fields of a task, this is {kind}"
            errors.append(FieldError("", "wrong-type", message, "#"))
            return {}
        found: dict[str, Any] = {}
        custom: dict[str, Any] = {}
        unknown: list[FieldError] = []
        for name, value in body.items():
            if name in self.fixed or (name.startswith(CUSTOM_PREFIX) and "custom" in self.fixed):
                errors.append(_fixed(name, self.fixed.get(name, "custom")))
            elif name.startswith(CUSTOM_PREFIX):
                custom[name] = value
            elif name == CONTACT:
                self._check_contact(value, errors)
            elif name not in FORMS:
                unknown.append(self._unknown(name))
            elif _check(name, value, errors) and name not in _OUR_OWN:
                found[name] = value
        errors.extend(unknown[:MAX_UNKNOWN])
        if "title" not in body:
            errors.append(_error(("title",), "missing", "a task needs a title"))
        if custom:
            _add_custom(found, custom, errors)
        return found

    def key(self, body: Any, errors: list[FieldError]) -> TaskKey | None:
        """Return the key that a payload gives, None if it gives none or a bad one."""
        given = body.get("key") if isinstance(body, dict) else None
        if not isinstance(given, str):
            return None
        try:
            return TaskKey(fields.key(given))
        except FieldError as error:
            errors.append(error)
            return None

    def version(self, body: Any) -> str | None:
        """Return the sender's version that a payload gives, as text."""
        given = body.get("version") if isinstance(body, dict) else None
        return fields.note(given) if _is_version(given) else None

    def _check_contact(self, value: Any, errors: list[FieldError]) -> None:
        if not self.takes_contact:
            message = "the connector says itself whom its tasks are from"
            errors.append(_error((CONTACT,), "fixed", message))
            return
        if value is None:
            return
        if not isinstance(value, dict):
            _wrong((CONTACT,), f"an object with {', '.join(CONTACT_PARTS)}", value, errors)
            return
        for part, given in value.items():
            if part not in CONTACT_PARTS:
                errors.append(_no_part((CONTACT, part), CONTACT_PARTS))
            elif part == "external_id":
                if not _is_version(given):
                    _wrong((CONTACT, part), "a text or a number", given, errors)
            elif not _is_text(given):
                _wrong((CONTACT, part), "a text", given, errors)

    def _unknown(self, name: str) -> FieldError:
        words = _cut(name)
        near = suggest(name, [*filter(self.accepts, (*FORMS, CONTACT))])
        hint = f"; did you mean {near}?" if near else ""
        return _error((name,), "unknown-field", f"a payload cannot set {words}{hint}")


def once_each(errors: list[FieldError], body: Any) -> list[FieldError]:
    """Return the first error of each field, with a pointer to it where the payload has the field."""
    first: dict[str, FieldError] = {}
    given = body if isinstance(body, dict) else {}
    for error in errors:
        if error.pointer is None and error.field.partition(".")[0] in given:
            path = tuple(error.field.split("."))
            error = FieldError(error.field, error.code, error.message, pointer_of(path))  # noqa: PLW2901  the same, placed
        first.setdefault(error.field, error)
    return list(first.values())


def pointer_of(path: tuple[str | int, ...]) -> str:
    """Return a JSON Pointer (RFC 6901), as a URI fragment."""
    steps = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return "".join(("#", *(f"/{step}" for step in steps)))


def _check(name: str, value: Any, errors: list[FieldError]) -> bool:
    """Tell whether a value has the form of its field; say what is wrong with it if not."""
    form = FORMS[name]
    if not form.fits(value):
        _wrong((name,), form.what, value, errors)
        return False
    before = len(errors)
    if value is None:
        pass
    elif form is LIST:
        for number, item in enumerate(value):
            if not isinstance(item, str):
                _wrong((name, number), "a text", item, errors)
    elif form is LINKS:
        for number, link in enumerate(value):
            _check_link((name, number), link, errors)
    elif name == "reminder":
        _check_parts(name, value, errors)
    return len(errors) == before


def _check_link(path: tuple[str | int, ...], link: Any, errors: list[FieldError]) -> None:
    if not isinstance(link, dict):
        _wrong(path, "an object with object and id", link, errors)
        return
    for part in _LINK:
        if not isinstance(link.get(part), str):
            _wrong((*path, part), "a text", link.get(part), errors)
    errors.extend(_no_part((*path, part), _LINK) for part in link if part not in _LINK)


def _check_parts(name: str, value: Mapping[str, Any], errors: list[FieldError]) -> None:
    for part, given in value.items():
        form = _REMINDER.get(part)
        if form is None:
            errors.append(_no_part((name, part), tuple(_REMINDER)))
        elif not form.fits(given):
            _wrong((name, part), form.what, given, errors)


def _add_custom(found: dict[str, Any], custom: Mapping[str, Any], errors: list[FieldError]) -> None:
    """Add the keys that are custom fields to those of `custom`; none may be given in both."""
    written = found.get("custom") or {}
    for name in custom:
        if name in written:
            message = f"{_cut(name)} is given in custom too"
            errors.append(_error((name,), "given-twice", message))
    found["custom"] = {**written, **custom}


def _fixed(name: str, by: str) -> FieldError:
    words = _cut(name)
    same = "" if name == by else f", as {by}"
    return _error((name,), "fixed", f"{words} is fixed by the connector{same}: leave it out")


def _no_part(path: tuple[str | int, ...], known: tuple[str, ...]) -> FieldError:
    near = suggest(str(path[-1]), known)
    hint = f"did you mean {near}?" if near else f"it takes {', '.join(known)}"
    owner = _named(path[:-1])
    return _error(path, "unknown-field", f"{owner} has no {_cut(str(path[-1]))}; {hint}")


def _wrong(path: tuple[str | int, ...], what: str, value: Any, errors: list[FieldError]) -> None:
    message = f"{_named(path)} takes {what}, not {shown(value)}"
    errors.append(_error(path, "wrong-type", message))


def _error(path: tuple[str | int, ...], code: str, message: str) -> FieldError:
    return FieldError(_named(path), code, message, pointer_of(tuple(map(_step, path))))


def _step(step: str | int) -> str | int:
    return _cut(step) if isinstance(step, str) else step


def _named(path: tuple[str | int, ...]) -> str:
    """Return how a field is called: `reminder.time`, `labels[1]`."""
    words = ""
    for step in path:
        if isinstance(step, int):
            words += f"[{step}]"
        else:
            words += f".{_cut(step)}" if words else _cut(step)
    return words


def _cut(words: str) -> str:
    words = storable(text(words))
    return words if len(words) <= _MAX_NAME else f"{words[: _MAX_NAME - 1]}…"


def missing_contact(reason: str) -> FieldError:
    """Return what is wrong with a payload that lacks what the connector's `contact:` is made of."""
    field = reason.partition(":")[0]  # the first name that cannot be had: `contact.phone: …`
    field = field if field.startswith(f"{CONTACT}.") else EMAIL_FIELD
    return FieldError(field, "missing", f"whom the task is from is not said: {reason}")
