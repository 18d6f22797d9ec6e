"""Replays: which stored events can be decided again, and as what they go through the intake again.

A replay is the stored event with a number: one more than the replays it has had. Two that are asked
for at once have the same number, and the second one finds that it is done.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from router.core.event import IncomingEvent
from router.core.store.events import as_it_came
from router.core.store.schema import Row

REPLAYABLE = ("undecided", "failed", "refused", "held", "dropped", "routed")
"""Statuses of events that can be replayed; a `duplicate` only if it is forced."""


class Hindrance(NamedTuple):
    """Why an event cannot be replayed: a stable code, and what to do, for people."""

    code: str
    message: str


STILL_ACCEPTED = Hindrance(
    "still-accepted", "it waits to be decided for the first time; a worker has to run for that"
)


def hindrance(
    row: Row, *, forced: bool, connectors: Collection[str] | None = None
) -> Hindrance | None:
    """Return what keeps a stored event from being replayed; None if nothing does.

    `connectors` are those in force; None if that is not known, then the worker finds out.
    """
    if row["status"] == "accepted":
        return STILL_ACCEPTED
    if row["status"] == "duplicate" and not forced:
        first = row["duplicate_of"]
        message = f"it is a duplicate of {first}: replay that one, or force this one"
        return Hindrance("is-duplicate", message)
    if connectors is not None and row["connector"] not in connectors:
        message = f"there is no connector {row['connector']} any more; put its file back first"
        return Hindrance("no-connector", message)
    return None


def replay_of(row: Row, *, forced: bool = False) -> IncomingEvent:
    """Return a stored event as it goes through the intake to be decided again."""
    return as_it_came(row)._replace(replay=row["replays"] + 1, forced=forced)
