"""What somebody may have meant by a text that is no date, for the check of rules."""

from __future__ import annotations

import re
from datetime import UTC
from typing import Final

from rules.due import DueError, read_due
from rules.due_phrases import WEEKDAYS, clock_of
from rules.suggest import suggest

SOME_INSTANT: Final = "2026-01-05T09:00:00Z"
"""What phrases count from in the check: whether one means a date is the same for every event."""

_MAX_LENGTH: Final = 60
_DAYS_ALONE: Final = frozenset({"due_date", "holidays"})
_BUSINESS: Final = " business day"
_UNITS: Final = {
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "wk", "week", "weeks"), "w"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("business day", "business days", "weekday", "weekdays"), _BUSINESS),
    **dict.fromkeys(("working day", "working days", "workday", "workdays", "bd"), _BUSINESS),
}
_NO_UNITS: Final = {
    **dict.fromkeys(("month", "months"), ("months", 30)),
    **dict.fromkeys(("quarter", "quarters"), ("quarters", 91)),
    **dict.fromkeys(("year", "years"), ("years", 365)),
}
_SAME: Final = {
    **dict.fromkeys(("eod", "end of day", "tonight", "asap"), "today"),
    **dict.fromkeys(("next business day", "next working day"), "+1 business day"),
    "next day": "tomorrow",
    "next week": "+1w",
    "now": "+0m",
}
_WORDS: Final = ("today", "tomorrow", *WEEKDAYS, *(f"next {day}" for day in WEEKDAYS))

_TIMED = re.compile(r"(.+?)(?:(?: at| @|,)? ([0-9]{1,2})(?:[:.h]([0-9]{2}))? ?(am|pm)?)?")
_COUNTED = re.compile(r"(?:(?:in |after |within )?[+-]? ?([0-9]{1,9})|next) ?([a-z][a-z ]*)")
_PREPOSITION = re.compile(r"(?:on|this|by) ")
_ABBREVIATED = re.compile(r"(next )?(mon|tue|wed|thu|fri|sat|sun)[a-z]{0,2}\.?")
_YEAR_FIRST = re.compile(r"(?P<year>[0-9]{4})[-/.](?P<month>[0-9]{1,2})[-/.](?P<day>[0-9]{1,2})")
_YEAR_LAST = re.compile(r"(?P<day>[0-9]{1,2})\.(?P<month>[0-9]{1,2})\.(?P<year>[0-9]{4})")


def what_is_wrong(words: str) -> str | None:
    """Return what is wrong with a text that is no date, where more can be said than that."""
    counted = _COUNTED.match(_plain(words))
    unit = None if counted is None else _NO_UNITS.get(counted[2].strip())
    return None if unit is None else f"there are no {unit[0]}"


def hint_for(field: str, words: str) -> str | None:
    """Return what to write in a field in place of a text that is no date, if that can be told."""
    if field == "due_date" and _is_date(words):
        return "`due` takes times and phrases; `due_date` is a day alone"
    meant = _meant_time(words) if field in {"due_time", "time"} else _meant_date(words)
    if meant is None or (field in _DAYS_ALONE and not _YEAR_FIRST.fullmatch(meant)):
        return None
    return f"did you mean `{meant}`?"


def _meant_date(words: str) -> str | None:
    plain = _plain(words)
    found = _TIMED.fullmatch(plain)
    if found is None or len(plain) > _MAX_LENGTH:
        return None
    day, clock = _day(found[1]), _clock(*found.groups()[1:])
    if clock is None and found[2] is not None:
        return None
    tries = (day if clock is None else f"{day} {clock}", day)
    return next((one for one in tries if one not in {None, plain} and _is_date(one)), None)


def _meant_time(words: str) -> str | None:
    found = _TIMED.fullmatch(f"x {_plain(words)}")
    return None if found is None else _clock(*found.groups()[1:])


def _plain(words: str) -> str:
    return " ".join(words.lower().split())


def _is_date(words: str | None) -> bool:
    try:
        read_due(words or "", UTC, SOME_INSTANT)
    except DueError:
        return False
    return True


def _clock(hour: str | None, minute: str | None, half: str | None) -> str | None:
    if hour is None:
        return None
    hours = int(hour) if half is None else int(hour) % 12 + 12 * (half == "pm")
    try:
        return f"{clock_of(hours, int(minute or 0)):%H:%M}"
    except DueError:
        return None


def _day(words: str) -> str | None:
    counted = _COUNTED.fullmatch(words)
    if counted is not None and (counted[1] or counted[2] in _NO_UNITS):
        return _count(int(counted[1] or 1), counted[2])
    dated = _YEAR_FIRST.fullmatch(words) or _YEAR_LAST.fullmatch(words)
    if dated is not None:
        return f"{dated['year']}-{dated['month']:0>2}-{dated['day']:0>2}"
    words = _PREPOSITION.sub("", words)
    short = _ABBREVIATED.fullmatch(words)
    if short is not None:
        return (short[1] or "") + next(day for day in WEEKDAYS if day.startswith(short[2]))
    return _SAME.get(words) or suggest(words, _WORDS)


def _count(count: int, unit: str) -> str | None:
    if unit in _NO_UNITS:
        return f"+{count * _NO_UNITS[unit][1]}d"
    near = unit if unit in _UNITS else suggest(unit, _UNITS)
    if near is None:
        return None
    plural = "s" if _UNITS[near] == _BUSINESS and count != 1 else ""
    return f"+{count}{_UNITS[near]}{plural}"
