"""From the contract's database URLs to SQLAlchemy engines that have not connected yet."""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import Any, Final
from urllib.parse import unquote

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from router.core.errors import SettingsError
from router.core.store import plain

WRITES: Final = "hookyard_writes"
"""Execution option of a connection that will write: SQLite then takes the write lock at once."""

BUSY_S: Final = 15
"""Seconds to wait for another process's write (SQLite), or to be let in (PostgreSQL)."""

ANSWER_S: Final = 30
"""Seconds PostgreSQL may take over one statement; beyond it, it is taken for away."""

_EXPECTED = "the database URL must be sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE"


def make_engine(url: str, *, pool_size: int) -> AsyncEngine:
    """Return an engine for a URL of the contract.

    Raises:
        SettingsError: The URL is none of those; its text is not shown.
    """
    scheme, _, rest = url.partition(":")
    scheme = scheme.partition("+")[0]
    options: dict[str, Any] = {
        "json_serializer": plain.json_text,
        "json_deserializer": plain.json_value,
        "hide_parameters": True,
        "max_overflow": 0,
        "pool_size": pool_size,
        "pool_timeout": ANSWER_S,
    }
    if scheme == "sqlite":
        return _sqlite(rest, options)
    if scheme in {"postgresql", "postgres"}:
        return _postgresql(f"postgresql:{rest}", options)
    raise SettingsError(_EXPECTED)


def _postgresql(dsn: str, options: dict[str, Any]) -> AsyncEngine:
    # asyncpg reads the URL itself: it knows all that libpq does (sslmode, several hosts, sockets).
    connect = partial(
        asyncpg.connect,
        dsn,
        timeout=BUSY_S,
        command_timeout=ANSWER_S,
        server_settings={"application_name": "hookyard"},
    )
    return create_async_engine("postgresql+asyncpg://", async_creator=connect, **options)


def _sqlite(rest: str, options: dict[str, Any]) -> AsyncEngine:
    path = unquote(rest.removeprefix("///"))
    if not rest.startswith("///") or not path or path == ":memory:" or "?" in rest:
        raise SettingsError(f"{_EXPECTED}; SQLite takes a file (memory is not durable), no options")
    url = URL.create("sqlite+aiosqlite", database=path)
    engine = create_async_engine(url, connect_args={"timeout": BUSY_S}, **options)
    event.listen(engine.sync_engine, "connect", _set_up)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _set_up(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # `_begin` begins transactions; the driver's own way would take the write lock too late.
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA journal_mode=WAL")
    except sqlite3.OperationalError as error:
        # Another process is at it: the next connection will find it done. Safe either way.
        if error.sqlite_errorname not in {"SQLITE_BUSY", "SQLITE_LOCKED"}:
            raise
    finally:
        cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
