"""Every date in the reference means what it says there."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rules.due import read_due

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "rule-language.md"
SECTION = PAGE.read_text("utf-8").split("### Dates\n")[1].split("\n## ")[0]
ROWS = re.findall(r"^\| `([^`]+)` \|.*\| `([^`]+)` \| `([^`]+)` \|$", SECTION, re.MULTILINE)
RECEIVED = re.findall(r"received on Monday, `([^`]+)`", SECTION)
HOLIDAY = re.findall(r"where (\S+) is a holiday", SECTION)


def test_the_page_has_its_examples() -> None:
    assert len(ROWS) == SECTION.count("\n| `") > 15
    assert (len(RECEIVED), len(HOLIDAY)) == (1, 1)
    assert "in the time zone Europe/London" in SECTION


@pytest.mark.parametrize(("words", "shown", "at"), ROWS)
def test_a_date_on_the_page_means_what_it_says(words: str, shown: str, at: str) -> None:
    holidays = [date.fromisoformat(day) for day in HOLIDAY]

    due, _ = read_due(words, ZoneInfo("Europe/London"), RECEIVED[0], holidays)

    assert (f"{due.date} {due.time or ''}".strip(), due.at) == (shown, at)
