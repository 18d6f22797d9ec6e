"""Nudges: jobs that say "look at this destination". What is due is in the database, not in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import suppress

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from router.core import keys
from router.core.arq_job import enqueue
from router.core.clock import Clock, epoch_ms

PREFIX = "deliver:"
_AHEAD_MS = 10 * 365 * 86_400_000
"""Nudges are due ten years ago: there are few, and they go before whatever backlog is to be routed."""


def job_id(destination: str) -> str:
    """Return the id of a destination's job; there is at most one of them in the queue."""
    return PREFIX + destination


def destination_of(job: str) -> str | None:
    """Return the destination a job is about; None for a job that is not about one."""
    return job.removeprefix(PREFIX) if job.startswith(PREFIX) else None


def nudge_deliveries(pipe: Pipeline, destinations: Iterable[str], now_ms: int) -> None:
    """Add to a pipeline that workers look at what is due at these destinations."""
    for name in sorted(destinations):
        enqueue(
            pipe,
            keys.DELIVER_JOB,
            job_id(name),
            (name,),
            now_ms=now_ms,
            due_ms=now_ms - _AHEAD_MS,
        )


async def nudge_soon(redis: Redis, clock: Clock, destinations: Collection[str]) -> None:
    """Have workers look at these destinations; without Redis they find out by themselves, later."""
    if not destinations:
        return
    with suppress(RedisError, OSError):
        async with redis.pipeline(transaction=False) as pipe:
            nudge_deliveries(pipe, destinations, epoch_ms(clock()))
            await pipe.execute()
