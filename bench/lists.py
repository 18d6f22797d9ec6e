"""Lists of tasks in a store that has been in use for years: how long a first page takes, and a page far down."""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlencode

from bench.client import Connection
from bench.cores import Cores
from bench.figures import Figure, at_most, percentile
from bench.filling import fill
from bench.list_queries import DEEP, FILTERS, TEXTS, Drawn, Query
from bench.load import HOST
from bench.look import asking
from bench.stack import Stack, stack
from router.core.store.tasks import ORDERS
from tests.support.senders import ADMIN_TOKEN

P99_MUST_MS = 30
DEEP_MUST: Final = 1.5
"""Two pages hold different tasks, whose texts are not of one length, in other blocks of the table: 1 is no fair bound."""

_SHARED_BUFFERS: Final = "2GB"
"""PostgreSQL's own advice is a quarter of the memory, and its default of 128 MB is for machines of long ago."""

_TURNS: Final = 40


def _processor_ms(pids: Sequence[int]) -> float:
    """Return how long processes have run on a processor; 0 where the system does not say (it is Linux that does)."""
    files = [Path(f"/proc/{pid}/schedstat") for pid in pids]
    return sum(int(file.read_text().split()[0]) for file in files if file.exists()) / 1e6


@dataclass(frozen=True, slots=True)
class _Answer:
    """A page, and how long it took in milliseconds: by the clock, and of the processors' time."""

    took: float
    busy: float
    page: dict[str, Any]

    @property
    def cost(self) -> float:
        """What it cost, whatever else the machine does, where that is known."""
        return self.busy or self.took


class _Client:
    """One client of the API, which asks for one page at a time."""

    def __init__(self, port: int, servers: Sequence[int]) -> None:
        self._port = port
        self._servers = servers
        self._connection: Connection | None = None
        self._answer: asyncio.Future[tuple[bytes, bytes]] | None = None

    async def connect(self) -> Self:
        """Connect."""
        loop = asyncio.get_running_loop()
        _, self._connection = await loop.create_connection(
            lambda: Connection(self._answered, self._lost), HOST, self._port
        )
        return self

    async def page(self, query: Query) -> _Answer:
        """Ask for a page."""
        head = (
            f"GET /api/v1/tasks?{urlencode(query)} HTTP/1.1\r\nHost: {HOST}:{self._port}\r\n"
            f"Authorization: Bearer {ADMIN_TOKEN}\r\n\r\n"
        )
        assert self._connection is not None  # noqa: S101  by `connect`
        self._answer = asyncio.get_running_loop().create_future()
        before = _processor_ms(self._servers)
        begun = time.perf_counter()
        self._connection.send(head.encode(), begun)
        status, body = await self._answer
        took = (time.perf_counter() - begun) * 1000
        if status != b"200":
            raise RuntimeError(f"{query} is answered {status.decode()}: {body[:500].decode()}")
        return _Answer(took, _processor_ms(self._servers) - before, json.loads(body))

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()

    def _answered(self, _connection: Connection, status: bytes, body: bytes) -> None:
        if self._answer is not None:
            self._answer.set_result((status, body))

    def _lost(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server hung up"))


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a kind of query took, in milliseconds, in the order that took longest."""

    name: str
    order: str
    p50: float
    p99: float
    busy: float
    """The p99 of what receiver and database were busy for; machines that do other things add waiting to it."""
    found: float
    """How many tasks a page had, on average."""


async def measure(split: Cores, *, quick: bool) -> AsyncIterator[Figure]:
    """Fill a store, ask for first pages of each kind in each order, then for pages far down in turns with first ones."""
    count, times, page = (100_000, 30, 100) if quick else (1_000_000, 100, 1000)
    async with stack("postgresql", split.pair, shared_buffers=_SHARED_BUFFERS) as running:
        begun = time.perf_counter()
        await fill(running.hookyard.database_url, count)
        print(f"  {count:,} tasks in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
        client = await _client(running)
        for what, kinds in (("filters", FILTERS), ("texts", TEXTS)):
            measured = [await _kind(client, name, drawn, times) for name, drawn in kinds.items()]
            for figure in _figures(f"{count:,} tasks", what, measured, times):
                yield figure
        yield await _deep(client, page)
        client.close()


def _figures(where: str, what: str, kinds: list[_Kind], times: int) -> list[Figure]:
    slowest = max(kinds, key=lambda kind: kind.p99)
    late = [kind.name for kind in kinds if kind.p99 > P99_MUST_MS]
    note = (
        f"by {slowest.name}, sorted by {slowest.order}, p50 {slowest.p50:.1f} ms, receiver and database busy for "
        f"{slowest.busy:.1f} ms; {len(kinds)} kinds of {what} in "
        f"{len(ORDERS)} orders, each {times} times with other values; later than {P99_MUST_MS} ms: "
        f"{'; '.join(late) or 'none'}"
    )
    worst = at_most(
        f"first page of {where}, {what}, slowest kind, p99", slowest.p99, P99_MUST_MS, " ms", note
    )
    return [worst] + [
        Figure(
            f"first page by {kind.name}, p99",
            kind.p99,
            " ms",
            note=f"sorted by {kind.order}, the slowest; p50 {kind.p50:.1f} ms; busy for {kind.busy:.1f} ms; "
            f"{kind.found:.0f} tasks a page",
        )
        for kind in kinds
    ]


async def _client(running: Stack) -> _Client:
    """Return a client for which the receiver has its connection to the database already."""
    await running.hookyard.get("/tasks", limit="1")
    async with asking(running.hookyard.database_url) as ask:
        backends = await ask("SELECT pid FROM pg_stat_activity WHERE application_name = 'hookyard'")
    servers = [running.hookyard.processes[0].pid, *backends]
    return await _Client(running.hookyard.port, servers).connect()


async def _kind(client: _Client, name: str, drawn: Drawn, times: int) -> _Kind:
    """Ask for first pages, each with other values, in each order; the first ones do not count."""
    values = random.Random(name)  # noqa: S311  data for a load, no secret
    found: list[_Kind] = []
    for order in ORDERS:
        for _ in range(3):
            await client.page({**drawn(values), "sort": order})
        answers = [await client.page({**drawn(values), "sort": order}) for _ in range(times)]
        took = sorted(answer.took for answer in answers)
        busy = percentile(sorted(answer.busy for answer in answers), 0.99)
        sizes = statistics.fmean(len(answer.page["data"]) for answer in answers)
        found.append(_Kind(name, order, percentile(took, 0.5), percentile(took, 0.99), busy, sizes))
    return max(found, key=lambda kind: kind.p99)


async def _deep(client: _Client, number: int) -> Figure:
    """Compare page `number` with the first page of lists, the two in turns."""
    ratios = {_shown(query): await _ratio(client, query, number) for query in DEEP}
    slowest = max(ratios, key=ratios.__getitem__)
    note = f"by {slowest}; " + ", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items())
    name = f"page {number:,} of a list against its first page, the slowest list"
    return at_most(
        name, ratios[slowest], DEEP_MUST, "x", f"pages of 50, medians of processor time; {note}"
    )


async def _ratio(client: _Client, query: Query, number: int) -> float:
    cursor = ""
    seen: set[str] = set()
    for _ in range(number - 1):
        page = (await client.page({**query, **({"cursor": cursor} if cursor else {})})).page
        seen.update(task["id"] for task in page["data"])
        cursor = page["next_cursor"]
    if len(seen) != 50 * (number - 1):
        raise RuntimeError(f"{number - 1} pages of {query} have {len(seen)} tasks")
    first, deep = [], []
    for _ in range(_TURNS):
        first.append((await client.page(query)).cost)
        deep.append((await client.page({**query, "cursor": cursor})).cost)
    return statistics.median(deep) / statistics.median(first)


def _shown(query: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in query.items())
