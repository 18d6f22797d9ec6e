"""What is measured, as real processes in a temporary directory: Redis, a database, Hookyard."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from redis.asyncio import Redis

from bench.load import HOST, ROOT
from router.core import keys
from tests.support.hookyard import Hookyard, Process
from tests.support.programs import free_port, pin
from tests.support.routes import write_routes
from tests.support.servers import PostgresServer, RedisServer, new_cluster, temporary_directory
from tests.support.waiting import wait_until, wait_until_sync

Database = Literal["sqlite", "postgresql"]

RULES = """\
version: 1
connector: shop
source: shopify
secrets: [shop_webhook]
rules:
  - name: big order
    when:
      event: orders/create
      body.total_price: {gte: 500}
    task:
      key: "order-{{ event.delivery_id }}"
      title: "Fulfil order {{ body.name }}"
      description: "{{ body.line_items | length }} items, {{ body.total_price }} {{ body.currency }}"
      priority: high
  - name: cancelled
    when: {event: orders/cancelled}
    cancel: {key: "order-{{ body.id }}"}
otherwise: {drop: not an order we act on}
"""
"""Each webhook of the load makes a task: its key is the delivery's id."""


@dataclass
class Stack:
    """An installation that runs; `redis` is a client for looking at what waits."""

    hookyard: Hookyard
    redis: Redis
    redis_server: RedisServer
    postgres: PostgresServer | None
    cores: Sequence[int]

    async def waiting(self) -> int:
        """Return how many events are accepted and not routed."""
        return int(await self.redis.get(keys.PENDING_EVENTS) or 0)

    async def drained(self, *, within_s: float = 600) -> float:
        """Return when nothing waits any more (`time.perf_counter`)."""
        deadline = time.perf_counter() + within_s
        while await self.redis.zcard(keys.PENDING):
            if time.perf_counter() > deadline:
                raise TimeoutError(f"{await self.waiting()} events wait still")
            await asyncio.sleep(0.01)
        return time.perf_counter()

    async def publish_rules(self) -> None:
        """Put the rules in force for receivers, without a worker that stays."""
        worker = self.hookyard.work()
        await wait_until(
            lambda: self.redis.exists(keys.INTAKE_TABLE), "rules are in force", within_s=60
        )
        worker.stop()

    async def with_worker(self) -> Process:
        """Start a worker and return when all is ready."""
        worker = self.hookyard.work(cores=self.cores)
        await self.hookyard.ready(within_s=60)
        return worker


@asynccontextmanager
async def stack(
    database: Database,
    cores: Sequence[int],
    *,
    store_cores: Sequence[int] | None = None,
    rules: str = RULES,
    shared_buffers: str = "64MB",
    **files: str,
) -> AsyncIterator[Stack]:
    """Run Redis, the database and a receiver on the given cores; workers are started by whoever needs them."""
    directory = temporary_directory("bench")
    redis_server = RedisServer(_folder(directory / "redis"))
    postgres = (
        PostgresServer(_folder(directory / "postgresql"), shared_buffers=shared_buffers)
        if database == "postgresql"
        else None
    )
    try:
        redis_server.start(store_cores or cores)
        if postgres is not None:
            directory.chmod(0o755)
            new_cluster(postgres.directory)
            postgres.start(store_cores or cores)
        hookyard = Hookyard(
            directory / "hookyard",
            routes=write_routes(directory / "routes", shop=rules, **files),
            redis_url=redis_server.url,
            database_url=postgres.url() if postgres else f"sqlite:///{directory / 'bench.db'}",
        )
        hookyard.upgrade()
        redis: Redis = Redis.from_url(redis_server.url)
        async with hookyard:
            await hookyard.serve(cores=cores)
            yield Stack(hookyard, redis, redis_server, postgres, cores)
        await redis.aclose()
    finally:
        redis_server.stop()
        if postgres is not None:
            postgres.stop()
        shutil.rmtree(directory)


@contextmanager
def redis_alone(cores: Sequence[int]) -> Iterator[RedisServer]:
    """Run a Redis of the same settings, for what is compared with Hookyard."""
    directory = temporary_directory("bench")
    server = RedisServer(directory)
    try:
        server.start(cores)
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)


@contextmanager
def module(name: str, *arguments: str, cores: Sequence[int]) -> Iterator[int]:
    """Run a server of this package on a free port, which is yielded once it answers."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", name, "--port", str(port), *arguments], cwd=ROOT
    )
    try:
        pin(process.pid, cores)
        wait_until_sync(lambda: _listens(port), f"{name} listens", within_s=20)
        yield port
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path
