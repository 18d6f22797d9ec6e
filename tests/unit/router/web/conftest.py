"""No server: Redis is imitated in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import fakeredis
import pytest

from router.core.errors import StoreUnavailableError
from router.core.store.engine import Store
from tests.support.manual_clock import ManualClock
from tests.support.site import Site, open_site
from tests.support.slow_redis import SlowRedis


@pytest.fixture
async def redis() -> AsyncIterator[SlowRedis]:
    client = SlowRedis()
    yield client
    await client.aclose()


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
