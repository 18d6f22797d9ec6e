"""Group commit: events that arrive while a write is under way share the next one.

One Redis transaction stores the batch, lists it as pending and queues one arq job for it. There is
no timer: at low load a batch is one event and costs one round trip, at high load hundreds share it.
An event is durable when `put` returns.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from arq.constants import job_key_prefix
from redis.asyncio import Redis
from redis.exceptions import RedisError

from router.core import keys
from router.core.arq_job import KEPT_MS, job
from router.core.clock import Clock, epoch_ms
from router.core.errors import IntakeFullError, NotDurableError
from router.core.event import IncomingEvent, pack
from router.core.ids import IdSource
from router.core.metrics import BATCH_EVENTS

BATCH_EVENTS_MAX = 512
BATCH_BYTES_MAX = 8 * 1024 * 1024

_WRITE_TIMEOUT_S = 4.0
"""Below the 5 s some senders wait for an answer: they learn that nothing was kept."""

_EVENT_OVERHEAD_BYTES = 1024
"""What an event takes besides its body: headers and objects."""

_PACK_ASIDE_BYTES = 1024 * 1024
"""From here on packing would hold up other requests: a thread does it."""

_STORE = """
redis.call('SET', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[2], 0, ARGV[2])
redis.call('INCRBY', KEYS[3], ARGV[3])
redis.call('PSETEX', KEYS[4], ARGV[5], ARGV[4])
redis.call('ZADD', KEYS[5], ARGV[6], ARGV[2])
redis.call('PUBLISH', ARGV[7], ARGV[8])
"""
"""Stores a batch, lists it as pending, counts its events, and queues its job as arq does.

A script is a transaction, in the append-only file too, and one answer to read instead of eight: a
write costs the event loop half of what MULTI and EXEC do."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Waiting:
    """An event on its way, what it weighs in bytes, and who waits for it."""

    event: IncomingEvent
    size: int
    stored: asyncio.Future[None]


class Intake:
    """Stores events; safe to use from many requests of the event loop it was made in."""

    def __init__(
        self,
        redis: Redis,
        *,
        new_id: IdSource,
        clock: Clock,
        max_requests: int,
        max_bytes: int,
        write_timeout_s: float = _WRITE_TIMEOUT_S,
    ) -> None:
        self._store = redis.register_script(_STORE)
        self._loop = asyncio.get_running_loop()
        self._new_id = new_id
        self._clock = clock
        self._max_requests = max_requests
        self._max_bytes = max_bytes
        self._write_timeout_s = write_timeout_s
        self._queue: deque[_Waiting] = deque()
        self._requests = 0
        self._bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self._closed = False
        self._failing = False

    async def put(self, event: IncomingEvent) -> None:
        """Store an event; it is durable when this returns.

        Raises:
            IntakeFullError: Too many requests or bytes wait already; nothing was kept.
            NotDurableError: Redis could not store it, or not in time; do not acknowledge it.
        """
        size = len(event.body) + _EVENT_OVERHEAD_BYTES
        if self._requests >= self._max_requests or (
            self._requests and self._bytes + size > self._max_bytes
        ):
            raise IntakeFullError
        if self._closed:
            raise NotDurableError
        stored: asyncio.Future[None] = self._loop.create_future()
        self._requests += 1
        self._bytes += size
        self._queue.append(_Waiting(event, size, stored))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        await stored

    async def close(self) -> None:
        """Take nothing more, and return when all that was taken is stored or has failed."""
        self._closed = True
        if self._writer is not None:
            await asyncio.shield(self._writer)

    async def _write_all(self) -> None:
        """Write batch after batch until nothing waits."""
        batch: list[_Waiting] = []
        try:
            while self._queue:
                batch = self._next_batch()
                self._settle(batch, await self._try_to_write(batch))
                batch = []
        finally:
            self._writer = None
            # Only when this task is cancelled from outside does anything remain.
            self._settle([*batch, *self._queue], NotDurableError())
            self._queue.clear()

    def _next_batch(self) -> list[_Waiting]:
        batch = [self._queue.popleft()]
        size = batch[0].size
        while self._queue and len(batch) < BATCH_EVENTS_MAX:
            size += self._queue[0].size
            if size > BATCH_BYTES_MAX:
                break
            batch.append(self._queue.popleft())
        return batch

    async def _try_to_write(self, batch: Sequence[_Waiting]) -> NotDurableError | None:
        """Write a batch; return what its waiters are to be told if that failed."""
        try:
            async with asyncio.timeout(self._write_timeout_s):
                await self._write(batch)
        except (RedisError, OSError, TimeoutError) as error:
            if not self._failing:
                _log.error("intake_failing", error=str(error) or type(error).__name__)
            self._failing = True
            return NotDurableError()
        if self._failing:
            _log.info("intake_recovered")
        self._failing = False
        BATCH_EVENTS.observe(len(batch))
        return None

    async def _write(self, batch: Sequence[_Waiting]) -> None:
        events = [waiting.event for waiting in batch]
        if sum(waiting.size for waiting in batch) < _PACK_ASIDE_BYTES:
            packed = pack(events)
        else:
            packed = await asyncio.to_thread(pack, events)
        batch_id = self._new_id()
        now_ms = epoch_ms(self._clock())
        await self._store(
            keys=[
                keys.batch(batch_id),
                keys.PENDING,
                keys.PENDING_EVENTS,
                job_key_prefix + batch_id,
                keys.QUEUE,
            ],
            args=[
                packed,
                batch_id,
                len(events),
                job(keys.ROUTE_JOB, (batch_id,), now_ms=now_ms),
                KEPT_MS,
                now_ms,
                keys.NUDGE,
                keys.ROUTE_JOB,
            ],
        )

    def _settle(self, batch: Sequence[_Waiting], error: NotDurableError | None) -> None:
        """Tell the waiters of a batch what became of it."""
        for waiting in batch:
            self._requests -= 1
            self._bytes -= waiting.size
            if waiting.stored.done():  # whoever waited was cancelled
                continue
            if error is None:
                waiting.stored.set_result(None)
            else:
                waiting.stored.set_exception(error)
