"""No server: the database is a file of the test's own."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from router.core.store.engine import Store, open_store
from tests.support.manual_clock import ManualClock


@pytest.fixture
def database_url(tables_of_sqlite: Path, tmp_path: Path) -> str:
    path = tmp_path / "unit.db"
    shutil.copyfile(tables_of_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    opened = await open_store(database_url)
    yield opened
    await opened.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()
