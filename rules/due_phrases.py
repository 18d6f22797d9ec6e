"""Phrases for dates, such as `+1 business day 17:00`: what they look like and which day they mean.

A phrase counts from the day of an event in the task's zone, or, with hours and minutes, from its
instant (decisions D2-D5, D13). Case and blanks do not matter.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import lru_cache
from typing import Final, Literal

Unit = Literal["minutes", "days", "business days", "weekday"]

EXPECTED: Final = (
    "a date such as 2026-11-24 or +1 business day, with a time such as 17:00 if need be"
)
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MAX_DAYS: Final = 3_660
"""How far ahead a phrase may reach: ten years, as spans do."""

_FRIDAY: Final = 4
_MINUTES_A_DAY: Final = 1440
_FACTORS: Final[dict[str, tuple[Unit, int]]] = {
    "m": ("minutes", 1),
    "h": ("minutes", 60),
    "d": ("days", 1),
    "w": ("days", 7),
}
_PHRASE = re.compile(
    r"(?:(today|tomorrow)"
    rf"|(?:next ?)?({'|'.join(WEEKDAYS)})"
    r"|\+ ?([0-9]{1,9}) ?(business ?days?|[mhdw]))"
    r"(?: ?([0-9]{1,2}):([0-9]{2}))?"
)


class DueError(ValueError):
    """A text is no date; the message says what would be."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase: how many of what to go on, and the time of day, if it says one.

    For `weekday` the count is the day's number, 0 for Monday.
    """

    unit: Unit
    count: int
    clock: time | None = None

    def day_after(self, day: date, holidays: Sequence[date]) -> date:
        """Return the day it means, counted from a day; `holidays` are sorted, each once.

        Raises:
            OverflowError: The day is beyond the calendar.
        """
        if self.unit == "business days":
            return _business_day(day, self.count, holidays)
        if self.unit == "weekday":
            return day + timedelta((self.count - day.weekday() - 1) % 7 + 1)
        return day + timedelta(self.count)

    @property
    def elapsed(self) -> timedelta | None:
        """The time that has to go by, None if it is days that count."""
        return timedelta(minutes=self.count) if self.unit == "minutes" else None


@lru_cache(maxsize=1024)
def find_phrase(words: str) -> Phrase | None:
    """Return the phrase a text is, None if it is none.

    Raises:
        DueError: It is one that means no date.
    """
    found = _PHRASE.fullmatch(" ".join(words.lower().split()))
    if found is None:
        return None
    word, weekday, count, unit, hour, minute = found.groups()
    clock = None if hour is None else clock_of(int(hour), int(minute))
    if word is not None:
        return Phrase("days", 0 if word == "today" else 1, clock)
    if weekday is not None:
        return Phrase("weekday", WEEKDAYS.index(weekday), clock)
    return _counted(int(count), unit, clock)


def clock_of(hour: int, minute: int) -> time:
    """Return a time of day.

    Raises:
        DueError: There is none of that hour and minute.
    """
    try:
        return time(hour, minute)
    except ValueError:
        raise DueError("there is no such time; expected a time such as 17:00") from None


def _counted(count: int, letter: str, clock: time | None) -> Phrase:
    unit, factor = _FACTORS.get(letter, ("business days", 1))
    if unit == "minutes" and clock is not None:
        what = "hours" if letter == "h" else "minutes"
        raise DueError(f"{what} count from the event and take no time beside them")
    if unit == "business days" and count == 0:
        raise DueError("business days count from 1")
    phrase = Phrase(unit, count * factor, clock)
    if phrase.count > MAX_DAYS * (_MINUTES_A_DAY if unit == "minutes" else 1):
        raise DueError("that is more than ten years ahead")
    return phrase


def _business_day(day: date, count: int, holidays: Sequence[date]) -> date:
    """Return the N-th Monday to Friday after a day that is no holiday (decision D4)."""
    weekday = min(day.weekday(), _FRIDAY)  # from a weekend it is counted as from its Friday
    weeks, rest = divmod(weekday + count, _FRIDAY + 1)
    found = day + timedelta(7 * weeks + rest - day.weekday())
    for place in range(bisect_right(holidays, day), len(holidays)):
        if holidays[place] > found:
            break
        if holidays[place].weekday() <= _FRIDAY:
            found += timedelta(3 if found.weekday() == _FRIDAY else 1)
    return found
