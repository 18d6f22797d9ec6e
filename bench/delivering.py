"""Deliveries a second to an API that answers at once; and what routing loses while one never answers."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncIterator

import psutil

from bench import load
from bench.cores import Cores
from bench.figures import Figure, at_least
from bench.look import asking, committed_tasks
from bench.stack import Stack, module, stack
from router.core.store.engine import open_store
from router.core.store.routing import Writes, write
from tests.support.rows import delivery_row, ids_from, task_row

MUST = 1500
KEEPS = 0.8
HANGING = 5_000
_APART = 1_000_000
"""Between the numbers of these tasks and of those that are routed."""

_SINK = """\
destinations:
  sink:
    type: http
    url: "http://127.0.0.1:{port}/tasks"
    body: {{title: "{{{{ task.title }}}}", ref: "{{{{ task.id }}}}"}}
    id_at: id
    idempotency_header: Idempotency-Key
    concurrency: 64
    allow_private: true
  hangs:
    type: http
    url: "http://127.0.0.1:{port}/hang"
    timeout: 2s
    concurrency: 64
    breaker: {{after: 1000}}
    allow_private: true
"""
"""With its breaker out of the way, the one that hangs keeps 64 requests waiting all the time."""


async def measure(split: Cores, *, quick: bool) -> AsyncIterator[Figure]:
    """Let a worker deliver a backlog; then route beside a destination that hangs, and beside none."""
    count, rounds = (3_000, 1) if quick else (20_000, 3)
    with module("bench.sink", cores=split.load) as port:
        rate, cpu_us = await _deliver(split, port, count)
        how = (
            f"{count:,} copies created by one worker, {cpu_us:.0f} us of its CPU each; SQLite, "
            "an idempotency key, 64 at once"
        )
        yield at_least("deliveries to an API that answers at once", rate, MUST, "/s", how)
        speeds: dict[int, list[float]] = {0: [], HANGING: []}
        for _ in range(rounds):  # in turn, so that a slow minute hits both
            for hanging, measured in speeds.items():
                measured.append(await _route(split, port, hanging=hanging, quick=quick))
    alone, beside = (statistics.median(measured) for measured in speeds.values())
    note = (
        f"{alone:,.0f}/s alone, {beside:,.0f}/s with {HANGING:,} copies due at one that never "
        f"answers, 64 at a time; medians of {rounds}"
    )
    yield at_least("routing speed kept while a destination hangs", beside / alone, KEEPS, "x", note)


async def _deliver(split: Cores, port: int, count: int) -> tuple[float, float]:
    """Return deliveries a second, and microseconds of the worker's CPU for each."""
    async with stack("sqlite", split.pair, destinations=_SINK.format(port=port)) as running:
        await _add_copies(running, "sink", 200)
        worker = psutil.Process((await running.with_worker()).pid)
        await _all_current(running)
        await _add_copies(running, "sink", count)
        begun, before = time.perf_counter(), _cpu_s(worker)
        await _all_current(running)
        rate = count / (time.perf_counter() - begun)
        return rate, (_cpu_s(worker) - before) / count * 1e6


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _route(split: Cores, port: int, *, hanging: int, quick: bool) -> float:
    count = 6_000 if quick else 30_000
    async with stack("sqlite", split.pair, destinations=_SINK.format(port=port)) as running:
        await running.with_worker()
        await asyncio.to_thread(load.run, running.hookyard.port, cores=split.load, count=500)
        await running.drained()
        if hanging:
            await _add_copies(running, "hangs", hanging)
            await asyncio.sleep(1.5)  # the sweeper has seen them
        before = await committed_tasks(running.hookyard.database_url)
        begun = time.perf_counter()
        await asyncio.to_thread(
            load.run, running.hookyard.port, cores=split.load, connections=64, count=count
        )
        ended = await running.drained()
        made = await committed_tasks(running.hookyard.database_url) - before
    if made != count:
        raise RuntimeError(f"{count} sent, {made} tasks")
    return count / (ended - begun)


async def _add_copies(running: Stack, destination: str, count: int) -> None:
    """Write tasks and copies of them that are due, all at once."""
    new_id = ids_from()
    store = await open_store(running.hookyard.database_url)
    async with store.begin() as conn:
        (first,) = (await conn.exec_driver_sql("SELECT coalesce(max(number), 0) FROM tasks")).one()
        tasks = [
            task_row(id=new_id(), number=first + _APART + n, source={"event_id": None})
            for n in range(count)
        ]
        copies = [delivery_row(task["id"], destination, next_attempt_ms=0) for task in tasks]
        await write(conn, Writes(new_tasks=tasks, deliveries=copies))
    await store.close()


async def _all_current(running: Stack, *, within_s: float = 300) -> None:
    deadline = time.perf_counter() + within_s
    async with asking(running.hookyard.database_url) as ask:
        while (await ask("SELECT count(*) FROM deliveries WHERE state <> 'current'")) != [0]:
            if time.perf_counter() > deadline:
                raise TimeoutError("not all copies are current")
            await asyncio.sleep(0.02)
