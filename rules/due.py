"""Dates of tasks: from what a rule or a payload writes to the instant and the day it means.

An ISO date is the whole day; a date with a time is that time in the task's zone, unless it carries an
offset (decisions D1, D7, D8). A phrase counts from the event. Nothing here reads a clock.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rules.due_phrases import EXPECTED, DueError, Phrase, clock_of, find_phrase

__all__ = [
    "Due",
    "DueError",
    "at_instant",
    "on_day",
    "read_clock",
    "read_day",
    "read_due",
    "zone_of",
]

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CLOCK = r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?"
_WHEN = re.compile(rf"({_DAY.pattern})(?:(?:[Tt]| +){_CLOCK}\s?([Zz]|[+-]\d\d:?\d\d)?)?", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d\d)", re.ASCII)
_MAX_LENGTH: Final = 100
_BEYOND: Final = "that is beyond the calendar"
END_OF_DAY: Final = time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class Due:
    """A date: the instant (`at`, RFC 3339 in UTC), the day and time of day in the task's zone.

    `time` None: the whole day, `at` is its end. `start` is the instant at which it begins.
    """

    at: str
    start: str
    date: str
    time: str | None

    @property
    def all_day(self) -> bool:
        """Whether it is a day without a time."""
        return self.time is None


@lru_cache(maxsize=512)
def zone_of(name: str) -> tzinfo:
    """Return a time zone by its IANA name.

    Raises:
        DueError: There is none of that name.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise DueError(f"{name!r:.60} is not a time zone") from None


def read_due(
    words: str, zone: tzinfo, received_at: str, holidays: Sequence[date] = ()
) -> tuple[Due, bool]:
    """Return the date a text means in a zone, and whether it is counted from the event.

    `received_at` is the event's, RFC 3339. `holidays` are sorted, each once.

    Raises:
        DueError: It means none.
    """
    words = words.strip()
    if len(words) > _MAX_LENGTH:
        raise DueError(f"expected {EXPECTED}")
    phrase = find_phrase(words)
    if phrase is None:
        return _fixed(words, zone), False
    return _counted(phrase, zone, datetime.fromisoformat(received_at), holidays), True


def read_day(words: str) -> date:
    """Return the day that `YYYY-MM-DD` means.

    Raises:
        DueError: It means none.
    """
    if not _DAY.fullmatch(words.strip()):
        raise DueError("expected a date such as 2026-11-24")
    try:
        return date.fromisoformat(words.strip())
    except ValueError:
        raise DueError("there is no such date; expected a date such as 2026-11-24") from None


def read_clock(words: str) -> time:
    """Return the time of day that `HH:MM` means; `H:MM` is read as `0H:MM`.

    Raises:
        DueError: It means none.
    """
    found = _TIME.fullmatch(words.strip())
    if found is None:
        raise DueError("expected a time such as 17:00")
    return clock_of(int(found[1]), int(found[2]))


@lru_cache(maxsize=1024)
def _fixed(words: str, zone: tzinfo) -> Due:
    """Return the date of an ISO text."""
    found = _WHEN.fullmatch(words)
    if found is None:
        raise DueError(f"expected {EXPECTED}")
    day, hour, minute, second, fraction, offset = found.groups()
    try:
        on = date.fromisoformat(day)
        micro = int((fraction or "0").ljust(6, "0")[:6])
        clock = time(int(hour or 0), int(minute or 0), int(second or 0), micro)
        within = _offset(offset) or zone
    except ValueError:
        raise DueError(f"there is no such date; expected {EXPECTED}") from None
    if hour is None:
        return on_day(on, None, zone)
    return at_instant(datetime.combine(on, clock, within), zone)


def _counted(phrase: Phrase, zone: tzinfo, received: datetime, holidays: Sequence[date]) -> Due:
    """Return the date a phrase means for an event."""
    try:
        if phrase.elapsed is not None:
            return at_instant(_in_zone(received, UTC) + phrase.elapsed, zone)
        day = phrase.day_after(_in_zone(received, zone).date(), holidays)
    except OverflowError:
        raise DueError(_BEYOND) from None
    return on_day(day, phrase.clock, zone)


def _offset(words: str | None) -> tzinfo | None:
    if words is None:
        return None
    return datetime.fromisoformat(f"2000-01-01T00:00:00{words.upper()}").tzinfo


@lru_cache(maxsize=1024)
def on_day(day: date, clock: time | None, zone: tzinfo) -> Due:
    """Return the date of a day, with or without a time of day.

    Raises:
        DueError: It is beyond the calendar.
    """
    if clock is not None:
        return at_instant(datetime.combine(day, clock, zone), zone)
    end = datetime.combine(day, END_OF_DAY, zone)
    start = datetime.combine(day, time(), zone)
    return Due(_utc(end), _utc(start), day.isoformat(), None)


def at_instant(moment: datetime, zone: tzinfo) -> Due:
    """Return the date of an instant, as a zone shows it.

    Raises:
        DueError: It is beyond the calendar.
    """
    # Through UTC and back: a time that the clocks skip is moved on, one that comes twice is the first.
    shown = _in_zone(_in_zone(moment, UTC), zone)
    at = _utc(moment)
    return Due(at, at, shown.date().isoformat(), shown.strftime("%H:%M"))


def _in_zone(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.astimezone(zone)
    except OverflowError:
        raise DueError(_BEYOND) from None


def _utc(moment: datetime) -> str:
    exact = _in_zone(moment, UTC)
    precision = "milliseconds" if exact.microsecond else "seconds"
    return exact.isoformat(timespec=precision).replace("+00:00", "Z")
