"""An installation of real processes for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from router.core.store.engine import Store, open_store
from router.core.store.migrate import upgrade
from tests.support.hookyard import Hookyard
from tests.support.routes import ALERTS, OPEN_DOOR, SHOP, write_routes
from tests.support.servers import RedisServer


@pytest.fixture
async def hookyard(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    redis_server: RedisServer,
    database_url: str,
) -> AsyncIterator[Hookyard]:
    """Redis, a database of each kind in turn with its tables, and rules; nothing is started yet."""
    routes = write_routes(tmp_path / "routes", shop=SHOP, alerts=ALERTS, open=OPEN_DOOR)
    installation = Hookyard(
        tmp_path / "hookyard",
        routes=routes,
        redis_url=redis_server.url,
        database_url=database_url,
    )
    await upgrade(database_url)
    async with installation:
        yield installation
    # pytest shows it where the test failed.
    request.node.add_report_section("teardown", "processes", installation.logs()[-20_000:])


@pytest.fixture
async def truth(hookyard: Hookyard) -> AsyncIterator[Store]:
    """The installation's database, for looking into it."""
    store = await open_store(hookyard.database_url)
    yield store
    await store.close()
