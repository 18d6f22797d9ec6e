"""Brings a database's tables to this release.

Revisions live in `migrations/versions` inside the package: nobody needs an alembic.ini. All that is
missing is done in one transaction, under a lock, so several processes may start at once.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from router.core.errors import StoreError
from router.core.store import audit
from router.core.store.engine import Row, Store, open_store

_LOCK: Final = 0x686F6F6B79617264
"""PostgreSQL's advisory lock of all migrations of Hookyard: its name in ASCII."""


Note = Callable[[str, str], Row]
"""Returns the audit log's entry of an upgrade from a revision to another."""


async def upgrade(url: str, *, note: Note | None = None) -> None:
    """Bring the tables to this release; does nothing where they are.

    If there were some before, the audit log gets the entry that `note` makes.

    Raises:
        SettingsError: The URL cannot be used.
        StoreUnavailableError: The database cannot be reached.
        StoreError: It cannot be brought to this release, say because a newer one made it.
    """
    store = await open_store(url, pool_size=1)
    try:
        await _upgrade(store, note)
    finally:
        await store.close()


async def at_head(url: str) -> bool:
    """Tell whether the tables are those of this release.

    Raises:
        SettingsError: The URL cannot be used.
        StoreUnavailableError: The database cannot be reached.
    """
    store = await open_store(url, pool_size=1)
    try:
        async with store.connect() as conn:
            return await conn.run_sync(_is_at_head)
    finally:
        await store.close()


async def _upgrade(store: Store, note: Note | None) -> None:
    async with store.begin() as conn:
        if store.dialect == "postgresql":
            await conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        try:
            before = await conn.run_sync(_revision)
            await conn.run_sync(_run)
            after = await conn.run_sync(_revision)
        except CommandError as error:
            raise StoreError(f"the database cannot be brought to this release: {error}") from error
        if note is not None and before is not None and after is not None and before != after:
            await audit.note(conn, note(before, after))


def _run(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _is_at_head(connection: Connection) -> bool:
    wanted = ScriptDirectory.from_config(_config()).get_heads()
    return set(MigrationContext.configure(connection).get_current_heads()) == set(wanted)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config
