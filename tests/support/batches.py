"""Batches of events in Redis as receivers leave them there, for tests of those who take them up."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from functools import cache
from typing import Any

from arq.constants import in_progress_key_prefix, job_key_prefix
from redis.asyncio import Redis

from router.core import keys
from router.core.clock import Clock, epoch_ms, utc_now
from router.core.event import IncomingEvent
from router.core.ids import IdSource, id_source
from router.core.intake import Intake

OLD = timedelta(seconds=10)
"""Longer than a batch is left to its own job."""

_new_id = id_source()


@cache
def _batch_ids(clock: Clock, age: timedelta) -> IdSource:
    """Return one source of ids for all batches of an age, so that they are in order."""
    return id_source(lambda: clock() - age)


def webhook(
    connector: str, body: Any = None, *, clock: Clock = utc_now, **given: Any
) -> IncomingEvent:
    """Return an event with a JSON body, as it is when it is accepted."""
    content = {} if body is None else body
    given.setdefault("id", _new_id())
    return IncomingEvent(
        connector=connector,
        received_ms=epoch_ms(clock()),
        body=content if isinstance(content, bytes) else json.dumps(content).encode(),
        **{"content_type": "application/json", **given},
    )


async def put_batch(
    redis: Redis,
    *events: IncomingEvent,
    age: timedelta = timedelta(0),
    clock: Clock = utc_now,
) -> str:
    """Store events as one batch, through the receiver's own intake; return the batch's id."""
    ids: list[str] = []
    make_id = _batch_ids(clock, age)

    def new_id() -> str:
        ids.append(make_id())
        return ids[-1]

    intake = Intake(redis, new_id=new_id, clock=clock, max_requests=10_000, max_bytes=2**30)
    await asyncio.gather(*map(intake.put, events))
    (batch_id,) = ids
    return batch_id


async def lose_job(redis: Redis, batch_id: str) -> None:
    """Take a batch's job away, as if arq had dropped it."""
    await redis.zrem(keys.QUEUE, batch_id)
    await redis.delete(job_key_prefix + batch_id)


async def give_to(redis: Redis, batch_id: str, worker_id: str) -> None:
    """Leave a batch and its job in the hands of a worker; whether that one lives is another matter."""
    await redis.set(keys.lease(batch_id), worker_id, px=60_000)
    await redis.set(in_progress_key_prefix + batch_id, worker_id, px=3_600_000)


async def is_pending(redis: Redis, batch_id: str) -> bool:
    """Tell whether a batch waits to be routed still."""
    return await redis.zscore(keys.PENDING, batch_id) is not None
