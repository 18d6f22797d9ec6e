"""Acknowledged requests a second, against the naive build and a bare handler; latency at half of it."""

from __future__ import annotations

import statistics
from collections.abc import AsyncIterator

from bench import load
from bench.cores import Cores
from bench.figures import Figure, at_least, at_most, percentile
from bench.stack import module, redis_alone, stack

CONNECTIONS = 64
LATENCY_MS = 15


async def measure(split: Cores, *, quick: bool) -> AsyncIterator[Figure]:
    """Measure in rounds, each with all three builds, so that a slow minute hits all of them."""
    rounds = 1 if quick else 3
    measured: dict[str, list[float]] = {"naive": [], "uvloop": [], "bare": [], "hookyard": []}
    for _ in range(rounds):
        measured["naive"].append(_naive(split, quick=quick))
        measured["uvloop"].append(_naive(split, "--uvloop", quick=quick))
        measured["bare"].append(_bare(split, quick=quick))
        measured["hookyard"].append(await _hookyard(split, quick=quick))
    rates = {name: statistics.median(of) for name, of in measured.items()}
    how = f"median of {rounds}, {CONNECTIONS} connections, 1.3 KB signed, Redis fsync always"
    yield Figure("naive build: one enqueue_job a request", rates["naive"], "/s", note=how)
    yield Figure("naive build on uvloop", rates["uvloop"], "/s", note="as Hookyard runs")
    yield Figure("bare aiohttp handler", rates["bare"], "/s", note="reads the body and answers")
    yield Figure(
        "Hookyard receiver", rates["hookyard"], "/s", note="one process, durable when answered"
    )
    yield at_least(
        "acknowledged against the naive build", rates["hookyard"] / rates["naive"], 5, "x"
    )
    yield Figure(
        "acknowledged against the naive build on uvloop", rates["hookyard"] / rates["uvloop"], "x"
    )
    yield at_least(
        "acknowledged against the bare handler", rates["hookyard"] / rates["bare"], 0.6, "x"
    )
    rate = rates["hookyard"] / 2
    latencies = [await _latency(split, rate, quick=quick) for _ in range(rounds)]
    p50, p99 = (statistics.median(of) for of in zip(*latencies, strict=True))
    yield at_most(
        "acknowledgement at half the saturating load, p99",
        p99,
        LATENCY_MS,
        " ms",
        f"{rate:,.0f}/s from when each was due; p50 {p50:.1f} ms; medians of {rounds}",
    )


def _naive(split: Cores, *arguments: str, quick: bool) -> float:
    with (
        redis_alone(split.store) as redis,
        module(
            "bench.naive", "--redis-port", str(redis.port), *arguments, cores=split.server
        ) as port,
    ):
        return _saturate(port, split, quick=quick)


def _bare(split: Cores, *, quick: bool) -> float:
    with module("bench.bare", cores=split.server) as port:
        return _saturate(port, split, quick=quick)


async def _hookyard(split: Cores, *, quick: bool) -> float:
    async with stack("sqlite", split.server, store_cores=split.store) as running:
        await running.publish_rules()
        await running.hookyard.ready()
        return _saturate(running.hookyard.port, split, quick=quick)


def _saturate(port: int, split: Cores, *, quick: bool) -> float:
    result = load.run(
        port,
        cores=split.load,
        connections=CONNECTIONS,
        warm_up_s=0.5 if quick else 1.5,
        for_s=2 if quick else 6,
    )
    if set(result.statuses) != {"202"}:
        raise RuntimeError(f"not all were acknowledged: {dict(result.statuses)}")
    return result.acknowledged / result.elapsed_s


async def _latency(split: Cores, rate: float, *, quick: bool) -> tuple[float, float]:
    """Return p50 and p99 in milliseconds."""
    async with stack("sqlite", split.server, store_cores=split.store) as running:
        await running.publish_rules()
        await running.hookyard.ready()
        result = load.run(
            running.hookyard.port,
            cores=split.load,
            connections=CONNECTIONS,
            rate=rate,
            warm_up_s=1,
            for_s=3 if quick else 8,
        )
    p50, p99 = (percentile(result.latencies, share) * 1000 for share in (0.5, 0.99))
    return p50, p99
