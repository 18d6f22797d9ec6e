"""What phrases for dates mean, worked out the slow way: day by day, and by looking for the instant.

Shares nothing with `rules` but the database of time zones, and of that only what an instant looks like.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

ZONES = (
    "UTC",
    "Africa/Casablanca",  # summer time but for a month that the moon decides
    "Africa/Cairo",  # its clocks change at midnight
    "America/Havana",  # an hour after midnight comes twice
    "America/New_York",
    "America/Sao_Paulo",  # had days that began at 01:00, until 2018
    "America/St_Johns",
    "Antarctica/Troll",  # two hours at once
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Atlantic/Azores",
    "Australia/Lord_Howe",  # half an hour
    "Europe/London",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
)
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

_DAY = timedelta(days=1)
_FIRST = datetime(2015, 1, 1, tzinfo=UTC)
_YEARS = 14


def wall(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return what the clocks of a zone show, without a zone."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


@cache
def changes(name: str) -> tuple[datetime, ...]:
    """Return the instants, to the minute, at which the clocks of a zone were or will be changed."""
    zone = ZoneInfo(name)

    def ahead(instant: datetime) -> timedelta:
        return wall(instant, zone) - instant.replace(tzinfo=None)

    found = []
    for day in range(_YEARS * 365):
        low, high = _FIRST + day * _DAY, _FIRST + (day + 1) * _DAY
        if ahead(low) == ahead(high):
            continue
        while high - low > timedelta(minutes=1):
            middle = low + timedelta(minutes=(high - low) // timedelta(minutes=1) // 2)
            low, high = (middle, high) if ahead(middle) == ahead(low) else (low, middle)
        found.append(high)
    return tuple(found)


def instant_of(shown: datetime, zone: ZoneInfo) -> datetime:
    """Return the first instant at which the clocks show a time; one they skip is moved on."""
    near = [shown.replace(tzinfo=UTC) + timedelta(hours=hours) for hours in range(-48, 49, 8)]
    aheads = list(dict.fromkeys(wall(one, zone) - one.replace(tzinfo=None) for one in near))
    tries = sorted(shown.replace(tzinfo=UTC) - ahead for ahead in aheads)
    hits = [one for one in tries if wall(one, zone) == shown]
    return hits[0] if hits else shown.replace(tzinfo=UTC) - aheads[0]


def day_of(phrase: str, today: date, holidays: Collection[date]) -> date:
    """Return the day a phrase without its time means, walking there."""
    words = phrase.lower().split()
    day = today
    if words[-1] in WEEKDAYS:
        day += _DAY
        while day.weekday() != WEEKDAYS.index(words[-1]):
            day += _DAY
        return day
    if words[0] in {"today", "tomorrow"}:
        return day if words[0] == "today" else day + _DAY
    if words[-1].startswith("day"):
        left = int(words[0])
        while left:
            day += _DAY
            left -= day.weekday() < 5 and day not in holidays
        return day
    count = int(words[0][:-1]) * (7 if words[0].endswith("w") else 1)
    for _ in range(count):
        day += _DAY
    return day


def expected(
    phrase: str, clock: time | None, received: datetime, zone: ZoneInfo, holidays: Collection[date]
) -> tuple[datetime, date, str | None]:
    """Return the instant, the day and the time of day that a phrase means."""
    if phrase[-1] in "hm":
        at = received + int(phrase[:-1]) * timedelta(hours=1) / (60 if phrase[-1] == "m" else 1)
        shown = wall(at, zone)
        return at, shown.date(), f"{shown:%H:%M}"
    day = day_of(phrase, wall(received, zone).date(), holidays)
    if clock is None:
        return instant_of(datetime.combine(day, time(23, 59, 59)), zone), day, None
    at = instant_of(datetime.combine(day, clock), zone)
    shown = wall(at, zone)
    return at, shown.date(), f"{shown:%H:%M}"
