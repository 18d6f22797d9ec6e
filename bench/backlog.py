"""A backlog of 200,000 events: how fast it drains against one of 2,000, and what memory it takes."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import psutil

from bench import load
from bench.cores import Cores
from bench.figures import Figure, at_least, at_most
from bench.stack import Stack, stack
from tests.support.hookyard import Process

SMALL = 2_000
LARGE = 200_000
_MIB = 2**20


@dataclass
class Drained:
    """How fast a backlog drained (events a second) and the worker's largest memory meanwhile (bytes)."""

    rate: float
    peak: int


async def measure(split: Cores, *, quick: bool) -> AsyncIterator[Figure]:
    """Fill while the worker is stopped, then let it go; the small backlog is drained several times."""
    large = 20_000 if quick else LARGE
    async with stack("sqlite", split.pair) as running:
        receiver = running.hookyard.processes[-1]
        worker = await running.with_worker()
        await _drain(running, worker, split, SMALL)
        small = [
            (await _drain(running, worker, split, SMALL)).rate for _ in range(3 if quick else 7)
        ]
        await _fill(running, worker, split, large)
        memory = {"receiver": _rss(receiver.pid), "redis-server": _rss(running.redis_server.pid)}
        drained = await _empty(running, worker)
        memory["worker"] = drained.peak
    usual = sorted(small)[len(small) // 2]
    note = f"{large:,}: {drained.rate:,.0f}/s, {SMALL:,}: {usual:,.0f}/s (median of {len(small)}), SQLite"
    yield at_least("drain rate, large backlog against small", drained.rate / usual, 0.9, "x", note)
    for name, size in memory.items():
        how = "largest while it drains" if name == "worker" else f"{large:,} events wait"
        yield at_most(f"resident memory, {name}", size / _MIB, 150, " MiB", how)


async def _drain(running: Stack, worker: Process, split: Cores, count: int) -> Drained:
    await _fill(running, worker, split, count)
    return await _empty(running, worker)


async def _fill(running: Stack, worker: Process, split: Cores, count: int) -> None:
    """Send while the worker stands still."""
    psutil.Process(worker.pid).send_signal(signal.SIGSTOP)
    sent = await asyncio.to_thread(load.run, running.hookyard.port, cores=split.load, count=count)
    if sent.acknowledged != count:
        raise RuntimeError(f"{count} sent: {dict(sent.statuses)}")


async def _empty(running: Stack, worker: Process) -> Drained:
    """Let the worker go and count from its first commit to its last."""
    process = psutil.Process(worker.pid)
    waiting = before = await running.waiting()
    process.send_signal(signal.SIGCONT)
    peak = 0
    while waiting == before:
        await asyncio.sleep(0.001)
        waiting = await running.waiting()
    begun, left = time.perf_counter(), waiting
    while waiting:
        peak = max(peak, _rss(worker.pid))
        await asyncio.sleep(0.01 if left > SMALL else 0.002)
        waiting = await running.waiting()
    return Drained(left / (time.perf_counter() - begun), peak)


def _rss(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)
