"""Connectors that say nothing of the events that no rule matches.

Such an event is dropped with the reason `no rule matched`, and nobody was asked whether that is right:
a new type of event would be lost in silence. `otherwise`, or a live rule without a condition, says it.
A connector without live rules is being tried out, and is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rules.lint.files import Files
from rules.lint.unreached import is_catch_all
from rules.problems import Problem

CODE: Final = "R076"


def no_catch_all(files: Files) -> Iterator[Problem]:
    """Give a problem for each connector that has rules and no last word."""
    for connector in files.connectors:
        if connector.connector.otherwise is not None or not connector.live:
            continue
        if not any(is_catch_all(each.rule) for each in connector.live):
            yield Problem(
                CODE,
                f"nothing says what becomes of events of `{connector.connector.name}` that no rule "
                "matches",
                connector.root.key("rules").span,
                "warning",
                expected="otherwise: {drop: not an event we act on}",
                hint="without it they are dropped as `no rule matched`, also types that are new",
            )
