"""Fixtures every test may ask for: real servers, databases, a store, a clean environment.

A server or an interpreter this machine lacks skips the test and says so; with CI=true it fails it.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from logging import Logger
from pathlib import Path
from typing import Any, NoReturn

import pytest
import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from router.core import redaction
from router.core.settings import PREFIX, environment
from router.core.store.engine import Store, open_store
from tests.support.programs import (
    ProgramMissingError,
    alertmanager_program,
    interpreter_program,
    postgresql_programs,
    redis_program,
)
from tests.support.servers import (
    PostgresServer,
    RedisServer,
    copy_cluster,
    new_cluster,
    temporary_directory,
)

_database_numbers = count(1)
_EMPTY = """
    DO $$
    DECLARE
        name text;
        is_long boolean;
    BEGIN
        -- Whoever was left over of the test before is sent away; a table's rows go whatever refers to them.
        PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid();
        SET LOCAL session_replication_role = replica;
        FOR name IN
            SELECT tablename FROM pg_tables WHERE schemaname = 'public'
                -- Both are made by the migrations, not by what is done afterwards.
                AND tablename NOT IN ('alembic_version', 'installation')
        LOOP
            EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I OFFSET 1000)', name) INTO is_long;
            EXECUTE format(CASE WHEN is_long THEN 'TRUNCATE %I CASCADE' ELSE 'DELETE FROM %I' END, name);
        END LOOP;
        ALTER SEQUENCE task_numbers RESTART;
    END
    $$
"""
_CI = environment().get("CI", "").lower() in {"1", "true", "yes"}


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No HOOKYARD_* of whoever runs the tests reaches them."""
    for name in environment():
        if name.startswith(PREFIX):
            monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _no_secrets_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test used as a secret is a plain word to the next."""
    monkeypatch.setattr(redaction, "_known", set())
    monkeypatch.setattr(redaction, "_known_pattern", None)


@pytest.fixture(autouse=True)
def _logging_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands that run inside the test process set up logging; the next test shall not know of it.

    Loggers are not kept by those who use them, lest they keep a set-up that is over.
    """
    set_up = structlog.configure

    def configure(**given: Any) -> None:
        set_up(**{**given, "cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", configure)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    names = [name for name, each in root.manager.loggerDict.items() if isinstance(each, Logger)]
    levels = {name: logging.getLogger(name).level for name in ("arq", *names)}
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in list(root.manager.loggerDict):
        logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))


def _missing(error: ProgramMissingError) -> NoReturn:
    if _CI:
        pytest.fail(f"CI has all programs, but {error}", pytrace=False)
    pytest.skip(str(error))


@pytest.fixture(scope="session")
def _redis_there() -> None:
    try:
        redis_program()
    except ProgramMissingError as error:
        _missing(error)


@pytest.fixture(scope="session")
def _postgresql_there() -> None:
    try:
        postgresql_programs()
    except ProgramMissingError as error:
        _missing(error)


@pytest.fixture(scope="session")
def alertmanager() -> Path:
    """The Alertmanager program."""
    try:
        return alertmanager_program()
    except ProgramMissingError as error:
        _missing(error)


@pytest.fixture(scope="session")
def interpreter_of() -> Callable[[str], Path]:
    """Tells what runs a code sample of a language."""

    def find(lang: str) -> Path:
        try:
            return interpreter_program(lang)
        except ProgramMissingError as error:
            _missing(error)

    return find


@pytest.fixture
def redis_server(_redis_there: None, tmp_path: Path) -> Iterator[RedisServer]:
    """A redis-server of the test's own, to be killed and restarted at will."""
    directory = tmp_path / "redis"
    directory.mkdir()
    server = RedisServer(directory)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[Redis]:
    """A client of `redis_server`; it connects again after a restart."""
    client: Redis = Redis.from_url(
        redis_server.url, retry=Retry(NoBackoff(), 2), retry_on_error=[RedisConnectionError]
    )
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
def _new_cluster(_postgresql_there: None) -> Iterator[Path]:
    """A PostgreSQL cluster that never runs: the others are copies of it."""
    directory = temporary_directory("initdb")
    new_cluster(directory)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def postgres_server(_new_cluster: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL server of the test's own, to be killed and restarted at will."""
    yield from _running_copy(_new_cluster)


@pytest.fixture(scope="session")
def _shared_postgres(_new_cluster: Path) -> Iterator[PostgresServer]:
    """One server for all tests that only need a database of their own; none of them kills it."""
    yield from _running_copy(_new_cluster, durable=False)


def _running_copy(cluster: Path, *, durable: bool = True) -> Iterator[PostgresServer]:
    directory = temporary_directory("postgresql")
    copy_cluster(cluster, directory)
    server = PostgresServer(directory, durable=durable)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory)


@pytest.fixture
async def postgres_url(_shared_postgres: PostgresServer) -> AsyncIterator[str]:
    """The URL of an empty PostgreSQL database of the test's own."""
    name = f"test_{next(_database_numbers)}"
    await _execute(_shared_postgres.url(), f"CREATE DATABASE {name}")
    yield _shared_postgres.url(name)
    await _execute(_shared_postgres.url(), f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def _postgres_tables(_shared_postgres: PostgresServer) -> str:
    """The URL of the one PostgreSQL database of all tests that need no other than its tables."""
    asyncio.run(_execute(_shared_postgres.url(), "CREATE DATABASE tables"))
    url = _shared_postgres.url("tables")
    asyncio.run(_upgrade(url))
    return url


@pytest.fixture
async def postgres_url_with_tables(_postgres_tables: str) -> str:
    """The URL of a PostgreSQL database whose tables are empty: to make one takes half a second."""
    await _execute(_postgres_tables, _EMPTY)
    return _postgres_tables


async def _execute(url: str, statement: str) -> None:
    driven = url.replace("postgresql:", "postgresql+asyncpg:")
    engine = create_async_engine(driven, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    async with engine.connect() as conn:
        await conn.execute(text(statement))
    await engine.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture(scope="session")
def tables_of_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with its tables, to be copied: quicker than making them each time."""
    path = tmp_path_factory.mktemp("database") / "tables.db"
    asyncio.run(_upgrade(f"sqlite:///{path}"))
    return path


async def _upgrade(url: str) -> None:
    from router.core.store.migrate import upgrade  # noqa: PLC0415  Alembic is slow to import

    await upgrade(url)


@pytest.fixture
def sqlite_url_with_tables(tables_of_sqlite: Path, sqlite_url: str) -> str:
    """The URL of a SQLite file that has its tables."""
    shutil.copyfile(tables_of_sqlite, sqlite_url.removeprefix("sqlite:///"))
    return sqlite_url


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database, of each kind in turn: empty, but for a test that has the `store` too."""
    fixture = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    if "store" in request.fixturenames:
        fixture = f"{fixture}_with_tables"
    url: str = request.getfixturevalue(fixture)
    return url


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """A store with its tables, of each kind in turn."""
    opened = await open_store(database_url)
    yield opened
    await opened.close()
