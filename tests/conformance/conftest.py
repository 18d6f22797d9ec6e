"""At the end of a run, how many tests each sender passed: nobody opts in, so nobody is missing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from router.sources.preset import SourcePreset
from router.sources.registry import SOURCE_NAMES
from tests.conformance.sources_cases import Case

_WITHOUT_PRESET = "without preset"
_COLUMNS = ("proof", "certified", "house", "secrets", "rules", "oracles")
_AT_LEAST = 2
"""Senders that a table is worth the room for."""

Counts = Counter[tuple[str, str, str]]
_counts: pytest.StashKey[Counts] = pytest.StashKey()


def _sender_of(item: pytest.Item) -> str | None:
    """Return the sender a test is about, by the arguments it is run with."""
    values: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    for value in values.values():
        if isinstance(value, SourcePreset):
            return value.name
        if isinstance(value, Case):
            return str(value.source.get("preset", _WITHOUT_PRESET))
    named = values.get("name")
    return named if named in SOURCE_NAMES else None


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_counts] = Counter()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report: pytest.TestReport = yield
    area = item.path.stem.removeprefix("test_sources_")
    sender = _sender_of(item) if area in _COLUMNS else None
    if sender is not None and (report.when == "call" or report.failed):
        item.config.stash[_counts][sender, area, report.outcome] += 1
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    counts = config.stash[_counts]
    senders = [name for name in (*SOURCE_NAMES, _WITHOUT_PRESET) if _of(counts, name)]
    if len(senders) < _AT_LEAST:
        return
    terminalreporter.section("conformance of senders (passed; failed in brackets)")
    width = max(map(len, senders))
    terminalreporter.line(" " * width + "".join(f"{column:>10}" for column in _COLUMNS))
    for sender in senders:
        cells = [_cell(counts, sender, column) for column in _COLUMNS]
        terminalreporter.line(sender.ljust(width) + "".join(f"{cell:>10}" for cell in cells))


def _of(counts: Counts, sender: str) -> int:
    return sum(number for (name, _, _), number in counts.items() if name == sender)


def _cell(counts: Counts, sender: str, column: str) -> str:
    passed, failed = counts[sender, column, "passed"], counts[sender, column, "failed"]
    return f"{passed} ({failed})" if failed else str(passed or "")
