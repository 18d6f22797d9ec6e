"""Tasks through an endpoint that answers with the task: how many a second, how long, and none lost or made twice."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator

from bench.client import Connection, Load, Result
from bench.cores import Cores
from bench.figures import Figure, at_least, at_most, percentile
from bench.load import HOST
from bench.look import asking
from bench.stack import Stack, stack
from bench.throughput import DATABASES
from tests.support.senders import SHOP_SECRET

CLIENTS = 64
RATE_MUST = 1000
P99_MUST_MS = 150

ENDPOINT = """\
version: 1
connector: tasks
source: task
secrets: [shop_webhook]
reply: routed
contact: {email: "{{ body.contact.email }}", unknown: create}
fixed: {due: tomorrow}
defaults: {priority: medium, timezone: Europe/London}
"""


class _Tasks(Load):
    """A load that notes the id of each task it was told of."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        super().__init__(requests, CLIENTS, warm_up_s=0)
        self.told: list[bytes] = []

    def _answered(self, connection: Connection, status: bytes, body: bytes) -> None:
        if status == b"201":
            self.told.append(body)
        super()._answered(connection, status, body)

    @property
    def ids(self) -> list[str]:
        """The ids of all tasks, in the order of the answers."""
        return [task["id"] for body in self.told for task in json.loads(body)["tasks"]]


async def measure(split: Cores, *, quick: bool) -> AsyncIterator[Figure]:
    """Make a fixed number as fast as 64 clients can, then half as many a second."""
    count, for_s = (2_000, 5.0) if quick else (10_000, 20.0)
    for database in DATABASES:
        async with stack(database, split.pair, rules=ENDPOINT) as running:
            await running.with_worker()
            await _make(running, count=500)
            made = await _make(running, count=count)
            rate = count / made.elapsed_s
            calm = await _make(running, rate=rate / 2, for_s=for_s)
        name = "SQLite" if database == "sqlite" else "PostgreSQL"
        note = f"{count:,} tasks by {CLIENTS} clients, every id looked up: each there, none twice"
        yield at_least(f"tasks by an endpoint, answered, {name}", rate, RATE_MUST, "/s", note)
        p50, p99 = (percentile(sorted(calm.latencies), share) * 1000 for share in (0.5, 0.99))
        note = f"{len(calm.latencies):,} tasks at {rate / 2:,.0f}/s, half of that; p50 {p50:.0f} ms"
        yield at_most(
            f"answer with the task at half load, {name}, p99", p99, P99_MUST_MS, " ms", note
        )


async def _make(
    running: Stack, *, count: int | None = None, rate: float = 0, for_s: float = 0
) -> Result:
    """Make tasks, and see to it that each answer is true."""
    port = running.hookyard.port
    load = _Tasks(_requests(f"{HOST}:{port}", f"{time.time_ns()}"))
    await load.connect(HOST, port)
    if count is None:
        result = await load.at_rate(rate, for_s=for_s)
    else:
        result = await load.saturate(count=count)
    load.close()
    ids = load.ids
    if set(result.statuses) != {"201"} or (count is not None and len(ids) != count):
        raise RuntimeError(f"answered {dict(result.statuses)}, {len(ids)} tasks")
    async with asking(running.hookyard.database_url) as ask:
        there = set(await ask("SELECT id FROM tasks"))
    if len(set(ids)) != len(ids) or not there.issuperset(ids):
        raise RuntimeError(
            f"of {len(ids)} ids {len(set(ids))} differ, {len(there)} tasks are there"
        )
    return result


def _requests(host: str, series: str) -> Iterator[bytes]:
    number = 0
    while True:
        number += 1
        body = json.dumps(
            {
                "title": f"Call customer {number} back",
                "description": "She asked about her invoice, and prefers mornings. " * 4,
                "key": f"{series}-{number}",
                "labels": ["form"],
                "contact": {"email": f"customer-{number % 500}@acme.example", "name": "Ada"},
                "cf_campaign": series,
            }
        ).encode()
        head = (
            f"POST /hooks/tasks HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {SHOP_SECRET}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body
