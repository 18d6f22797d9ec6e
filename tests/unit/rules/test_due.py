from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from rules.due import DueError, read_due, read_pair, zone_of

LONDON = ZoneInfo("Europe/London")


@pytest.mark.parametrize(
    ("words", "at", "day", "clock"),
    [
        ("2026-11-24", "2026-11-24T23:59:59Z", "2026-11-24", None),
        ("2026-07-01", "2026-07-01T22:59:59Z", "2026-07-01", None),
        ("2026-07-01 17:00", "2026-07-01T16:00:00Z", "2026-07-01", "17:00"),
        ("2026-07-01T9:05", "2026-07-01T08:05:00Z", "2026-07-01", "09:05"),
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
    due = read_due(words, LONDON)
    assert (due.at, due.date, due.time, due.all_day) == (at, day, clock, clock is None)


def test_a_day_starts_at_its_midnight() -> None:
    assert read_due("2026-07-01", LONDON).start == "2026-06-30T23:00:00Z"


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
        read_due(words, LONDON)


def test_a_pair_of_date_and_time() -> None:
    assert read_pair("2026-07-01", "17:00", LONDON).at == "2026-07-01T16:00:00Z"
    assert read_pair("2026-07-01", None, LONDON).all_day
    for clock in ("17", "17:00:00", "x", "17:00Z"):
        with pytest.raises(DueError):
            read_pair("2026-07-01", clock, LONDON)


def test_zones_are_iana_names() -> None:
    assert zone_of("UTC").utcoffset(None) is not None
    assert zone_of("Europe/London") == LONDON
    for name in ("", "Mars/Base", "../etc/passwd", "\x00", "/etc/localtime"):
        with pytest.raises(DueError):
            zone_of(name)
