"""What an event did in its earlier runs, so that a replay does only what is missing (decisions U7, K6).

A run is one deciding of an event: the first, or a replay. The event's row lists in `tasks` what each
rule, and each item, did in any run; it is written in the transaction that did it. So it is the truth
about what a replay must not do again, also when the process died in between or a batch runs twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from router.core.event import IncomingEvent
from rules.decision import RuleVerdict
from workers.fields import Row

Entry = dict[str, Any]
"""One of an event's `tasks`: what a rule did to which task."""

_Actor = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class Run:
    """A replay that is about to be carried out.

    `number` is what its event's `replays` becomes. `before` has all that earlier runs did, `done` that
    of it which is not done again, by rule and item. A `late` run comes after another replay of its
    number: it leaves the event's row alone unless it still finds something to do.
    """

    number: int
    before: tuple[Entry, ...]
    done: Mapping[_Actor, Entry]
    late: bool = False

    def done_by(self, verdict: RuleVerdict) -> Entry | None:
        """Return what a rule (and item) did before; None if it has to act."""
        return self.done.get((verdict.rule, verdict.item))


def begin(event: IncomingEvent, earlier: Row | None) -> Run | None:
    """Return the run of a replay; None if there is nothing to do.

    `earlier` has `replays` and `tasks` of the event's row; without a row it is forgotten. An event is
    replayed once for each number. Only a forced replay acts all the same where one that was not forced
    had its number: what it does has ids of its own, and only what itself did is not done again.
    """
    if earlier is None:
        return None
    late = event.replay <= earlier["replays"]
    if late and not event.forced:
        return None
    before = tuple(earlier["tasks"])
    done = {
        (entry["rule"], entry.get("item")): entry
        for entry in before
        if not event.forced or (entry.get("forced") and entry.get("replay") == event.replay)
    }
    return Run(earlier["replays"] + 1 if late else event.replay, before, done, late)


def entry_of(event: IncomingEvent, verdict: RuleVerdict, outcome: str, task: Row) -> Entry:
    """Return an entry of an event's `tasks`; a replay's says which replay it was."""
    entry: Entry = {
        "id": task["id"],
        "number": task["number"],
        "action": outcome,
        "rule": verdict.rule,
        "item": verdict.item,
    }
    if event.replay:
        entry["replay"] = event.replay
    if event.forced:
        entry["forced"] = True
    return entry
