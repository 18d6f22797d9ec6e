"""What Hookyard costs while nothing happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psutil

from bench.cores import Cores
from bench.figures import Figure, at_most
from bench.stack import stack


async def measure(split: Cores, *, quick: bool) -> AsyncIterator[Figure]:
    """Look at the CPU time of a worker and a receiver over a while without events."""
    seconds = 6 if quick else 30
    async with stack("sqlite", split.pair) as running:
        receiver = psutil.Process(running.hookyard.processes[-1].pid)
        worker = psutil.Process((await running.with_worker()).pid)
        await asyncio.sleep(3)
        before = [_cpu(one) for one in (worker, receiver)]
        await asyncio.sleep(seconds)
        worked, received = [
            (_cpu(one) - at) / seconds * 100
            for one, at in zip((worker, receiver), before, strict=True)
        ]
    yield at_most("idle worker, share of a core", worked, 2, " %", f"over {seconds} s")
    yield Figure("idle receiver, share of a core", received, " %")


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
