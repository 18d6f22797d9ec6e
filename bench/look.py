"""Looking into the database from outside, without the code that is measured."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

Ask = Callable[[str], Awaitable[list[Any]]]


@asynccontextmanager
async def asking(database_url: str) -> AsyncIterator[Ask]:
    """Yield a function that runs a query and returns its first column."""
    if database_url.startswith("sqlite:"):
        # Read in this thread: it takes less than handing it to another.
        connection = sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)

        async def ask(statement: str) -> list[Any]:
            return [row[0] for row in connection.execute(statement)]

        try:
            yield ask
        finally:
            connection.close()
        return
    postgres = await asyncpg.connect(database_url)

    async def ask_postgres(statement: str) -> list[Any]:
        return [row[0] for row in await postgres.fetch(statement)]

    try:
        yield ask_postgres
    finally:
        await postgres.close()


async def committed_tasks(database_url: str) -> int:
    """Return how many tasks are committed."""
    async with asking(database_url) as ask:
        (number,) = await ask("SELECT count(*) FROM tasks")
        return int(number)
