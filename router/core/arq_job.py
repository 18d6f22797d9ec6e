"""Putting a job on arq's queue from any Redis transaction, in the form arq 0.28 reads.

arq's own `enqueue_job` takes a transaction to itself; the intake wants its job in the same one as
the batch. A unit test runs jobs written here with a real arq worker.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgpack
from arq.constants import job_key_prefix
from redis.asyncio.client import Pipeline

from router.core import keys

KEPT_MS = int(timedelta(days=30).total_seconds() * 1000)
"""How long a job waits at most. arq's own day would end a backlog over a long weekend; what a job
is about does not depend on it either way (the sweeper enqueues again)."""


def serialize(value: Any) -> bytes:
    """Return the bytes of a job or its result (arq's `job_serializer`)."""
    packed: bytes = msgpack.packb(value, default=_name_of_type)
    return packed


def deserialize(stored: bytes) -> Any:
    """Return what `serialize` was given; tuples come back as lists (arq's `job_deserializer`)."""
    return msgpack.unpackb(stored)


def job(function: str, args: tuple[Any, ...], *, now_ms: int) -> bytes:
    """Return what is stored of a job: a function of the worker by its name, and its arguments.

    Pass ids as `args`, never payloads: arq builds their `repr` for its log.
    """
    return serialize({"t": None, "f": function, "a": args, "k": {}, "et": now_ms})


def enqueue(
    pipe: Pipeline,
    function: str,
    job_id: str,
    args: tuple[Any, ...],
    *,
    now_ms: int,
    due_ms: int | None = None,
) -> None:
    """Add to a transaction that a job is queued and that idle workers hear of it.

    A job of the same id that still waits is replaced. `due_ms` (milliseconds since the epoch) is
    when it may start; at once if not given.
    """
    start_ms = now_ms if due_ms is None else due_ms
    stored = job(function, args, now_ms=now_ms)
    pipe.psetex(job_key_prefix + job_id, KEPT_MS + max(0, start_ms - now_ms), stored)
    pipe.zadd(keys.QUEUE, {job_id: start_ms})
    pipe.publish(keys.NUDGE, function)


def _name_of_type(value: Any) -> str:
    """Stand in for what msgpack cannot hold, such as the exception of a failed job.

    Its type only: a message may quote what must not be stored.
    """
    return type(value).__name__
