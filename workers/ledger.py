"""Writes intents and results of deliveries: those that come while a write is under way share the next.

So a destination with many requests at once costs few transactions, and each request still waits
for its own intent: what is written last before it leaves (decision V28).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial

from router.core.clock import Clock, epoch_ms
from router.core.store import deliveries
from router.core.store.engine import Store
from workers.fields import Row
from workers.patience import insist


@dataclass(slots=True)
class _Entry:
    row: Row
    is_intent: bool
    attempts: list[Row] = field(default_factory=list)
    written: asyncio.Future[bool] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Ledger:
    """The writer of one worker.

    Args:
        give_up: Set when the worker has to end: what is not written by then is left, and found by
            its intent.
    """

    def __init__(self, store: Store, owner: str, clock: Clock, give_up: asyncio.Event) -> None:
        self._store = store
        self._owner = owner
        self._clock = clock
        self._give_up = give_up
        self._waiting: list[_Entry] = []
        self._writer: asyncio.Task[None] | None = None

    async def intend(self, row: Row) -> bool:
        """Note what is about to be sent; False: the copy is in other hands by now, do not send."""
        return await self._write(_Entry(row, is_intent=True))

    async def finish(self, row: Row, attempts: list[Row]) -> bool:
        """Write what became of a copy and give it back; False: it is in other hands by now."""
        return await self._write(_Entry(row, is_intent=False, attempts=attempts))

    async def _write(self, entry: _Entry) -> bool:
        self._waiting.append(entry)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        return await entry.written

    async def _write_all(self) -> None:
        while self._waiting:
            entries, self._waiting = self._waiting, []
            try:
                commit = partial(self._commit, entries)
                held = await insist("writing deliveries", commit, self._give_up)
            except Exception as error:  # noqa: BLE001  handed on to those who wait for the write
                for entry in entries:
                    if not entry.written.done():  # whoever waited was cancelled
                        entry.written.set_exception(error)
                continue
            for entry in entries:
                if not entry.written.done():
                    entry.written.set_result(entry.row["id"] in held)

    async def _commit(self, entries: list[_Entry]) -> set[str]:
        now_ms = epoch_ms(self._clock())
        intents = [entry.row for entry in entries if entry.is_intent]
        results = [entry.row for entry in entries if not entry.is_intent]
        attempts = [row for entry in entries for row in entry.attempts]
        async with self._store.begin() as conn:
            held = await deliveries.set_intents(conn, intents, owner=self._owner, now_ms=now_ms)
            held |= await deliveries.finish_attempts(
                conn, results, owner=self._owner, now_ms=now_ms
            )
            await deliveries.add_attempts(conn, attempts)
        return held
