"""Events in the database of `.hookyard` in the working directory, for tests of commands."""

from __future__ import annotations

import asyncio
from pathlib import Path

from router.core.store import routing
from router.core.store.engine import open_store
from router.core.store.migrate import upgrade
from router.core.store.schema import Row

_URL = "sqlite:///.hookyard/hookyard.db"


def store_events(*rows: Row) -> None:
    """Make the database if need be, and write events into it."""
    Path(".hookyard").mkdir(exist_ok=True)
    asyncio.run(_write(list(rows)))


async def _write(rows: list[Row]) -> None:
    await upgrade(_URL)
    store = await open_store(_URL)
    try:
        async with store.begin() as conn:
            await routing.write(conn, routing.Writes(events=rows))
    finally:
        await store.close()
