"""Taking pending batches in hand: one worker at a time has a batch, for as long as it lives.

A lease is no proof, only good manners: two workers that route the same batch write it once all the
same, because the transaction asks what is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from redis.asyncio import Redis

from router.core import keys
from router.core.event import IncomingEvent
from router.core.pending import PendingBatches

LEASE_MS = 60_000
MAX_EVENTS = 512
MAX_BYTES = 2 * 1024 * 1024
"""Compressed bytes of the batches that are taken together."""
_GROWTH = 4
_LOOK_AT = 1024


@dataclass(slots=True)
class Taken:
    """Batches in hand, oldest first; `full`: there may be more that wait."""

    batches: dict[str, list[IncomingEvent]] = field(default_factory=dict)
    finished: list[str] = field(default_factory=list)
    """Batches that were leased but are finished already."""
    tried: set[str] = field(default_factory=set)
    """Batches that were asked for."""
    leased: set[str] = field(default_factory=set)
    """Those of them that were to be had."""
    full: bool = False

    @property
    def ids(self) -> list[str]:
        """Ids of all batches whose lease is held."""
        return [*self.batches, *self.finished]

    def events(self) -> list[IncomingEvent]:
        """Return all events in the order of their batches."""
        return [event for _, events in sorted(self.batches.items()) for event in events]

    def count(self) -> int:
        """Return how many events are in hand."""
        return sum(map(len, self.batches.values()))


_GIVE_BACK = """
for _, lease in ipairs(KEYS) do
  if redis.call('GET', lease) == ARGV[1] then
    redis.call('DEL', lease)
  end
end
"""
"""KEYS: leases. ARGV: whose they have to be to be given back."""


class Leases:
    """Takes batches for one worker and gives them back.

    `held` has the ids in hand: a lease of this worker that is not among them was left behind.
    """

    def __init__(self, redis: Redis, pending: PendingBatches, worker_id: str) -> None:
        self._redis = redis
        self._pending = pending
        self._worker_id = worker_id
        self._give_back = redis.register_script(_GIVE_BACK)
        self._left_behind: set[str] = set()
        self.held: set[str] = set()

    async def take(self, first: str | None) -> Taken:
        """Take a batch and, with it, others that wait: about 512 events, so that small ones go fast.

        Without a `first` one, or where it is in other hands, the oldest are taken.
        """
        await self.give_back(())
        taken = Taken()
        try:
            await self._fill(taken, first)
        except BaseException:
            # Redis may have given us some and not been able to say so; others hold none of ours.
            self.held -= taken.leased
            self._left_behind |= taken.tried - self.held
            raise
        return taken

    async def _fill(self, taken: Taken, first: str | None) -> None:
        if first is not None:
            await self._add(taken, [first])
        candidates = await self._pending.oldest(_LOOK_AT)
        passed_over = {first, *self._pending.unreadable}
        rest = [batch_id for batch_id in candidates if batch_id not in passed_over]
        while rest and taken.count() < MAX_EVENTS and not taken.full:
            size = self._next_size(taken)
            chunk, rest = rest[:size], rest[size:]
            await self._add(taken, chunk)
        taken.full = taken.full or bool(rest) or len(candidates) == _LOOK_AT

    async def give_back(self, batch_ids: Sequence[str]) -> None:
        """Let others have batches that are not routed, and those an outage of Redis left behind."""
        self.held.difference_update(batch_ids)
        self._left_behind.update(batch_ids)
        if returned := list(self._left_behind):
            await self._give_back(keys=[*map(keys.lease, returned)], args=[self._worker_id])
            self._left_behind.difference_update(returned)

    async def renew(self, batch_ids: Sequence[str]) -> None:
        """Keep batches that take longer."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for batch_id in batch_ids:
                pipe.set(keys.lease(batch_id), self._worker_id, px=LEASE_MS)
            await pipe.execute()

    def forget(self, batch_ids: Sequence[str]) -> None:
        """Note that batches are finished, leases and all."""
        self.held.difference_update(batch_ids)

    def _next_size(self, taken: Taken) -> int:
        """Return how many batches to try next: few at first, more once they prove to be small."""
        if not taken.batches:
            return _GROWTH
        average = max(1, taken.count() // len(taken.batches))
        wanted = -(-(MAX_EVENTS - taken.count()) // average)
        return max(1, min(wanted, _GROWTH * len(taken.batches)))

    async def _add(self, taken: Taken, batch_ids: list[str]) -> None:
        taken.tried.update(batch_ids)
        async with self._redis.pipeline(transaction=False) as pipe:
            for batch_id in batch_ids:
                pipe.set(keys.lease(batch_id), self._worker_id, px=LEASE_MS, nx=True)
                pipe.strlen(keys.batch(batch_id))
            answers = await pipe.execute()
        leased: list[str] = []
        excess: list[str] = []
        size = 0
        for batch_id, is_ours, stored in zip(batch_ids, answers[::2], answers[1::2], strict=True):
            if not is_ours:
                continue
            size += stored
            (leased if not leased or size <= MAX_BYTES else excess).append(batch_id)
        self.held.update(leased)
        taken.leased.update(leased)
        loaded = await self._pending.load_all(leased)
        taken.batches.update(loaded)
        gone = [batch_id for batch_id in leased if batch_id not in loaded]
        unreadable = [batch_id for batch_id in gone if batch_id in self._pending.unreadable]
        taken.finished += [batch_id for batch_id in gone if batch_id not in unreadable]
        taken.full = taken.full or bool(excess)
        await self.give_back([*excess, *unreadable])
