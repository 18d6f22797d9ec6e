"""From webhook to committed task at 50 a second: seen from outside, by looking for the row."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

from bench.client import Connection
from bench.cores import Cores
from bench.figures import Figure, at_most, percentile
from bench.load import HOST
from bench.look import asking
from bench.stack import Database, Stack, stack
from bench.throughput import DATABASES
from bench.webhooks import Requests

RATE = 50
CONNECTIONS = 8
_LOOK_EVERY_S = 0.001


async def measure(split: Cores, *, quick: bool) -> AsyncIterator[Figure]:
    """Measure on both databases; the clock starts when the request is written."""
    for database in DATABASES:
        times = await _times(database, split, for_s=4 if quick else 20)
        p50, p99 = (percentile(times, share) * 1000 for share in (0.5, 0.99))
        name = "SQLite" if database == "sqlite" else "PostgreSQL"
        note = f"{len(times):,} webhooks at {RATE}/s, looked for each ms; max {times[-1] * 1000:.0f} ms"
        yield at_most(f"webhook to committed task, {name}, p50", p50, 20, " ms", note)
        yield at_most(f"webhook to committed task, {name}, p99", p99, 60, " ms")


async def _times(database: Database, split: Cores, *, for_s: float) -> list[float]:
    async with stack(database, split.pair) as running:
        await running.with_worker()
        await _send(running, for_s=1)
        return sorted((await _send(running, for_s=for_s)).values())


async def _send(running: Stack, *, for_s: float) -> dict[str, float]:
    """Send at the rate and return seconds to the committed task by event id."""
    sent: dict[str, float] = {}
    took: dict[str, float] = {}
    free: list[Connection] = []

    def answered(connection: Connection, status: bytes, body: bytes) -> None:
        if status != b"202":
            raise RuntimeError(f"answered {status!r}")
        sent[json.loads(body)["event_id"]] = connection.started
        free.append(connection)

    loop = asyncio.get_running_loop()
    port = running.hookyard.port
    opened = [
        (await loop.create_connection(lambda: Connection(answered, lambda: None), HOST, port))[1]
        for _ in range(CONNECTIONS)
    ]
    free += opened
    requests = iter(Requests(f"{HOST}:{port}", f"latency-{time.time_ns()}"))
    begun = time.perf_counter()
    total = int(for_s * RATE)
    number = 0
    async with asking(running.hookyard.database_url) as ask:
        while len(took) < total:
            now = time.perf_counter()
            if number < total and begun + number / RATE <= now and free:
                free.pop().send(next(requests), now)
                number += 1
            if waiting := sent.keys() - took.keys():
                for event_id in await ask(f"SELECT id FROM events WHERE id >= '{min(waiting)}'"):  # noqa: S608  our own ids
                    if event_id in waiting:
                        took[event_id] = time.perf_counter() - sent[event_id]
            if now > begun + for_s + 60:
                raise TimeoutError(f"{total - len(took)} of {total} were not committed in time")
            await asyncio.sleep(_LOOK_EVERY_S)
    for connection in opened:
        connection.close()
    return took
