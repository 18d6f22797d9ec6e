from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rules.due import Due, DueError, on_day, read_clock, read_day, read_due, zone_of

LONDON = ZoneInfo("Europe/London")
MONDAY = "2026-11-23T09:12:45.120Z"


def read(words: str, received_at: str = MONDAY, **given: Any) -> Due:
    due, relative = read_due(words, given.get("zone", LONDON), received_at, given.get("off", ()))
    assert relative is not words.strip()[:1].isdigit()
    return due


def shown(words: str, received_at: str = MONDAY, **given: Any) -> str:
    """Return the day and time that a phrase means: `2026-11-24 17:00`, or `2026-11-24` all day."""
    due = read(words, received_at, **given)
    return due.date if due.time is None else f"{due.date} {due.time}"


@pytest.mark.parametrize(
    ("words", "at", "day", "clock"),
    [
        ("2026-11-24", "2026-11-24T23:59:59Z", "2026-11-24", None),
        ("2026-07-01", "2026-07-01T22:59:59Z", "2026-07-01", None),
        ("2026-07-01 17:00", "2026-07-01T16:00:00Z", "2026-07-01", "17:00"),
        ("2026-07-01T9:05", "2026-07-01T08:05:00Z", "2026-07-01", "09:05"),
        (" 2026-07-01  09:05 ", "2026-07-01T08:05:00Z", "2026-07-01", "09:05"),
        ("2026-07-01T17:00:30.250", "2026-07-01T16:00:30.250Z", "2026-07-01", "17:00"),
        ("2026-07-01T17:00:00Z", "2026-07-01T17:00:00Z", "2026-07-01", "18:00"),
        ("2026-07-01T23:30:00-05:00", "2026-07-02T04:30:00Z", "2026-07-02", "05:30"),
        ("2026-07-01T17:00:00+0200", "2026-07-01T15:00:00Z", "2026-07-01", "16:00"),
        # The clocks go forward from 01:00 to 02:00, and back from 02:00 to 01:00.
        ("2026-03-29 01:30", "2026-03-29T01:30:00Z", "2026-03-29", "02:30"),
        ("2026-10-25 01:30", "2026-10-25T00:30:00Z", "2026-10-25", "01:30"),
    ],
)
def test_dates_mean_what_they_say_in_the_zone_of_the_task(
    words: str, at: str, day: str, clock: str | None
) -> None:
    due = read(words)
    assert (due.at, due.date, due.time, due.all_day) == (at, day, clock, clock is None)


def test_a_day_starts_at_its_midnight() -> None:
    assert read("2026-07-01").start == "2026-06-30T23:00:00Z"


@pytest.mark.parametrize(
    "words",
    [
        "",
        "soon",
        "2026-02-30",
        "2026-13-01",
        "2026-07-01 25:00",
        "2026-07-01 10:60",
        "24.12.2026",
        "2026-07-01T10:00+99:00",
        "0001-01-01T00:00+10:00",
        "2026-07-01 17",
        "20260701",
    ],
)
def test_what_is_no_date_is_refused(words: str) -> None:
    with pytest.raises(DueError):
        read(words)


def test_a_day_and_a_time_by_themselves() -> None:
    assert on_day(read_day(" 2026-07-01"), read_clock("9:00 "), LONDON).at == "2026-07-01T08:00:00Z"
    assert on_day(read_day("2026-07-01"), None, LONDON).all_day
    for clock in ("17", "17:00:00", "x", "17:00Z", "24:00", ""):
        with pytest.raises(DueError, match="17:00"):
            read_clock(clock)
    for day in ("2026-07-01 17:00", "today", "20260701", "2026-W52-5", "2026-02-30", ""):
        with pytest.raises(DueError, match="2026-11-24"):
            read_day(day)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("today", "2026-11-23"),
        ("tomorrow", "2026-11-24"),
        ("+3d", "2026-11-26"),
        ("+0d", "2026-11-23"),
        ("+2w", "2026-12-07"),
        ("+3d 17:00", "2026-11-26 17:00"),
        ("today 8:00", "2026-11-23 08:00"),
    ],
)
def test_days_count_from_the_day_of_the_event_and_are_whole_without_a_time(
    words: str, expected: str
) -> None:
    assert shown(words) == expected


def test_the_day_of_the_event_is_that_in_the_zone_of_the_task() -> None:
    late = "2026-11-23T22:30:00.000Z"
    assert shown("today", late) == "2026-11-23"
    assert shown("today", late, zone=ZoneInfo("Asia/Tokyo")) == "2026-11-24"
    assert shown("today", late, zone=ZoneInfo("Pacific/Kiritimati")) == "2026-11-24"


def test_hours_and_minutes_are_time_gone_by_also_over_a_change_of_clocks() -> None:
    assert read("+2h").at == "2026-11-23T11:12:45.120Z"
    assert read("+30m").at == "2026-11-23T09:42:45.120Z"
    before = "2026-03-28T23:30:00.000Z"  # the clocks go from 01:00 to 02:00 at 01:00 UTC
    assert shown("+2h", before) == "2026-03-29 02:30"
    assert read("+24h", before).at == "2026-03-29T23:30:00Z"
    assert shown("+1d 23:30", before) == "2026-03-29 23:30"
    assert read("+1d 23:30", before).at == "2026-03-29T22:30:00Z"


@pytest.mark.parametrize("words", ["+2h 17:00", "+30m 9:00", "+0h0:00"])
def test_hours_and_minutes_take_no_time_of_day(words: str) -> None:
    with pytest.raises(DueError, match="take no time"):
        read(words)


@pytest.mark.parametrize(
    ("received", "words", "expected"),
    [
        ("2026-11-19", "+1 business day", "2026-11-20"),
        ("2026-11-20", "+1 business day", "2026-11-23"),
        ("2026-11-21", "+1 business day", "2026-11-23"),
        ("2026-11-22", "+1 business day", "2026-11-23"),
        ("2026-11-22", "+1 business days 17:00", "2026-11-23 17:00"),
        ("2026-11-20", "+5 business days", "2026-11-27"),
        ("2026-11-20", "+6 business day", "2026-11-30"),
        ("2026-12-24", "+1 business day", "2026-12-29"),
        ("2026-12-25", "+1 business day", "2026-12-29"),
        ("2026-12-23", "+3 business days", "2026-12-30"),
        ("2026-12-28", "+1 business day", "2026-12-29"),
        ("2026-12-31", "+1 business day", "2027-01-04"),
    ],
)
def test_business_days_are_monday_to_friday_but_for_holidays(
    received: str, words: str, expected: str
) -> None:
    off = (date(2026, 12, 25), date(2026, 12, 26), date(2026, 12, 28), date(2027, 1, 1))
    assert shown(words, f"{received}T12:00:00.000Z", off=off) == expected


def test_holidays_count_for_business_days_alone() -> None:
    off = (date(2026, 11, 24), date(2026, 11, 25))
    assert shown("tomorrow", off=off) == shown("+1d", off=off) == "2026-11-24"
    assert shown("wednesday", off=off) == "2026-11-25"
    assert shown("+1 business day", off=off) == "2026-11-26"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("next monday", "2026-11-30"),
        ("next tuesday", "2026-11-24"),
        ("next sunday 18:00", "2026-11-29 18:00"),
        ("monday", "2026-11-30"),
        ("friday 9:00", "2026-11-27 09:00"),
    ],
)
def test_a_weekday_with_or_without_next_is_the_first_after_today(words: str, expected: str) -> None:
    assert shown(words) == expected


@pytest.mark.parametrize(
    "words", ["+1 Business Day 17:00", "  +1businessday17:00 ", "+ 1\tBUSINESS\n days  17:00"]
)
def test_case_and_blanks_of_a_phrase_do_not_matter(words: str) -> None:
    assert shown(words) == "2026-11-24 17:00"


def test_a_time_that_the_clocks_skip_is_moved_on_and_one_that_comes_twice_is_the_first() -> None:
    assert shown("tomorrow 1:30", "2026-03-28T12:00:00.000Z") == "2026-03-29 02:30"
    assert read("tomorrow 1:30", "2026-10-24T12:00:00.000Z").at == "2026-10-25T00:30:00Z"


@pytest.mark.parametrize(
    "words",
    [
        *("+3", "+3 days", "3d", "-1d", "+1 month", "+1y", "+1.5h", "+3d 17", "+3d 17:00:00"),
        *("+0 business days", "next", "next today", "next mon", "tomorrow 24:00", "today 9:60"),
        *("+3661d", "+523w", "+87841h", "+5270401m", "+3661 business days", "+9999999999d"),
        "today" + " " * 200 + "17:00",
    ],
)
def test_what_is_no_phrase_is_refused(words: str) -> None:
    with pytest.raises(DueError):
        read(words)


def test_a_phrase_reaches_ten_years_and_no_further_than_the_calendar() -> None:
    assert shown("+3660d") == "2036-11-30"
    for words in ("+1d", "+1 business day", "+720h", "next monday 9:00"):
        with pytest.raises(DueError, match="beyond the calendar"):
            read(words, "9999-12-31T12:00:00.000Z")
    with pytest.raises(DueError, match="beyond the calendar"):
        read("today", "0001-01-01T00:00:00.000Z", zone=ZoneInfo("America/New_York"))


def test_zones_are_iana_names() -> None:
    assert zone_of("UTC").utcoffset(None) is not None
    assert zone_of("Europe/London") == LONDON
    for name in ("", "Mars/Base", "../etc/passwd", "\x00", "/etc/localtime"):
        with pytest.raises(DueError):
            zone_of(name)
