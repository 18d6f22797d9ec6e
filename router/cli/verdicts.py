"""What rules said of an event, in a few words for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

UNSETTLED = ("undecided", "failed", "refused", "held")
"""Statuses of events of which something is left to do: they wait for a replay."""


def cause(event: Mapping[str, Any]) -> str:
    """Return which rule is to blame for what is unsettled about an event, and where it is."""
    for decision in event["decisions"]:
        if decision["outcome"] in {"undecided", "refused"}:
            place = (decision.get("reason") or {}).get("at") or decision["at"]
            return f"{decision['rule']}{item(decision)} ({place})"
    return ""


def reasons(decision: Mapping[str, Any]) -> Iterator[str]:
    """Yield why a rule is undecided or its task was refused: all that is wrong, each with its code."""
    reason = decision.get("reason")
    errors = decision.get("errors")
    if errors:
        for error in errors:
            yield f"{error['code']}: {error['message']}"
    elif reason:
        at = f"  {reason['at']}" if reason.get("at") else ""
        yield f"{reason['code']}: {reason['message']}{at}"


def item(decision: Mapping[str, Any]) -> str:
    """Return the item of a decision that is about one, such as ` [2]`."""
    return "" if decision["item"] is None else f" [{decision['item']}]"
