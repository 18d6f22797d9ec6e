"""Dates of tasks: from what a rule or a payload writes to the instant and the day it means.

An ISO date is the whole day; a date with a time is that time in the task's zone, unless it carries an
offset (decisions D1, D7, D8). Nothing here reads a clock.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DATE = r"(\d{4}-\d\d-\d\d)"
_CLOCK = r"(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?"
_WHEN = re.compile(rf"{_DATE}(?:[Tt ]{_CLOCK}\s?([Zz]|[+-]\d\d:?\d\d)?)?", re.ASCII)
_TIME = re.compile(r"(\d{1,2}):(\d\d)", re.ASCII)
END_OF_DAY: Final = time(23, 59, 59)
EXPECTED: Final = "a date such as 2026-11-24, with a time such as 17:00 if need be"


class DueError(ValueError):
    """A text is no date; the message says what would be."""


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


def read_due(words: str, zone: tzinfo) -> Due:
    """Return the date a text means in a zone.

    Raises:
        DueError: It means none.
    """
    found = _WHEN.fullmatch(words.strip())
    if found is None:
        raise DueError(f"expected {EXPECTED}")
    day, hour, minute, second, fraction, offset = found.groups()
    try:
        if hour is None:
            return _whole_day(date.fromisoformat(day), zone)
        micro = int((fraction or "0").ljust(6, "0")[:6])
        clock = time(int(hour), int(minute), int(second or 0), micro)
        moment = datetime.combine(date.fromisoformat(day), clock, _offset(offset) or zone)
        return _timed(moment, zone)
    except (ValueError, OverflowError):
        raise DueError(f"there is no such date; expected {EXPECTED}") from None


def read_pair(day: str, clock: str | None, zone: tzinfo) -> Due:
    """Return the date that `due_date` and `due_time` mean together.

    Raises:
        DueError: They mean none.
    """
    if clock is not None and not _TIME.fullmatch(clock.strip()):
        raise DueError("expected a time such as 17:00")
    return read_due(day if clock is None else f"{day.strip()} {clock.strip()}", zone)


def _offset(words: str | None) -> tzinfo | None:
    if words is None:
        return None
    return datetime.fromisoformat(f"2000-01-01T00:00:00{words.upper()}").tzinfo


def _whole_day(day: date, zone: tzinfo) -> Due:
    end = datetime.combine(day, END_OF_DAY, zone)
    start = datetime.combine(day, time(), zone)
    return Due(_utc(end), _utc(start), day.isoformat(), None)


def _timed(moment: datetime, zone: tzinfo) -> Due:
    # Through UTC and back: a time that the clocks skip is moved on, one that comes twice is the first.
    shown = moment.astimezone(UTC).astimezone(zone)
    return Due(_utc(moment), _utc(moment), shown.date().isoformat(), shown.strftime("%H:%M"))


def _utc(moment: datetime) -> str:
    exact = moment.astimezone(UTC)
    precision = "milliseconds" if exact.microsecond else "seconds"
    return exact.isoformat(timespec=precision).replace("+00:00", "Z")
