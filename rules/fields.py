"""The fields of a task: what a rule's values become, and which of them no task may have."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, tzinfo
from typing import Any, Final, NamedTuple, TypeVar

from rules.due import Due, DueError, on_day, read_clock, read_day, read_due, zone_of
from rules.values import is_integer, number, shown, storable, text

MAX_TITLE: Final = 10_000
MAX_KEY: Final = 512
MAX_MINUTES: Final = 1_000_000
MAX_DAYS_BEFORE: Final = 3_650
PRIORITIES: Final = ("low", "medium", "high")
NOTIFY: Final = ("email", "none")

Known = Mapping[str, Mapping[str, str]]
Read = TypeVar("Read")

_BREAKS = re.compile("\r\n|[\x01-\x1f\x7f-\x9f\u2028\u2029]")


class FieldError(ValueError):
    """A value that a field of a task may not have: the field, a code and a sentence.

    `pointer` is the JSON Pointer of the field in the payload, where the payload is a task.
    """

    def __init__(self, field: str, code: str, message: str, pointer: str | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.code = code
        self.message = message
        self.pointer = pointer


class RefusedError(ValueError):
    """A task that is not valid: everything that is wrong with it."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(errors[0].message)
        self.errors = tuple(errors)


class Context(NamedTuple):
    """What reading a field depends on.

    `known` holds the names that are known, `timezone` the zone of tasks that name none. Phrases such
    as `+1 business day` count from `received_at`, RFC 3339 text; `holidays` are sorted, each once.
    """

    known: Known
    timezone: str
    received_at: str
    holidays: tuple[date, ...] = ()

    def in_zone(self, name: str) -> Context:
        """Return the same with another zone for tasks that name none."""
        return self if name == self.timezone else self._replace(timezone=name)


def one_line(value: Any) -> str:
    """Return a value as text without NUL, in which line breaks and control characters are blanks."""
    words = text(value)
    if words.isascii() and words.isprintable():  # as nearly all are, told in a fraction of the time
        return words
    return _BREAKS.sub(" ", storable(words.replace("\x00", "")))


def title(value: Any) -> str:
    """Return a title (decision T17).

    Raises:
        FieldError: It is blank.
    """
    words = one_line(value)
    if not words.strip():
        raise FieldError("title", "blank", "a task needs a title that is not blank")
    return words if len(words) <= MAX_TITLE else f"{words[: MAX_TITLE - 1]}…"


def key(value: Any) -> str:
    """Return a task's key (decision K11).

    Raises:
        FieldError: It is blank or too long.
    """
    words = storable(text(value))
    if not words.strip():
        raise FieldError("key", "blank", "the key is null or blank")
    if len(words) > MAX_KEY:
        raise FieldError("key", "too-long", f"a key has at most {MAX_KEY} characters")
    return words


def note(value: Any) -> str | None:
    """Return a text that may be missing: null and blank are none."""
    words = storable(text(value))
    return words if words.strip() else None


def read_fields(
    values: Mapping[str, Any],
    context: Context,
    errors: list[FieldError],
    relative: set[str] | None = None,
) -> dict[str, Any]:
    """Return a task's fields by their contract names; what is null is left out.

    `values` may hold `due`, `due_at` or the pair `due_date`, `due_time`; and `start` or `start_at`.
    What is wrong with a field is added to `errors`; the names of fields that are counted from
    the event are added to `relative`.
    """
    fields: dict[str, Any] = {}
    dates: dict[str, Any] = {}
    for name, value in values.items():
        if name in DATES:
            dates[name] = value
            continue
        try:
            found = READERS[name](name, value, context)
        except FieldError as error:
            errors.append(error)
            continue
        if found is not None:
            fields[name] = found
    if dates:
        _read_dates(dates, context, fields, errors, set() if relative is None else relative)
    return fields


def _title(_name: str, value: Any, _context: Context) -> str:
    return title(value)


def _text(_name: str, value: Any, _context: Context) -> str | None:
    return None if value is None else storable(text(value))


def _name(kind: str) -> Callable[[str, Any, Context], str | None]:
    def read(name: str, value: Any, context: Context) -> str | None:
        if value is None:
            return None
        return _known(name, kind, value, context)

    return read


def _known(field: str, kind: str, value: Any, context: Context) -> str:
    if isinstance(value, list | dict | bool):
        raise FieldError(field, "wrong-type", f"{field} takes a text")
    words = storable(text(value))
    names = context.known.get(kind)
    if names is None:
        return words
    found = names.get(words) or names.get(words.lower() if "@" in words else words)
    if found is None:
        raise FieldError(field, "unknown-name", f"the directory does not know {shown(words)}")
    return found


def _names(kind: str) -> Callable[[str, Any, Context], list[str] | None]:
    def read(name: str, value: Any, context: Context) -> list[str] | None:
        if value is None:
            return None
        if not isinstance(value, list):
            raise FieldError(name, "wrong-type", f"{name} takes a list")
        found = [_known(name, kind, one, context) for one in value if one is not None]
        return list(dict.fromkeys(found))

    return read


def _priority(name: str, value: Any, _context: Context) -> str | None:
    if value is None or value in PRIORITIES:
        return value  # type: ignore[no-any-return]  # None or one of the texts
    raise FieldError(name, "not-a-choice", f"{name} is one of {', '.join(PRIORITIES)}")


def _minutes(name: str, value: Any, _context: Context) -> int | None:
    if value is None:
        return None
    found = number(value)
    if found is None or not is_integer(found) or not 1 <= found <= MAX_MINUTES:
        message = f"{name} takes a whole number of minutes, from 1 to {MAX_MINUTES}"
        raise FieldError(name, "wrong-type", message)
    return int(found)


def _zone(name: str, value: Any, _context: Context) -> str | None:
    if value is None:
        return None
    try:
        zone_of(text(value))
    except DueError as error:
        raise FieldError(name, "unknown-name", str(error)) from None
    return text(value)


def _reminder(name: str, value: Any, _context: Context) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or value.keys() - REMINDER.keys():
        raise FieldError(name, "wrong-type", f"{name} takes days_before, time and notify")
    return {part: read(value.get(part)) for part, read in REMINDER.items()}


def _days_before(value: Any) -> int:
    days = number(0 if value is None else value)
    if days is None or not is_integer(days) or not 0 <= days <= MAX_DAYS_BEFORE:
        message = f"days_before takes a whole number from 0 to {MAX_DAYS_BEFORE}"
        raise FieldError("reminder", "wrong-type", message)
    return int(days)


def _reminder_time(value: Any) -> str | None:
    if value is None:
        return None
    try:
        return read_clock(text(value)).strftime("%H:%M")
    except DueError:
        raise FieldError("reminder", "wrong-type", "time takes a time such as 10:00") from None


def _notify(value: Any) -> str:
    if value is None:
        return NOTIFY[0]
    if value in NOTIFY:
        return str(value)
    raise FieldError("reminder", "not-a-choice", f"notify is one of {', '.join(NOTIFY)}")


REMINDER: Final[dict[str, Callable[[Any], Any]]] = {
    "days_before": _days_before,
    "time": _reminder_time,
    "notify": _notify,
}
"""The parts of a reminder, and how each is read."""


def _links(name: str, value: Any, _context: Context) -> list[dict[str, str]] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise FieldError(name, "wrong-type", f"{name} takes a list")
    links = []
    for link in value:
        if link is None:
            continue
        if not isinstance(link, dict) or link.keys() != {"object", "id"}:
            raise FieldError(name, "wrong-type", "a link is a mapping of object and id")
        ends = {end: note(link[end]) for end in ("object", "id")}
        if None in ends.values():
            raise FieldError(name, "blank", "a link needs an object and an id that are not blank")
        links.append({end: words for end, words in ends.items() if words is not None})
    return links


def _custom(name: str, value: Any, _context: Context) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise FieldError(name, "wrong-type", f"{name} takes a mapping")
    cleaned: dict[str, Any] = clean(value)
    return cleaned


def clean(value: Any) -> Any:
    """Return a value of which every text can be stored."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(text(name)): clean(item) for name, item in value.items()}
    if isinstance(value, list):
        return [clean(item) for item in value]
    return value


READERS: Final[dict[str, Callable[[str, Any, Context], Any]]] = {
    "title": _title,
    "description": _text,
    "type": _name("task_types"),
    "priority": _priority,
    "timezone": _zone,
    "duration_minutes": _minutes,
    "reminder": _reminder,
    "assignees": _names("people"),
    "followers": _names("people"),
    "labels": _names("labels"),
    "client": _name("clients"),
    "project": _name("projects"),
    "links": _links,
    "custom": _custom,
}
"""Every field but those of dates, and how it is read."""

DUE_FORMS: Final = ("due", "due_at", "due_date", "due_time")
START_FORMS: Final = ("start", "start_at")
DATES: Final = frozenset({*DUE_FORMS, *START_FORMS})
FIELDS: Final = frozenset({*READERS, *DATES})
"""The names of every field a rule may give."""


def _read_dates(
    dates: Mapping[str, Any],
    context: Context,
    fields: dict[str, Any],
    errors: list[FieldError],
    relative: set[str],
) -> None:
    given = {name: value for name, value in dates.items() if value is not None}
    named = fields.get("timezone")
    zone = zone_of(context.timezone if named is None else named)
    due = _read_one(DUE_FORMS, given, zone, context, errors)
    start = _read_one(START_FORMS, given, zone, context, errors)
    if start is not None:
        fields["start_at"] = start[0].start
        if start[1]:
            relative.add("start_at")
    if due is None:
        return
    found: dict[str, Any] = {
        "due_at": due[0].at,
        "due_date": due[0].date,
        "due_time": due[0].time,
        "all_day": due[0].all_day,
    }
    if named is None:
        found["timezone"] = context.timezone  # day and time are shown in it (decision D12)
    fields.update(found)
    if due[1]:
        relative.update(found)


def _read_one(
    forms: Sequence[str],
    given: Mapping[str, Any],
    zone: tzinfo,
    context: Context,
    errors: list[FieldError],
) -> tuple[Due, bool] | None:
    """Return a date, and whether it is counted from the event; None if it is not given or wrong."""
    names = [form for form in forms if form in given]
    if not names:
        return None
    try:
        return _read_form(names, given, zone, context)
    except FieldError as error:
        errors.append(error)
        return None


def _read_form(
    names: list[str], given: Mapping[str, Any], zone: tzinfo, context: Context
) -> tuple[Due, bool]:
    name = names[0]
    if names == ["due_time"]:
        raise _no_date(name, "needs due_date")
    if names in (["due_date"], ["due_date", "due_time"]):
        day = _dated(name, read_day, given)
        clock = None if len(names) == 1 else _dated("due_time", read_clock, given)
        return _dated(name, lambda _: on_day(day, clock, zone), given), False
    if len(names) > 1:
        raise _no_date(name, f"{' and '.join(names)} exclude each other")
    since, holidays = context.received_at, context.holidays
    return _dated(name, lambda words: read_due(words, zone, since, holidays), given)


def _dated(name: str, read: Callable[[str], Read], given: Mapping[str, Any]) -> Read:
    try:
        return read(text(given[name]))
    except DueError as error:
        raise _no_date(name, str(error)) from None


def _no_date(name: str, message: str) -> FieldError:
    return FieldError(name, "not-a-date", f"{name}: {message}")
