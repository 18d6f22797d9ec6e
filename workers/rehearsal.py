"""What would come of events, without a store: decided and carried out as by a worker, kept in memory.

Tests of rules, explanations and back-tests go through the very functions that routing goes through
(`judge` and `fold`), so that what they show is what would happen. Nothing is sent or stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from router.core.event import IncomingEvent
from router.core.store.contacts import identifiers_of
from rules.decision import Identifier
from rules.ruleset import RuleSet
from workers.apply import Fold, Judged, State, claim_keys, closing_keys, fold, task_keys
from workers.fields import Row
from workers.in_force import InForce
from workers.judge import judge


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of one event: what was decided, the event's row, and everything that was written."""

    judged: Judged
    event: Row
    written: Fold

    @property
    def tasks(self) -> list[Row]:
        """The tasks that were made or changed, as they are now, in that order."""
        return [*self.written.new_tasks, *self.written.changed_tasks]

    @property
    def copies(self) -> dict[str, list[Row]]:
        """The deliveries that were asked for, by task."""
        copies: dict[str, list[Row]] = {}
        for row in self.written.deliveries:
            copies.setdefault(row["task_id"], []).append(row)
        return copies


class Rehearsal:
    """Routes events one by one against the tasks, claims and contacts of those before.

    The same event (by its id) is decided once; a second one of the same deduplication key is a
    duplicate, as in a store that was empty at first. With `every` all rules are asked.
    """

    def __init__(self, rule_set: RuleSet, *, every: bool = False) -> None:
        self._every = every
        self._in_force = InForce(rule_set)
        self._claims: dict[tuple[str, str], Row] = {}
        self._tasks: dict[tuple[str, str], Row] = {}
        self._copies: dict[str, set[str]] = {}
        self._closings: dict[tuple[str, str], Row] = {}
        self._contacts: dict[Identifier, Row] = {}
        self._made = 0

    def route(self, event: IncomingEvent, *, now_ms: int | None = None) -> Rehearsed:
        """Decide about an event and carry it out; `now_ms` is when, its arrival by default."""
        judged = judge(event, self._in_force.rule_set, every=self._every)
        done = fold(
            [judged],
            self._state([judged]),
            now_ms=event.received_ms if now_ms is None else now_ms,
            rules_hash=self._in_force.rule_set.hash,
            statuses=self._in_force.statuses,
            counting=self._in_force.counting,
            people=self._in_force.people,
        )
        done.number(range(self._made + 1, self._made + 1 + len(done.new_tasks)))
        self._keep(done)
        return Rehearsed(judged, done.events[0], done)

    def task(self, scope: str, key: str) -> Row | None:
        """Return the open task of a key, else the one closed last; None if there was none."""
        return self._tasks.get((scope, key))

    def contact(self, email: str) -> Row | None:
        """Return the contact that has an address; None if none has been made."""
        return self._contacts.get(("email", email.lower()))

    def _state(self, batch: Sequence[Judged]) -> State:
        tasks = {key: self._tasks[key] for key in task_keys(batch) if key in self._tasks}
        return State(
            claims={key: self._claims[key] for key in claim_keys(batch) if key in self._claims},
            tasks=tasks,
            copies={row["id"]: self._copies.get(row["id"], ()) for row in tasks.values()},
            closings={
                key: self._closings[key] for key in closing_keys(batch) if key in self._closings
            },
            contacts=self._contacts,
        )

    def _keep(self, done: Fold) -> None:
        self._made += len(done.new_tasks)
        self._claims.update(done.claims)
        for row in done.contacts.values():
            for known_by in identifiers_of(row):
                if self._contacts.get(known_by, row)["address"] == row["address"]:
                    self._contacts[known_by] = row
        # Of one key the new ones come later: an action closes the old one before another opens a new one.
        for row in (*done.changed_tasks, *done.new_tasks):
            if row["key"] is not None:
                self._tasks[row["scope"], row["key"]] = row
        self._closings.update({(row["scope"], row["key"]): row for row in done.closings})
        for delivery in done.deliveries:
            self._copies.setdefault(delivery["task_id"], set()).add(delivery["destination"])
