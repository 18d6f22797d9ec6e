"""The store: one database, its connections and its transactions.

Nothing but the database belongs inside `begin` and `connect`: while a write transaction is open,
SQLite lets nobody else write.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from typing import Any, Literal

from sqlalchemy import event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from router.core.errors import StoreError
from router.core.store.address import WRITES, make_engine
from router.core.store.failures import explain
from router.core.store.schema import Row

__all__ = ["Dialect", "Row", "Store", "open_store"]

Dialect = Literal["sqlite", "postgresql"]


class Store:
    """A database; make one with `open_store`.

    All that it does raises StoreUnavailableError as long as the database is away (the same may work
    later: connections are made anew) and StoreError where it could not do what was asked. Neither says
    anything of the URL or of values.
    """

    dialect: Dialect

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.dialect = "sqlite" if engine.dialect.name == "sqlite" else "postgresql"
        # SQLite has one writer: queueing here is fair, its own waiting is not.
        self._writing = asyncio.Lock() if self.dialect == "sqlite" else None
        event.listen(engine.sync_engine, "handle_error", _on_error)

    def __repr__(self) -> str:
        return f"Store({self.dialect})"

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Write in one transaction, committed when the block ends and undone when it raises."""
        async with self._writing or nullcontext(), self._transaction(**{WRITES: True}) as conn:
            yield conn

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """Read in one transaction."""
        async with self._transaction() as conn:
            yield conn

    async def ping(self) -> None:
        """Return when the database has answered.

        Raises:
            StoreUnavailableError: It is away.
        """
        async with self.connect() as conn:
            await conn.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    @asynccontextmanager
    async def _transaction(self, **options: Any) -> AsyncIterator[AsyncConnection]:
        async with AsyncExitStack() as stack:
            try:
                conn = await stack.enter_async_context(self._engine.connect())
            except BaseException as error:
                # Whatever the driver says of a connection may hold the URL: only our words go on.
                if failure := explain(error):
                    raise failure.error from None
                raise
            await conn.execution_options(**options)
            try:
                async with conn.begin():
                    yield conn
            except StoreError as error:
                # Its cause is the driver's error, which may quote values.
                raise error from None


def _on_error(context: ExceptionContext) -> StoreError | None:
    """Turn the error of a statement, a begin or a commit into ours."""
    failure = explain(context.original_exception)
    if failure is None:
        return None
    if failure.disconnected:
        context.is_disconnect = True
    return failure.error


async def open_store(url: str, *, pool_size: int = 5) -> Store:
    """Return the store at a URL: `sqlite:///PATH` or `postgresql://…`. Nothing is connected yet.

    Raises:
        SettingsError: The URL is neither.
    """
    return Store(make_engine(url, pool_size=pool_size))
