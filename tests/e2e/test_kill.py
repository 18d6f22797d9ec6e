"""`kill -9` of every process under load: what was acknowledged is kept, and has its effect once.

Kills come at random moments, from a seed. The oracle counts in the end.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from router.core.store.engine import Store, open_store
from tests.support.hookyard import Hookyard
from tests.support.oracle import Oracle
from tests.support.routes import SHOP, write_routes
from tests.support.servers import PostgresServer, RedisServer
from tests.support.traffic import Traffic

pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.timeout(180)]

KILLS = 5
_RECOVERED_WITHIN_S = 45
"""After the last kill; a batch that a killed worker had in hand waits for its heartbeat to end."""

Kill = Callable[[], Awaitable[None]]


async def test_kill_of_the_worker(hookyard: Hookyard, truth: Store, redis: Redis) -> None:
    await hookyard.serve()
    worker = hookyard.work()

    async def kill() -> None:
        worker.kill()
        await asyncio.sleep(0.1)
        worker.start()

    await _under_load(hookyard, truth, redis, kill, seed=1)


async def test_kill_of_one_worker_of_two(hookyard: Hookyard, truth: Store, redis: Redis) -> None:
    await hookyard.serve()
    workers = [hookyard.work(), hookyard.work()]
    chance = random.Random(2)  # noqa: S311  the same kills each time

    async def kill() -> None:
        worker = chance.choice(workers)
        worker.kill()
        worker.start()

    await _under_load(hookyard, truth, redis, kill, seed=2)


async def test_kill_of_the_receiver(hookyard: Hookyard, truth: Store, redis: Redis) -> None:
    receiver = await hookyard.serve()
    hookyard.work()

    async def kill() -> None:
        receiver.kill()
        receiver.start()

    await _under_load(hookyard, truth, redis, kill, seed=3)


async def test_kill_of_redis_needs_no_restart_of_ours(
    hookyard: Hookyard, truth: Store, redis: Redis, redis_server: RedisServer
) -> None:
    receiver = await hookyard.serve()
    worker = hookyard.work()

    async def kill() -> None:
        redis_server.kill()
        await asyncio.sleep(0.3)
        await asyncio.to_thread(redis_server.restart)

    await _under_load(hookyard, truth, redis, kill, seed=4)
    assert receiver.returncode is None
    assert worker.returncode is None


@pytest.mark.postgresql
async def test_kill_of_postgresql_needs_no_restart_of_ours(
    tmp_path: Path, redis_server: RedisServer, redis: Redis, postgres_server: PostgresServer
) -> None:
    installation = Hookyard(
        tmp_path / "hookyard",
        routes=write_routes(tmp_path / "routes", shop=SHOP),
        redis_url=redis_server.url,
        database_url=postgres_server.url(),
    )
    installation.upgrade()
    async with installation as hookyard:
        receiver = await hookyard.serve()
        worker = hookyard.work()

        async def kill() -> None:
            postgres_server.kill()
            await asyncio.sleep(0.3)
            await asyncio.to_thread(postgres_server.restart)

        truth = await open_store(postgres_server.url())
        try:
            await _under_load(hookyard, truth, redis, kill, seed=5)
        finally:
            await truth.close()
        assert receiver.returncode is None
        assert worker.returncode is None


async def test_kill_of_everything_at_once(
    hookyard: Hookyard, truth: Store, redis: Redis, redis_server: RedisServer
) -> None:
    receiver = await hookyard.serve()
    worker = hookyard.work()

    async def kill() -> None:
        for victim in (redis_server, receiver, worker):
            victim.kill()
        await asyncio.to_thread(redis_server.restart)
        receiver.start()
        worker.start()

    await _under_load(hookyard, truth, redis, kill, seed=6)


async def _under_load(
    hookyard: Hookyard, truth: Store, redis: Redis, kill: Kill, *, seed: int
) -> None:
    await hookyard.ready()
    oracle = Oracle()
    chance = random.Random(seed)  # noqa: S311  the same kills each time
    async with Traffic(hookyard, oracle, seed=seed) as traffic:
        for _ in range(KILLS):
            await asyncio.sleep(0.3 + 1.2 * chance.random())
            await kill()
        await asyncio.sleep(0.5)
        await hookyard.ready()
    assert traffic.statuses[202] > 50 * KILLS, traffic.statuses
    await oracle.settled(truth, redis, within_s=_RECOVERED_WITHIN_S)
    await oracle.check(truth, redis)
