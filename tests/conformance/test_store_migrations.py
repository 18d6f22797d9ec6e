"""Migrations: what they make is what the schema says, once, whoever runs them at the same time."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from router.core.errors import SettingsError, StoreError
from router.core.store.bulk import Insert, names_of
from router.core.store.engine import Store, open_store
from router.core.store.migrate import _config, at_head, upgrade
from router.core.store.schema import (
    POSTGRESQL_INDEXES,
    TEXT_INDEX,
    metadata,
    task_numbers,
    tasks,
)
from router.core.store.tasks import get_task
from tests.support.rows import task_row

_BESIDE = {*POSTGRESQL_INDEXES, TEXT_INDEX}
"""Indexes of expressions, which neither SQLAlchemy nor Alembic compare."""


def _is_compared(_thing: object, name: str | None, *_: object) -> bool:
    return name not in _BESIDE


def _differences(connection: Connection) -> list[object]:
    options = {"compare_type": True, "include_object": _is_compared}
    context = MigrationContext.configure(connection, opts=options)
    return list(compare_metadata(context, metadata))


async def test_the_migrated_database_is_what_the_schema_says(store: Store) -> None:
    async with store.connect() as conn:
        assert await conn.run_sync(_differences) == []


async def test_the_migrated_columns_are_in_the_order_of_the_schema(store: Store) -> None:
    def columns(connection: Connection, table: str) -> list[str]:
        return [column["name"] for column in inspect(connection).get_columns(table)]

    async with store.connect() as conn:
        for table in metadata.sorted_tables:
            assert await conn.run_sync(columns, table.name) == [column.name for column in table.c]


async def test_the_migrated_indexes_are_those_of_the_schema_and_partial_where_it_says_so(
    store: Store,
) -> None:
    where = f"{store.dialect}_where"

    def partial(connection: Connection, table: str) -> dict[str | None, bool]:
        return {
            index["name"]: where in index.get("dialect_options", {})
            for index in inspect(connection).get_indexes(table)
            if not index.get("duplicates_constraint") and index["name"] not in _BESIDE
        }

    async with store.connect() as conn:
        for table in metadata.sorted_tables:
            assert await conn.run_sync(partial, table.name) == {
                index.name: index.dialect_kwargs.get(where) is not None for index in table.indexes
            }


async def test_the_indexes_of_expressions_are_those_the_schema_says(store: Store) -> None:
    if store.dialect == "sqlite":
        return
    made = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'tasks'"
    async with store.begin() as conn:
        migrated = {
            name: text_ for name, text_ in await conn.execute(text(made)) if name in _BESIDE
        }
        for name, definition in POSTGRESQL_INDEXES.items():
            await conn.execute(text(f"DROP INDEX {name}"))
            await conn.execute(text(f"CREATE INDEX {name} ON {definition}"))
        again = {name: text_ for name, text_ in await conn.execute(text(made)) if name in _BESIDE}
    assert migrated == again
    assert set(migrated) == _BESIDE


async def test_postgresql_has_the_sequence_of_task_numbers(store: Store) -> None:
    async with store.connect() as conn:
        found = await conn.run_sync(
            lambda connection: (
                inspect(connection).get_sequence_names()
                if store.dialect == "postgresql"
                else [task_numbers.name]
            )
        )
    assert found == [task_numbers.name]


async def test_head_is_reached_by_upgrading_and_upgrading_again_changes_nothing(
    database_url: str,
) -> None:
    assert not await at_head(database_url)
    await upgrade(database_url)
    assert await at_head(database_url)
    await upgrade(database_url)
    assert await at_head(database_url)


async def test_a_database_of_an_earlier_release_keeps_its_tasks(database_url: str) -> None:
    def to_the_first_release(connection: Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")

    store = await open_store(database_url)
    row = task_row(key="k")
    before = {name: value for name, value in row.items() if name != "edited"}
    async with store.begin() as conn:
        await conn.run_sync(to_the_first_release)
        names = names_of(tasks, but={"edited"})
        await Insert(tasks, names).run(conn, [before])
    assert not await at_head(database_url)

    await upgrade(database_url)

    async with store.connect() as conn:
        assert await conn.run_sync(_differences) == []
        found = await get_task(conn, row["id"])
    await store.close()
    assert found is not None
    assert found == dict.fromkeys(found) | {"all_day": False} | before


async def test_upgrades_at_the_same_time_do_not_disturb_each_other(database_url: str) -> None:
    await asyncio.gather(*(upgrade(database_url) for _ in range(4)))
    assert await at_head(database_url)


async def test_upgrades_of_several_processes_do_not_disturb_each_other(database_url: str) -> None:
    script = (
        "import asyncio, sys; from router.core.store.migrate import upgrade; "
        "asyncio.run(upgrade(sys.argv[1]))"
    )
    root = Path(__file__).parents[2]
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, database_url, cwd=root, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    for process in processes:
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()
    assert await at_head(database_url)


async def test_an_upgrade_that_fails_leaves_nothing_behind(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise RuntimeError("stop")

    monkeypatch.setattr("alembic.op.create_index", stop)
    with pytest.raises(RuntimeError, match="stop"):
        await upgrade(database_url)
    monkeypatch.undo()
    store = await open_store(database_url)
    async with store.connect() as conn:
        assert await conn.run_sync(lambda connection: inspect(connection).get_table_names()) == []
    await store.close()
    await upgrade(database_url)
    assert await at_head(database_url)


async def test_a_database_of_a_newer_release_is_refused_and_left_alone(database_url: str) -> None:
    await upgrade(database_url)
    store = await open_store(database_url)
    async with store.begin() as conn:
        await conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await store.close()
    assert not await at_head(database_url)
    with pytest.raises(StoreError, match=r"cannot be brought to this release.*9999"):
        await upgrade(database_url)


@pytest.mark.parametrize("function", [upgrade, at_head])
async def test_a_url_that_cannot_be_used_is_not_shown(function: object) -> None:
    assert callable(function)
    with pytest.raises(SettingsError) as refused:
        await function("mysql://app:hunter2@db/tasks")
    assert "hunter2" not in str(refused.value)
