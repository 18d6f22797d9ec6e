"""What rules said of an event, in a few words for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from router.cli.output import plain
from rules.decision import Step
from rules.matching import shown
from rules.operators import OPERATORS

_GROUPS: Final = frozenset({"any", "all", "not"})
SIGNS: Final = {"matched": "✓", "not": "✗", "undecided": "?"}
UNSETTLED = ("undecided", "failed", "refused", "held")
"""Statuses of events of which something is left to do: they wait for a replay."""


def cause(event: Mapping[str, Any]) -> str:
    """Return which rule is to blame for what is unsettled about an event, and where it is."""
    for decision in event["decisions"]:
        if decision["outcome"] in {"undecided", "refused"}:
            place = (decision.get("reason") or {}).get("at") or decision["at"]
            return f"{decision['rule']}{item(decision)}{at_place(place)}"
    return ""


def reasons(decision: Mapping[str, Any]) -> Iterator[str]:
    """Yield why a rule is undecided or its task was refused: all that is wrong, each with its code."""
    reason = decision.get("reason")
    errors = decision.get("errors")
    if errors:
        for error in errors:
            yield f"{error['code']}: {error['message']}"
    elif reason:
        yield f"{reason['code']}: {reason['message']}{at_place(reason.get('at'))}"


def item(decision: Mapping[str, Any]) -> str:
    """Return the item of a decision that is about one, such as ` [2]`."""
    return "" if decision["item"] is None else f" [{decision['item']}]"


def step_words(step: Step) -> str:
    """Return a condition with what was expected, what was found and where it stands."""
    if step.text in _GROUPS:
        return f"`{step.text}`{at_place(step.at)}"
    compares = step.text.rpartition(" ")[2] in OPERATORS
    words = plain(f"{step.text} {shown(step.expected)}" if compares else f"`{step.text}`")
    if step.found is None and step.reason is not None:
        words += f": {plain(step.reason)}"
    else:
        words += f"{': found' if compares else ' is'} {plain(shown(step.found))}"
        words += "" if step.reason is None else f"; {plain(step.reason)}"
    return words + at_place(step.at)


def at_place(place: str | None) -> str:
    """Return a place in a file as it stands behind what is there; nothing where none is known."""
    return "" if place is None else f" ({plain(place)})"
