"""Batches that are stored and not routed yet: the truth about what still has to be done.

Batch ids are UUIDv7 and sort by time, so `keys.PENDING` (all scores 0) is in order of arrival.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import structlog
from arq.constants import in_progress_key_prefix, job_key_prefix, retry_key_prefix
from redis.asyncio import Redis

from router.core import keys
from router.core.event import IncomingEvent, unpack
from router.core.ids import id_time_ms

_LONGEST_WAIT_MS = 60_000
_LOOK_AT_BATCHES = 64
_AT_ONCE = 8
_REMEMBERED = 4096

_log = structlog.get_logger(__name__)

_KEYS_PER_BATCH = 5
_FINISH = f"""
local finished = 0
for n = 1, #ARGV / 2 do
  local id, events, at = ARGV[2 * n - 1], ARGV[2 * n], 3 + (n - 1) * {_KEYS_PER_BATCH}
  if redis.call('ZREM', KEYS[1], id) == 1 then
    redis.call('DECRBY', KEYS[2], events)
    finished = finished + 1
  end
  redis.call('DEL', KEYS[at + 1], KEYS[at + 2])
  if redis.call('EXISTS', KEYS[at + 4]) == 0 then
    redis.call('ZREM', KEYS[3], id)
    redis.call('DEL', KEYS[at + 3], KEYS[at + 5])
  end
end
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('DEL', KEYS[2])
end
return finished
"""
"""KEYS: pending, pending-events, queue, then for each batch its blob, lease, and arq's job,
in-progress and retry keys. ARGV: for each batch its id and how many events it holds. A job that is
in progress is left to arq. The count of events starts afresh whenever nothing is pending."""


class Pending(NamedTuple):
    """An event that waits to be routed; `seek` is the batch from which on it was found."""

    seek: str
    event: IncomingEvent


class PendingBatches:
    """Reads and finishes pending batches; any process may.

    `unreadable` has the ids of those that another release stored in a layout this one does not
    know: they stay where they are until one that knows it comes.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._finish = redis.register_script(_FINISH)
        self._events_of: dict[str, int] = {}
        self.unreadable: set[str] = set()

    async def load(self, batch_id: str) -> list[IncomingEvent] | None:
        """Return the events of a batch; None if it is finished already."""
        return (await self.load_all([batch_id])).get(batch_id)

    async def load_all(self, batch_ids: Sequence[str]) -> dict[str, list[IncomingEvent]]:
        """Return the events of several batches by batch id, in one round trip.

        Finished ones are left out, and `unreadable` ones, which are noted there.
        """
        if not batch_ids:
            return {}
        blobs = cast(
            "list[bytes | None]", await self._redis.mget([keys.batch(one) for one in batch_ids])
        )
        loaded: dict[str, list[IncomingEvent]] = {}
        for batch_id, blob in zip(batch_ids, blobs, strict=True):
            if blob is None:
                continue
            try:
                loaded[batch_id] = unpack(blob)
            except ValueError as error:
                if batch_id not in self.unreadable:
                    _log.error("batch_unreadable", batch_id=batch_id, reason=str(error))
                self.unreadable.add(batch_id)
        for batch_id, events in loaded.items():
            self._remember(batch_id, len(events))
        return loaded

    async def oldest(self, limit: int, *, after: str | None = None) -> list[str]:
        """Return ids of pending batches, the oldest first; those after a batch id if one is given."""
        least = "-" if after is None else f"({after}"
        return await self._range(least, "+", limit)

    async def finish(self, batch_id: str) -> bool:
        """Forget a batch that is routed, with its lease and its job; tell whether it was pending still."""
        return await self.finish_all([batch_id]) == 1

    async def finish_all(self, batch_ids: Sequence[str]) -> int:
        """Finish several batches in one step; return how many of them were pending still."""
        if not batch_ids:
            return 0
        sizes = {one: self._events_of[one] for one in batch_ids if one in self._events_of}
        loaded = await self.load_all([one for one in batch_ids if one not in sizes])
        sizes |= {one: len(events) for one, events in loaded.items()}
        names = [keys.PENDING, keys.PENDING_EVENTS, keys.QUEUE]
        arguments: list[str | int] = []
        for batch_id in batch_ids:
            names += [
                keys.batch(batch_id),
                keys.lease(batch_id),
                job_key_prefix + batch_id,
                in_progress_key_prefix + batch_id,
                retry_key_prefix + batch_id,
            ]
            arguments += [batch_id, sizes.get(batch_id, 0)]
        finished = int(await self._finish(keys=names, args=arguments))
        for batch_id in batch_ids:
            self._events_of.pop(batch_id, None)
        return finished

    async def count_events(self) -> int:
        """Return how many events are accepted and not routed yet."""
        return max(0, int(await self._redis.get(keys.PENDING_EVENTS) or 0))

    async def oldest_ms(self) -> int | None:
        """Return when the oldest pending batch was stored, in milliseconds since the epoch."""
        first = await self.oldest(1)
        return id_time_ms(first[0]) if first else None

    async def find_event(self, event_id: str) -> IncomingEvent | None:
        """Return an event that waits to be routed, by its id.

        Its batch is younger than it, by no more than it waited to be stored: a bounded number of
        batches is looked at. A replay is no event that waits: the database has its event.
        """
        until_ms = id_time_ms(event_id) + _LONGEST_WAIT_MS
        after = event_id
        for _ in range(0, _LOOK_AT_BATCHES, _AT_ONCE):
            batch_ids = await self.oldest(_AT_ONCE, after=after)
            for events in (await self.load_all(batch_ids)).values():
                for event in events:
                    if event.id == event_id and not event.replay:
                        return event
            if len(batch_ids) < _AT_ONCE or id_time_ms(batch_ids[-1]) > until_ms:
                return None
            after = batch_ids[-1]
        return None

    async def recent_events(
        self, limit: int, *, keep: Callable[[IncomingEvent], bool] = lambda _: True
    ) -> list[IncomingEvent]:
        """Return events that wait to be routed and are to be kept, the newest first."""
        return [place.event for place in await self.newest(limit, keep=keep)]

    async def newest(
        self,
        limit: int,
        *,
        before: str | None = None,
        seek: str | None = None,
        keep: Callable[[IncomingEvent], bool] = lambda _: True,
    ) -> list[Pending]:
        """Return events that wait to be routed and where they were found, the newest first.

        Those with an id less than `before` if it is given; to go on where an earlier call ended,
        give the id and the `seek` of its last event. Events that are not to be kept are passed
        over, and replays, whose events the database has. A bounded number of batches is looked at.
        """
        found: list[Pending] = []
        greatest = "+" if seek is None else f"[{seek}"
        for _ in range(0, _LOOK_AT_BATCHES, _AT_ONCE):
            batch_ids = await self._range("-", greatest, _AT_ONCE, newest_first=True)
            for events in (await self.load_all(batch_ids)).values():
                found += [
                    Pending(batch_ids[0], event)
                    for event in events
                    if not event.replay and keep(event) and (before is None or event.id < before)
                ]
            if len(batch_ids) < _AT_ONCE or len(found) >= limit:
                break
            greatest = f"({batch_ids[-1]}"
        # Batches of several receivers overlap in time.
        found.sort(key=lambda place: place.event.id, reverse=True)
        return found[:limit]

    async def _range(
        self, least: str, greatest: str, limit: int, *, newest_first: bool = False
    ) -> list[str]:
        if newest_first:
            found = await self._redis.zrevrangebylex(keys.PENDING, greatest, least, 0, limit)
        else:
            found = await self._redis.zrangebylex(keys.PENDING, least, greatest, 0, limit)
        return [batch_id.decode() for batch_id in cast("list[bytes]", found)]

    def _remember(self, batch_id: str, events: int) -> None:
        """Note how many events a batch holds, for `finish`; the oldest notes give way."""
        self._events_of[batch_id] = events
        while len(self._events_of) > _REMEMBERED:
            del self._events_of[next(iter(self._events_of))]
