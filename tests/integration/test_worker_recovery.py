"""What is accepted is routed once, whatever becomes of jobs, workers, Redis and the database."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from arq.constants import in_progress_key_prefix, job_key_prefix, retry_key_prefix
from redis.asyncio import Redis
from redis.exceptions import RedisError
from structlog.testing import capture_logs

from router.core import keys
from router.core.store import address
from router.core.store.engine import Store, open_store
from router.core.store.migrate import upgrade
from tests.support.batches import OLD, give_to, is_pending, lose_job, put_batch, webhook
from tests.support.hookyard import Hookyard
from tests.support.routes import OPEN_DOOR, write_routes
from tests.support.servers import PostgresServer, RedisServer
from tests.support.waiting import wait_until
from tests.support.working import Workplace, another_worker, outcome_of, rows
from workers import route as route_module
from workers.judge import judge

pytestmark = pytest.mark.redis

Logs = list[MutableMapping[str, Any]]
LONG_MS = 3_600_000


@pytest.fixture
async def place(
    tmp_path: Path,
    redis_server: RedisServer,
    sqlite_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Workplace:
    """Workers on real Redis and SQLite; a locked database is away after a moment, not 15 s."""
    monkeypatch.setattr(address, "BUSY_S", 0.2)
    await upgrade(sqlite_url)
    return Workplace(
        routes=write_routes(tmp_path / "routes", open=OPEN_DOOR),
        redis_url=redis_server.url,
        database_url=sqlite_url,
    )


@pytest.fixture
async def store(place: Workplace) -> AsyncIterator[Store]:
    """The database that the workers write to."""
    opened = await open_store(place.database_url)
    yield opened
    await opened.close()


@asynccontextmanager
async def locked(place: Workplace) -> AsyncIterator[None]:
    """Keep the database from being written to."""
    path = place.database_url.removeprefix("sqlite:///")
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        await wait_until(
            lambda: other.execute("BEGIN IMMEDIATE"),
            "the database is locked",
            ignoring=(sqlite3.OperationalError,),
        )
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()


async def titles(store: Store) -> list[str]:
    return sorted(row["title"] for row in await rows(store, "tasks"))


async def leased(redis: Redis, batch_id: str) -> bytes:
    """Wait until a worker has a batch in hand and return its name."""
    return await wait_until(lambda: redis.get(keys.lease(batch_id)), "the batch is leased")


async def nothing_is_left(redis: Redis) -> None:
    """Wait until Redis holds nothing of batches and jobs any more."""

    async def all_gone() -> bool:
        left = [name async for name in redis.scan_iter("arq:*")]
        left += [name async for name in redis.scan_iter(f"{keys.PREFIX}batch:*")]
        left += [name async for name in redis.scan_iter(f"{keys.PREFIX}lease:*")]
        counted = await redis.zcard(keys.PENDING), await redis.get(keys.PENDING_EVENTS)
        if left or counted != (0, None):
            raise LookupError(f"{left}, {counted}")
        return True

    await wait_until(all_gone, "nothing is left in Redis", ignoring=(LookupError,))


async def nothing_waits(redis: Redis) -> None:
    """Wait until nothing is to be routed; jobs may be left, when Redis died before they were ended."""

    async def all_done() -> bool:
        return not await redis.zcard(keys.PENDING)

    await wait_until(all_done, "nothing waits any more", ignoring=(RedisError,))


async def test_a_batch_becomes_tasks_and_leaves_nothing_behind(
    place: Workplace, redis: Redis, store: Store
) -> None:
    events = [webhook("open", {"title": f"Note {number}"}) for number in range(3)]

    async with place.worker():
        await put_batch(redis, *events)
        for event in events:
            assert (await outcome_of(store, event.id))["status"] == "routed"
        await nothing_is_left(redis)

    assert await titles(store) == ["Note 0", "Note 1", "Note 2"]


async def test_a_batch_whose_job_is_gone_is_routed(
    place: Workplace, redis: Redis, store: Store
) -> None:
    event = webhook("open", {"title": "Lost"})
    await lose_job(redis, await put_batch(redis, event, age=OLD))

    async with place.worker():
        await outcome_of(store, event.id)
        await nothing_is_left(redis)

    assert await titles(store) == ["Lost"]


async def test_a_batch_whose_job_expired_in_the_queue_is_routed(
    place: Workplace, redis: Redis, store: Store
) -> None:
    event = webhook("open", {"title": "Expired"})
    batch_id = await put_batch(redis, event, age=OLD)
    await redis.delete(job_key_prefix + batch_id)

    async with place.worker():
        await outcome_of(store, event.id)
        await nothing_is_left(redis)

    assert await titles(store) == ["Expired"]


async def test_a_job_without_its_batch_is_taken_off_the_queue(
    place: Workplace, redis: Redis
) -> None:
    batch_id = await put_batch(redis, webhook("open", {"title": "Gone"}), age=OLD)
    await redis.zrem(keys.PENDING, batch_id)
    await redis.delete(keys.batch(batch_id), keys.PENDING_EVENTS)

    async with place.worker():
        await nothing_is_left(redis)


async def test_what_a_dead_worker_had_in_hand_is_taken_over(
    place: Workplace, redis: Redis, store: Store
) -> None:
    event = webhook("open", {"title": "Left behind"})
    batch_id = await put_batch(redis, event, age=OLD)
    await give_to(redis, batch_id, "dead")
    await redis.set(retry_key_prefix + batch_id, 3)

    with capture_logs() as logs:
        async with place.worker():
            await outcome_of(store, event.id)
            await nothing_is_left(redis)

    assert await titles(store) == ["Left behind"]
    (said,) = [entry for entry in logs if entry["event"] == "batches_taken_over"]
    assert (said["batches"], said["workers"]) == (1, ["dead"])


async def test_what_a_living_worker_has_in_hand_is_left_to_it_until_it_dies(
    place: Workplace, redis: Redis, store: Store
) -> None:
    theirs = webhook("open", {"title": "Theirs"})
    batch_id = await put_batch(redis, theirs, age=OLD)
    await give_to(redis, batch_id, "other")
    await redis.set(keys.worker("other"), "1")
    lost = webhook("open", {"title": "Anybody's"})
    await lose_job(redis, await put_batch(redis, lost, age=OLD))

    async with place.worker():
        await outcome_of(store, lost.id)  # so the sweeper was there
        assert await is_pending(redis, batch_id)
        assert await titles(store) == ["Anybody's"]
        await redis.delete(keys.worker("other"))
        await outcome_of(store, theirs.id)


async def test_what_others_have_in_hand_holds_up_nothing_else(
    place: Workplace, redis: Redis, store: Store
) -> None:
    await redis.set(keys.worker("frozen"), "1")
    for _ in range(5):
        theirs = await put_batch(redis, webhook("open", {"title": "Theirs"}), age=OLD)
        await give_to(redis, theirs, "frozen")
    event = webhook("open", {"title": "Ours"})

    async with place.worker():
        await put_batch(redis, event)
        await outcome_of(store, event.id)

    assert await titles(store) == ["Ours"]


async def test_jobs_that_dead_workers_left_of_finished_batches_hold_up_nothing(
    place: Workplace, redis: Redis, store: Store
) -> None:
    for _ in range(5):
        batch_id = await put_batch(redis, webhook("open", {"title": "Done"}), age=OLD)
        await redis.set(in_progress_key_prefix + batch_id, "dead", px=LONG_MS)
        await redis.zrem(keys.PENDING, batch_id)
        await redis.delete(keys.batch(batch_id), keys.PENDING_EVENTS)
    event = webhook("open", {"title": "Ours"})

    async with place.worker():
        await put_batch(redis, event)
        await outcome_of(store, event.id)

    assert await titles(store) == ["Ours"]


async def test_a_sweeper_that_died_is_replaced(
    place: Workplace, redis: Redis, store: Store
) -> None:
    await redis.set(keys.SWEEPER, "dead", px=LONG_MS)
    event = webhook("open", {"title": "Swept"})
    await lose_job(redis, await put_batch(redis, event, age=OLD))

    async with place.worker():
        await outcome_of(store, event.id)


async def test_a_killed_worker_is_replaced_by_another(
    place: Workplace, redis: Redis, store: Store, tmp_path: Path, sqlite_url: str
) -> None:
    async with Hookyard(
        tmp_path / "hookyard",
        routes=place.routes,
        redis_url=place.redis_url,
        database_url=sqlite_url,
    ) as hookyard:
        event = webhook("open", {"title": "Twice begun"})
        victim = hookyard.work()
        await another_worker(redis, ())
        async with locked(place):
            batch_id = await put_batch(redis, event)
            await leased(redis, batch_id)
            victim.kill()
        async with place.worker():
            await outcome_of(store, event.id, within_s=20)
            await nothing_is_left(redis)

    assert await titles(store) == ["Twice begun"]


async def test_a_worker_survives_a_restart_of_redis(
    place: Workplace, redis: Redis, store: Store, redis_server: RedisServer
) -> None:
    async with place.worker():
        before = webhook("open", {"title": "Before"})
        await put_batch(redis, before)
        await outcome_of(store, before.id)

        with capture_logs() as logs:
            redis_server.kill()
            await wait_until(lambda: _said(logs, "redis_away"), "the worker misses Redis")
            await asyncio.to_thread(redis_server.restart)
            await wait_until(lambda: _said(logs, "redis_back"), "the worker has Redis again")
        after = webhook("open", {"title": "After"})
        await put_batch(redis, after)
        await outcome_of(store, after.id)
        await nothing_waits(redis)

    assert await titles(store) == ["After", "Before"]


async def test_a_batch_in_hand_survives_a_restart_of_redis(
    place: Workplace,
    redis: Redis,
    store: Store,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    event = webhook("open", {"title": "Committed while Redis was away"})
    deciding = asyncio.Event()

    def noted(*given: Any) -> Any:
        deciding.set()
        return judge(*given)

    monkeypatch.setattr(route_module, "judge", noted)
    async with place.worker():
        async with locked(place):
            await put_batch(redis, event)
            async with asyncio.timeout(10):
                await deciding.wait()
            redis_server.kill()
        await outcome_of(store, event.id)
        await asyncio.to_thread(redis_server.restart)
        await nothing_waits(redis)

    assert await titles(store) == ["Committed while Redis was away"]


async def test_while_the_database_is_away_the_worker_waits_and_then_commits_once(
    place: Workplace, redis: Redis, store: Store
) -> None:
    event = webhook("open", {"title": "Patient"})
    with capture_logs() as logs:
        async with place.worker():
            async with locked(place):
                batch_id = await put_batch(redis, event)
                await wait_until(lambda: _said(logs, "waiting"), "the worker waits")
                assert await redis.exists(keys.lease(batch_id))
            await outcome_of(store, event.id)
            await nothing_is_left(redis)

    assert await titles(store) == ["Patient"]
    assert [entry["what"] for entry in _said(logs, "going_on")] == ["committing a batch"]


@pytest.mark.postgresql
async def test_a_worker_survives_a_restart_of_postgresql(
    tmp_path: Path, redis_server: RedisServer, redis: Redis, postgres_server: PostgresServer
) -> None:
    await upgrade(postgres_server.url())
    place = Workplace(
        write_routes(tmp_path / "routes", open=OPEN_DOOR), redis_server.url, postgres_server.url()
    )
    event = webhook("open", {"title": "Patient"})
    truth = await open_store(postgres_server.url())
    with capture_logs() as logs:
        async with place.worker():
            postgres_server.kill()
            batch_id = await put_batch(redis, event)
            await wait_until(lambda: _said(logs, "waiting"), "the worker waits")
            assert await is_pending(redis, batch_id)
            await asyncio.to_thread(postgres_server.restart)
            await wait_until(lambda: _said(logs, "going_on"), "it goes on")
            await nothing_is_left(redis)

    assert await titles(truth) == ["Patient"]
    await truth.close()


async def test_a_worker_that_starts_before_the_tables_are_there_waits_for_them(
    place: Workplace, redis: Redis, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'late.db'}"
    late = Workplace(place.routes, place.redis_url, url)
    event = webhook("open", {"title": "Early"})
    await put_batch(redis, event)
    truth = await open_store(url)
    with capture_logs() as logs:
        async with late.worker(at_work=False):
            (said,) = await wait_until(lambda: _said(logs, "waiting"), "the worker waits")
            assert "hookyard db upgrade" in said["reason"]
            await upgrade(url)
            await outcome_of(truth, event.id)
    await truth.close()


async def test_two_workers_with_the_same_batch_write_it_once(
    place: Workplace, redis: Redis, store: Store
) -> None:
    event = webhook("open", {"title": "Once"})
    with capture_logs() as logs:
        async with place.worker(), place.worker():
            async with locked(place):
                batch_id = await put_batch(redis, event, age=OLD)
                first = await leased(redis, batch_id)
                await wait_until(lambda: _said(logs, "waiting"), "the first one waits")
                # As if the first one's lease had ended while it was frozen.
                await redis.delete(keys.lease(batch_id), in_progress_key_prefix + batch_id)

                async def other_has_it() -> bool:
                    name = await redis.get(in_progress_key_prefix + batch_id)
                    return name not in {None, first}

                await wait_until(other_has_it, "the other one has the job")
            await outcome_of(store, event.id)
            await nothing_is_left(redis)

    assert await titles(store) == ["Once"]
    assert len(await rows(store, "events")) == len(await rows(store, "history")) == 1


async def test_a_worker_that_is_stopped_gives_back_what_it_has_in_hand(
    place: Workplace, redis: Redis, store: Store
) -> None:
    event = webhook("open", {"title": "Handed over"})
    with capture_logs() as logs:
        async with place.worker() as stop, locked(place):
            batch_id = await put_batch(redis, event)
            await leased(redis, batch_id)
            await wait_until(lambda: _said(logs, "waiting"), "it waits for the database")
            stop.set()
            await wait_until(lambda: _said(logs, "worker_stopped"), "it has stopped")
        assert await is_pending(redis, batch_id)
        assert not await redis.exists(keys.lease(batch_id), in_progress_key_prefix + batch_id)
        assert await redis.zscore(keys.QUEUE, batch_id) is not None
        assert not [name async for name in redis.scan_iter(f"{keys.PREFIX}worker:*")]

    async with place.worker():
        await outcome_of(store, event.id)
        await nothing_is_left(redis)
    assert await titles(store) == ["Handed over"]


@pytest.mark.postgresql
async def test_sigterm_gives_back_what_is_in_hand(
    tmp_path: Path, redis_server: RedisServer, redis: Redis, postgres_server: PostgresServer
) -> None:
    url = postgres_server.url()
    await upgrade(url)
    async with Hookyard(
        tmp_path / "hookyard",
        routes=write_routes(tmp_path / "routes", open=OPEN_DOOR),
        redis_url=redis_server.url,
        database_url=url,
    ) as hookyard:
        first = hookyard.work()
        await wait_until(lambda: "worker_started" in first.log, "it works", within_s=20)
        postgres_server.kill()
        event = webhook("open", {"title": "Handed over"})
        batch_id = await put_batch(redis, event)
        await leased(redis, batch_id)
        first.terminate()
        assert await asyncio.to_thread(first.wait, 25) == 0, first.log
        assert not await redis.exists(keys.lease(batch_id))
        assert await is_pending(redis, batch_id)

        await asyncio.to_thread(postgres_server.restart)
        hookyard.work()
        truth = await open_store(url)
        await outcome_of(truth, event.id, within_s=20)
        assert await titles(truth) == ["Handed over"]
        await truth.close()


def _said(logs: Logs, event: str) -> Logs:
    return [entry for entry in logs if entry["event"] == event]
