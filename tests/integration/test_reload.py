"""Workers whose directories differ for a while: nothing is held that one of them could decide."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from router.core import keys
from router.core.intake_table import fetch
from router.core.store.engine import Store, open_store
from router.core.store.migrate import upgrade
from tests.support.batches import put_batch, webhook
from tests.support.routes import OPEN_DOOR, write_routes
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until
from tests.support.working import Workplace, outcome_of, rows

pytestmark = pytest.mark.redis

LATE = OPEN_DOOR.replace("connector: open", "connector: late")


@pytest.fixture
async def place(tmp_path: Path, redis_server: RedisServer, sqlite_url: str) -> Workplace:
    await upgrade(sqlite_url)
    routes = write_routes(tmp_path / "routes", open=OPEN_DOOR)
    return Workplace(routes=routes, redis_url=redis_server.url, database_url=sqlite_url)


@pytest.fixture
async def store(place: Workplace) -> AsyncIterator[Store]:
    opened = await open_store(place.database_url)
    yield opened
    await opened.close()


async def known(redis: Redis) -> set[str]:
    """Return the connectors that receivers know."""
    table = await fetch(redis)
    return set() if table is None else set(table.connectors)


async def knows(redis: Redis, *connectors: str) -> None:
    async def all_are_known() -> bool:
        return await known(redis) == set(connectors)

    await wait_until(all_are_known, f"receivers know {connectors}", within_s=5)


async def test_an_edit_is_in_force_without_a_restart(
    place: Workplace, redis: Redis, store: Store
) -> None:
    async with place.worker():
        await knows(redis, "open")
        write_routes(place.routes, late=LATE)
        await knows(redis, "open", "late")
        event = webhook("late", {"title": "a"})
        await put_batch(redis, event)
        assert (await outcome_of(store, event.id))["status"] == "routed"

        (place.routes / "late.yaml").unlink()
        await knows(redis, "open")
        event = webhook("late", {"title": "b"})
        await put_batch(redis, event)
        assert (await outcome_of(store, event.id))["status"] == "held"


async def test_what_a_worker_has_not_seen_yet_it_decides_by_the_rules_of_one_that_has(
    place: Workplace, redis: Redis, store: Store, tmp_path: Path
) -> None:
    """Both take jobs; the first never gets the new file, and starts again in between."""
    other = replace(place, routes=write_routes(tmp_path / "other", open=OPEN_DOOR))
    async with place.worker(), other.worker():
        write_routes(other.routes, late=LATE)
        await knows(redis, "open", "late")
        events = [webhook("late", {"title": f"{number}"}) for number in range(40)]
        for event in events:
            await put_batch(redis, event)
        for event in events:
            assert (await outcome_of(store, event.id))["status"] == "routed"
        async with place.worker():
            assert await known(redis) == {"open", "late"}
    assert len(await rows(store, "tasks")) == len(events)


async def test_a_stale_worker_is_heard_until_it_is_gone(
    place: Workplace, redis: Redis, tmp_path: Path
) -> None:
    async def is_said() -> bool:
        return bool(await redis.exists(keys.RULES_STATE))

    async def is_over() -> bool:
        return not await is_said()

    async with place.worker():
        other = replace(place, routes=write_routes(tmp_path / "other", open="connector: ["))
        async with other.worker():
            await wait_until(is_said, "the trouble is said", within_s=5)
        await wait_until(is_over, "nobody says it any more", within_s=10)
        assert await known(redis) == {"open"}
