"""Every phrase means what walking there day by day gives, in every zone, also where clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.due import Due, DueError, read_due, zone_of
from rules.due_mistakes import hint_for, what_is_wrong
from tests.support.naive_dates import WEEKDAYS, ZONES, changes, expected

DAYS = st.one_of(
    st.sampled_from(["today", "tomorrow", *WEEKDAYS, *(f"next {day}" for day in WEEKDAYS)]),
    st.builds("+{}{}".format, st.integers(0, 60), st.sampled_from("dw")),
    st.builds("+{} business day{}".format, st.integers(1, 60), st.sampled_from(["", "s"])),
)
ELAPSED = st.builds("+{}{}".format, st.integers(0, 5_000), st.sampled_from("hm"))
PHRASES = st.one_of(
    st.tuples(DAYS, st.none()),
    st.tuples(DAYS, st.times().map(lambda clock: clock.replace(second=0, microsecond=0))),
    st.tuples(ELAPSED, st.none()),
)
EXAMPLES = (
    *("today", "tomorrow", "monday", "next sunday", "+1d", "+1w", "+1 business day"),
    *("+2 business days", "+1h", "+30m", "+24h"),
)
CLOCKS = (None, time(0, 0), time(0, 30), time(1, 30), time(2, 30), time(23, 59))


@st.composite
def events(draw: st.DrawFn) -> tuple[str, datetime]:
    """Return a zone and when an event is received; mostly near a change of the zone's clocks."""
    name = draw(st.sampled_from(ZONES))
    near = draw(st.sampled_from(changes(name) or (datetime(2026, 6, 1, tzinfo=UTC),)))
    off = draw(st.integers(-4 * 86_400_000, 4 * 86_400_000))
    return name, near + timedelta(milliseconds=off)


def found(
    phrase: str, clock: time | None, received: datetime, zone: str, holidays: list[date]
) -> Any:
    words = phrase if clock is None else f"{phrase} {clock:%H:%M}"
    received_at = received.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    due, relative = read_due(words, zone_of(zone), received_at, holidays)
    assert relative
    at = datetime.fromisoformat(due.at)
    return at, date.fromisoformat(due.date), due.time


@given(
    PHRASES,
    events(),
    st.lists(st.dates(date(2015, 1, 1), date(2029, 12, 31)), max_size=5),
    st.lists(st.integers(0, 20), max_size=12, unique=True),
)
def test_a_phrase_means_what_walking_there_gives(
    phrase: tuple[str, time | None],
    received: tuple[str, datetime],
    others: list[date],
    near: list[int],
) -> None:
    (words, clock), (name, at) = phrase, received
    holidays = sorted({*others, *(at.date() + timedelta(days) for days in near)})

    wanted = expected(words, clock, at, ZoneInfo(name), holidays)

    assert found(words, clock, at, name, holidays) == wanted


@pytest.mark.parametrize("name", ZONES)
def test_every_phrase_is_right_around_every_change_of_clocks(name: str) -> None:
    zone = ZoneInfo(name)
    holidays = [date(2024, 3, 29), date(2025, 4, 21), date(2026, 10, 26)]
    for change in changes(name)[-8:]:
        for hours in (-49, -25, -3, -1, 0, 2, 22):
            received = change + timedelta(hours=hours, milliseconds=120)
            for phrase in EXAMPLES:
                for clock in CLOCKS if phrase[-1] not in "hm" else (None,):
                    wanted = expected(phrase, clock, received, zone, holidays)
                    assert found(phrase, clock, received, name, holidays) == wanted, (
                        phrase,
                        clock,
                        received,
                    )


@given(st.tuples(st.one_of(DAYS, ELAPSED)), st.sampled_from(["", " ", "\t ", "\u00a0"]), st.data())
def test_case_and_blanks_do_not_matter(words: tuple[str], blank: str, data: st.DataObject) -> None:
    (plain,) = words
    spread = f"{blank}{blank.join(plain.replace('+', '+ ').split(' '))}{blank}"
    loud = "".join(data.draw(st.sampled_from([c.lower(), c.upper()])) for c in spread)
    received_at = "2026-11-23T09:12:45.120Z"

    assert read_due(loud, UTC, received_at) == read_due(plain, UTC, received_at)


TEXTS = st.one_of(
    st.text(max_size=40),
    st.text("0123456789-+:. TZdwhm", max_size=30),
    st.builds(
        "{}{} {}{}".format,
        st.sampled_from(["+", "-", "", "next ", "in "]),
        st.integers(0, 10**10),
        st.sampled_from(["days", "bussiness day", "month", "mondy", "h", ""]),
        st.sampled_from(["", " 17:00", " 25:61", " 5pm", " at 9"]),
    ),
)
RECEIVED = st.sampled_from(
    ["2026-11-23T09:12:45.120Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"]
)


@given(TEXTS, st.sampled_from(ZONES), RECEIVED)
@example("9999-12-31", "America/New_York", "2026-11-23T09:12:45.120Z")
@example("today", "America/New_York", "0001-01-01T00:00:00.000Z")
@example("+10 business days", "UTC", "9999-12-31T23:59:59.999Z")
def test_a_text_is_a_date_or_an_error_and_nothing_else(
    words: str, zone: str, received_at: str
) -> None:
    try:
        due, _ = read_due(words, zone_of(zone), received_at)
    except DueError:
        what_is_wrong(words)
    else:
        assert isinstance(due, Due)
        assert due.at.endswith("Z")


@given(TEXTS)
def test_what_somebody_is_said_to_have_meant_is_a_date(words: str) -> None:
    hint = hint_for("due", words)
    if hint is not None:
        meant = hint.removeprefix("did you mean `").removesuffix("`?")
        read_due(meant, UTC, "2026-11-23T09:12:45.120Z")
