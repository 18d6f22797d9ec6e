"""At the end of a run, how much of the API was compared with its document, and what it answered."""

from __future__ import annotations

import pytest

from tests.support.comparing import COMPARED


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COMPARED] = {}


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    compared = config.stash[COMPARED]
    if not compared:
        return
    terminalreporter.section("the API compared with its document (schemathesis)")
    head = ("operations", "requests", "2xx", "4xx", "5xx", "failures")
    terminalreporter.line(" " * 12 + "".join(f"{column:>12}" for column in head))
    for name, found in compared.items():
        answers = (found.answers_of(hundred) for hundred in (2, 4, 5))
        cells = (found.operations, found.requests, *answers, found.unlike)
        terminalreporter.line(name.ljust(12) + "".join(f"{cell:>12}" for cell in cells))
