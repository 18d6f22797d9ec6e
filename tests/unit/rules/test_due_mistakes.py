from __future__ import annotations

import pytest

from rules.due_mistakes import hint_for, what_is_wrong


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("+1 bussiness day", "+1 business day"),
        ("1 busines day 9:00", "+1 business day 09:00"),
        ("+2 working days", "+2 business days"),
        ("+3bd", "+3 business days"),
        ("+3 days", "+3d"),
        ("in 3 days at 17:00", "+3d 17:00"),
        ("-2 hours", "+2h"),
        ("+30 min", "+30m"),
        ("1 wek", "+1w"),
        ("+1 month", "+30d"),
        ("+2 years 5pm", "+730d 17:00"),
        ("next quarter", "+91d"),
        ("+2h 17:00", "+2h"),
        ("next mondy", "next monday"),
        ("Next Tues.", "next tuesday"),
        ("on wendsday 9.30", "wednesday 09:30"),
        ("this fri", "friday"),
        ("tommorow, 12 am", "tomorrow 00:00"),
        ("tomorrow at 12pm", "tomorrow 12:00"),
        ("next week", "+1w"),
        ("now", "+0m"),
        ("eod", "today"),
        ("24.12.2026", "2026-12-24"),
        ("2026/1/5 17h30", "2026-01-05 17:30"),
    ],
)
def test_a_near_date_or_phrase_is_told(words: str, meant: str) -> None:
    for field in ("due", "due_at", "start", "start_at"):
        assert hint_for(field, words) == f"did you mean `{meant}`?"


@pytest.mark.parametrize(
    "words",
    [
        *("", "soon", "12/24/2026", "30.02.2026", "+9999 days", "+0 bussiness days", "+3 parsecs"),
        *("tomorrow 25:00", "2026-11-24 24:00", "x" * 70, "tomorrow", "+1d"),
    ],
)
def test_nothing_is_told_where_nothing_is_near(words: str) -> None:
    assert hint_for("due", words) is None


def test_a_day_alone_and_a_time_alone_are_told_in_their_own_words() -> None:
    belongs = "`due` takes times and phrases; `due_date` is a day alone"
    assert hint_for("due_date", "tomorrow") == belongs
    assert hint_for("due_date", "2026-11-24 17:00") == belongs
    assert hint_for("due_date", "24.11.2026") == "did you mean `2026-11-24`?"
    assert hint_for("due_date", "tommorow") is None
    assert hint_for("holidays", "25.12.2026") == "did you mean `2026-12-25`?"
    assert hint_for("holidays", "tomorrow") is None
    for field in ("due_time", "time"):
        assert hint_for(field, "5pm") == "did you mean `17:00`?"
        assert hint_for(field, "9.30") == "did you mean `09:30`?"
        assert hint_for(field, "noon") is None
        assert hint_for(field, "25:00") is None


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ("+1 month", "there are no months"),
        ("Next Month 17:00", "there are no months"),
        ("in 2 quarters", "there are no quarters"),
        ("1 year", "there are no years"),
        ("+1 day", None),
        ("monthly", None),
        ("soon", None),
    ],
)
def test_units_that_are_not_there_are_named(words: str, wrong: str | None) -> None:
    assert what_is_wrong(words) == wrong
