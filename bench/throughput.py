"""Events a second from webhook to committed task, all processes of ours on two cores."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from bench import load
from bench.cores import Cores
from bench.figures import Figure, at_least
from bench.look import committed_tasks
from bench.stack import Database, stack

DATABASES: tuple[Database, ...] = ("sqlite", "postgresql")
MUST = 3000


async def measure(split: Cores, *, quick: bool) -> AsyncIterator[Figure]:
    """Send a fixed number as fast as it is acknowledged; the clock stops when the last is committed."""
    count = 9_000 if quick else 60_000
    for database in DATABASES:
        async with stack(database, split.pair) as running:
            await running.with_worker()
            await asyncio.to_thread(load.run, running.hookyard.port, cores=split.load, count=500)
            await running.drained()
            before = await committed_tasks(running.hookyard.database_url)
            begun = time.perf_counter()
            sent = await asyncio.to_thread(
                load.run, running.hookyard.port, cores=split.load, connections=64, count=count
            )
            acknowledged = time.perf_counter()
            ended = await running.drained()
            made = await committed_tasks(running.hookyard.database_url) - before
        if made != sent.acknowledged or made != count:
            raise RuntimeError(f"{count} sent, {sent.acknowledged} acknowledged, {made} tasks")
        note = (
            f"{count:,} webhooks, last one acknowledged after {acknowledged - begun:.1f} s, "
            f"committed after {ended - begun:.1f} s; receiver, worker, Redis"
            f"{', PostgreSQL' if database == 'postgresql' else ''} on two cores"
        )
        name = "SQLite" if database == "sqlite" else "PostgreSQL"
        yield at_least(
            f"webhook to committed task, {name}", count / (ended - begun), MUST, "/s", note
        )
