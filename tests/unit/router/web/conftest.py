"""No server: Redis is imitated in memory, the database is a file of the test's own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import fakeredis
import pytest

from router.core.errors import StoreUnavailableError
from router.core.store.engine import Store, open_store
from router.core.store.migrate import upgrade
from tests.support.manual_clock import ManualClock
from tests.support.site import Site, open_site
from tests.support.slow_redis import SlowRedis


@pytest.fixture(scope="session")
def _with_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables, to be copied: quicker than making them each time."""
    path = tmp_path_factory.mktemp("database") / "tables.db"
    asyncio.run(upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture
def database_url(_with_tables: Path, tmp_path: Path) -> str:
    path = tmp_path / "unit.db"
    shutil.copyfile(_with_tables, path)
    return f"sqlite:///{path}"


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await open_store(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def redis() -> AsyncIterator[SlowRedis]:
    client = SlowRedis()
    yield client
    await client.aclose()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def redis_server(redis: SlowRedis) -> fakeredis.FakeServer:
    """The imitated Redis behind `redis`; it is away while its `connected` is False."""
    server: fakeredis.FakeServer = redis.connection_pool.connection_kwargs["server"]
    return server


@pytest.fixture
async def site(redis: SlowRedis, store: Store, clock: ManualClock) -> AsyncIterator[Site]:
    """A receiver with its API, its connectors to be chosen by the test."""
    async with open_site(redis, store, clock) as opened:
        yield opened


@pytest.fixture
def database_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database cannot be reached."""

    @asynccontextmanager
    async def away() -> AsyncIterator[None]:
        raise StoreUnavailableError
        yield

    monkeypatch.setattr(store, "connect", away)
    monkeypatch.setattr(store, "begin", away)
