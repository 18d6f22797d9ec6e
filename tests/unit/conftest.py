"""No server: the database is a file of the test's own."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from router.core.store.engine import Store, open_store
from router.core.store.migrate import upgrade
from tests.support.manual_clock import ManualClock


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
def clock() -> ManualClock:
    return ManualClock()
