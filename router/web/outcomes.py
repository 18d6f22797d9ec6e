"""Outcomes that requests wait for: workers publish them on a channel of this process's own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgpack
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from router.core import keys

_LISTEN_S = 30.0
_AGAIN_S = 1.0

Outcome = Mapping[str, Any]
"""`{"event_id", "status", "reason", "code", "duplicate_of", "tasks": [{"id", "number", "action",
"rule"}]}`, with `errors` where the task was refused; a task that is due says when."""

_log = structlog.get_logger(__name__)


class Outcomes:
    """Hears outcomes; `receiver_id` is the `reply_to` of events whose outcome is waited for."""

    def __init__(self, redis: Redis, receiver_id: str) -> None:
        self._redis = redis
        self.receiver_id = receiver_id
        self._waiting: dict[str, asyncio.Future[Outcome]] = {}
        self._closed = False

    @contextmanager
    def expecting(self, event_id: str) -> Iterator[asyncio.Future[Outcome]]:
        """Give the future outcome of an event; begin before the event is stored, lest it be missed."""
        future = asyncio.get_running_loop().create_future()
        if self._closed:
            future.cancel()
        self._waiting[event_id] = future
        try:
            yield future
        finally:
            del self._waiting[event_id]
            future.cancel()

    def give_up(self) -> None:
        """Let all who wait go: the process is about to stop."""
        self._closed = True
        for future in self._waiting.values():
            future.cancel()

    async def run(self) -> None:
        """Listen until cancelled, through outages of Redis."""
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                _log.debug("outcomes_not_heard", error=type(error).__name__)
                await asyncio.sleep(_AGAIN_S)

    async def _listen(self) -> None:
        async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(keys.outcomes(self.receiver_id))
            while True:
                message = await pubsub.get_message(timeout=_LISTEN_S)
                if message is not None:
                    self._hear(message["data"])

    def _hear(self, data: bytes) -> None:
        outcome = msgpack.unpackb(data)
        future = self._waiting.get(outcome["event_id"])
        if future is not None and not future.done():
            future.set_result(outcome)


async def outcome_within(future: asyncio.Future[Outcome], seconds: float) -> Outcome | None:
    """Return the outcome if it comes in time."""
    done, _ = await asyncio.wait({future}, timeout=seconds)
    return future.result() if done and not future.cancelled() else None
