"""What an event costs with 1,000 rules on its connector, against 10."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import psutil

from bench import load
from bench.cores import Cores
from bench.figures import Figure, at_most
from bench.stack import stack

FEW = 10
MANY = 1000

_HEAD = """\
version: 1
connector: shop
source: shopify
secrets: [shop_webhook]
rules:
"""
_BY_TOPIC = """\
  - name: rule {n}
    when: {{event: "{topic}", body.total_price: {{gte: 500}}}}
    task: {{key: "order-{{{{ event.delivery_id }}}}", title: "Order {{{{ body.name }}}}"}}
"""
_BY_FIELD = """\
  - name: rule {n}
    when: {{event: orders/create, body.topic: "{topic}", body.total_price: {{gte: 500}}}}
    task: {{key: "order-{{{{ event.delivery_id }}}}", title: "Order {{{{ body.name }}}}"}}
"""


async def measure(split: Cores, *, quick: bool) -> AsyncIterator[Figure]:
    """Compare the worker's CPU time an event; one rule matches, the last one."""
    count = 4_000 if quick else 20_000
    for name, template in (("by event type", _BY_TOPIC), ("by a field of the body", _BY_FIELD)):
        few, many = [await _cpu_us(split, _rules(template, size), count) for size in (FEW, MANY)]
        note = (
            f"{few:.0f} us -> {many:.0f} us of the worker's CPU an event, {count:,} events, SQLite"
        )
        yield at_most(
            f"cost with {MANY:,} rules against {FEW}, told apart {name}", many / few, 2, "x", note
        )


def _rules(template: str, number: int) -> str:
    topics = [f"topic/{n}" for n in range(number - 1)] + ["orders/create"]
    return _HEAD + "".join(template.format(n=n, topic=topic) for n, topic in enumerate(topics))


async def _cpu_us(split: Cores, rules: str, count: int) -> float:
    """Return microseconds of CPU that a worker takes for an event of a backlog."""
    async with stack("sqlite", split.pair, rules=rules) as running:
        worker = psutil.Process((await running.with_worker()).pid)
        await asyncio.to_thread(load.run, running.hookyard.port, cores=split.load, count=500)
        await running.drained()
        worker.send_signal(signal.SIGSTOP)
        await asyncio.to_thread(load.run, running.hookyard.port, cores=split.load, count=count)
        before = _cpu(worker)
        worker.send_signal(signal.SIGCONT)
        await running.drained()
        return (_cpu(worker) - before) / count * 1e6


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
