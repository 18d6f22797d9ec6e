"""What a driver's error means: the database is away for now, or it could not do what was asked.

Messages are our own. A driver's may quote the statement's values, which are webhook data, and those
of a connection its URL.
"""

from __future__ import annotations

import os
import socket
import sqlite3
from dataclasses import dataclass
from typing import Final

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from router.core.errors import StoreError, StoreUnavailableError

_NOT_MIGRATED: Final = (
    "the database has no tables of this release; `hookyard db upgrade` makes them"
)

_AWAY: Final = {
    "28000": "it refused the user",
    "28P01": "it refused the password",
    "3D000": "there is no such database",
    "25006": "it takes no writes",
    "40001": "another transaction was in the way",
    "40P01": "another transaction was in the way",
    "53100": "its disk is full",
    "53300": "it has too many connections",
    "55P03": "another transaction was in the way",
    "57014": "it cancelled the statement",
    "57P03": "it is starting up or shutting down",
}
"""SQLSTATEs of a PostgreSQL that cannot work now, and what to say."""

_AWAY_CLASSES: Final = {
    "08": "the connection was lost",
    "53": "it is out of resources",
    "57": "it is shutting down",
    "58": "its system failed",
}

_CONNECTION_SURVIVES: Final = {"25006", "40001", "40P01", "53100", "55P03", "57014"}

_NO_TABLES: Final = {"42P01", "42703", "3F000"}
"""SQLSTATEs of a table, column or schema that is not there."""

_SQLITE_AWAY: Final = (
    "SQLITE_BUSY",
    "SQLITE_CANTOPEN",
    "SQLITE_FULL",
    "SQLITE_INTERRUPT",
    "SQLITE_IOERR",
    "SQLITE_LOCKED",
    "SQLITE_NOMEM",
    "SQLITE_PROTOCOL",
    "SQLITE_READONLY",
)


@dataclass(frozen=True, slots=True)
class Failure:
    """What to raise, and whether all connections of the pool are to be given up."""

    error: StoreError
    disconnected: bool = False


def explain(error: BaseException) -> Failure | None:
    """Return what a driver's error means; None for an error that is not the database's."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    if isinstance(error, PoolTimeoutError):
        return _away("no connection became free in time")
    if isinstance(error, TimeoutError):
        return _away("it did not answer in time", disconnected=True)
    if isinstance(error, OSError):
        return _away(_system_reason(error), disconnected=True)
    if isinstance(error, UnicodeError | OverflowError):
        return Failure(StoreError("a value cannot be stored"))
    if isinstance(error, sqlite3.Error):
        return _sqlite(error)
    driver_error = error if isinstance(error, _POSTGRESQL) else error.__cause__
    if isinstance(driver_error, _POSTGRESQL):
        return _postgresql(driver_error)
    return None


_POSTGRESQL: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


def _away(reason: str, *, disconnected: bool = False) -> Failure:
    error = StoreUnavailableError(f"the database cannot be used at the moment: {reason}")
    return Failure(error, disconnected)


def _system_reason(error: OSError) -> str:
    """Say why a connection could not be made, without the address it was tried at."""
    if isinstance(error, socket.gaierror):
        return "its host name cannot be resolved"
    return os.strerror(error.errno).lower() if error.errno else "no connection"


def _sqlite(error: sqlite3.Error) -> Failure:
    # SQLite's own messages name tables and columns at most, never values or paths.
    name: str = getattr(error, "sqlite_errorname", "")
    if name.startswith(_SQLITE_AWAY) or not name:
        return _away(str(error))
    if "no such table" in str(error) or "no such column" in str(error):
        return Failure(StoreError(_NOT_MIGRATED))
    return Failure(StoreError(f"the database refused the statement: {error}"))


def _postgresql(error: BaseException) -> Failure:
    state: str = getattr(error, "sqlstate", None) or ""
    if reason := _AWAY.get(state) or _AWAY_CLASSES.get(state[:2]):
        return _away(reason, disconnected=state not in _CONNECTION_SURVIVES)
    if isinstance(error, asyncpg.DataError):
        return Failure(StoreError("a value cannot be stored"))
    if isinstance(error, asyncpg.ClientConfigurationError):
        return Failure(StoreError("the database URL cannot be used"))
    if not state or isinstance(error, asyncpg.InvalidCachedStatementError):
        return _away("the connection was lost", disconnected=True)
    if state in _NO_TABLES:
        return Failure(StoreError(_NOT_MIGRATED))
    constraint = getattr(error, "constraint_name", None)
    detail = f"{state}, {constraint}" if constraint else state
    return Failure(StoreError(f"the database refused the statement ({detail})"))
