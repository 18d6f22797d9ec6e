"""What a store would hold, in memory: batches are folded one after the other, as routing does it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from router.core.store.schema import Row
from workers.apply import Fold, Judged, State, closing_keys, fold, task_keys
from workers.fields import OPEN_KINDS

Pair = tuple[str, str]


class Memory:
    """Tasks, their history and copies, and closings; no two open tasks of a key are taken."""

    def __init__(self, now_ms: int = 0) -> None:
        self.now_ms = now_ms
        self.tasks: dict[str, Row] = {}
        self.events: dict[str, Row] = {}
        self.history: dict[str, Row] = {}
        self.closings: dict[Pair, Row] = {}
        self.wanted: dict[Pair, int] = {}

    def route(self, *batch: Judged) -> Fold:
        """Carry out a batch."""
        waiting = [judged for judged in batch if judged.event.id not in self.events]
        found = {pair: row for pair in task_keys(waiting) if (row := self.task(*pair)) is not None}
        wanted = closing_keys(waiting) - found.keys()
        state = State(
            tasks=found,
            copies={row["id"]: self._copies(row["id"]) for row in found.values()},
            closings={pair: self.closings[pair] for pair in wanted if pair in self.closings},
        )
        done = fold(waiting, state, now_ms=self.now_ms, rules_hash=None)
        done.number(range(len(self.tasks) + 1, len(self.tasks) + 1 + len(done.new_tasks)))
        self._write(done)
        return done

    def task(self, scope: str, key: str) -> Row | None:
        """Return what `tasks_of_keys` would: the open task of a key, else the one closed last."""
        rows = self._of_key(scope, key)
        is_open = [row for row in rows if row["status_kind"] in OPEN_KINDS]
        last = sorted(rows, key=lambda row: (row["completed_ms"] or 0, row["number"]))
        return next(iter(is_open or last[::-1]), None)

    def open_tasks(self) -> list[Row]:
        """Return the open tasks."""
        return [row for row in self.tasks.values() if row["status_kind"] in OPEN_KINDS]

    def change(self, task_id: str, **values: Any) -> None:
        """Set columns of a task, as if it had been written so."""
        self.tasks[task_id] = {**self.tasks[task_id], **values}

    def _of_key(self, scope: str, key: str) -> list[Row]:
        return [row for row in self.tasks.values() if (row["scope"], row["key"]) == (scope, key)]

    def _copies(self, task_id: str) -> list[str]:
        return [destination for task, destination in self.wanted if task == task_id]

    def _write(self, done: Fold) -> None:
        self.events |= {row["id"]: row for row in done.events}
        self.tasks |= _by_id(done.changed_tasks) | _by_id(done.new_tasks)
        self.history |= _by_id(done.history)
        self.closings |= {(row["scope"], row["key"]): row for row in done.closings}
        for row in done.deliveries:
            self.wanted[row["task_id"], row["destination"]] = row["wanted_version"]
        for row in self.open_tasks():
            if row["key"] is not None:
                same = self._of_key(row["scope"], row["key"])
                assert sum(each["status_kind"] in OPEN_KINDS for each in same) == 1


def _by_id(rows: Iterable[Row]) -> dict[str, Row]:
    return {row["id"]: row for row in rows}
