"""Many rows in one statement: how routing and delivering write.

Rows are turned into columns and each column is converted as a whole. PostgreSQL gets one array a
column (one statement, one round trip, one plan), SQLite tuples for `executemany`. Through
SQLAlchemy's own row by row compilation the same costs several times as much.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import Boolean, Column, Integer, LargeBinary, Table, Text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import JSON, TypeEngine

from router.core.store import plain
from router.core.store.schema import Row, TextList

_DEFAULTS: Final = {"all_day": False}
"""Defaults of columns other than 0, where a row may leave them out."""


class Rows:
    """Some columns of a table, and how rows of them are handed to a statement."""

    def __init__(self, table: Table, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._columns = [table.c[name] for name in names]

    def columns(self, rows: Collection[Row]) -> list[list[Any]]:
        """Return rows as one list a column, converted for the driver.

        Columns that may be null or have a default may be missing in a row.

        Raises:
            KeyError: A row lacks another column.
        """
        return [_values(column, rows) for column in self._columns]

    def tuples(self, rows: Collection[Row]) -> list[tuple[Any, ...]]:
        """Return rows as tuples in the order of the names, converted for the driver."""
        return list(zip(*self.columns(rows), strict=True))

    def unnest(self) -> str:
        """Return PostgreSQL's source of the rows: `unnest($1::text[], …) AS r(…)`."""
        arrays = (
            f"${number}::{_array_type(column.type)}[]"
            for number, column in enumerate(self._columns, 1)
        )
        return f"unnest({', '.join(arrays)}) AS r({_list(self.names)})"

    def select(self) -> str:
        """Return PostgreSQL's query of the rows, each column in its own type."""
        typed = ", ".join(f"r.{_quoted(column.name)}{_cast(column)}" for column in self._columns)
        return f"SELECT {typed} FROM {self.unnest()}"  # noqa: S608  names of our own columns

    def assignments(self, *, but: Collection[str] = ()) -> str:
        """Return `"a" = r."a", …` for PostgreSQL."""
        return ", ".join(
            f"{_quoted(column.name)} = r.{_quoted(column.name)}{_cast(column)}"
            for column in self._columns
            if column.name not in but
        )


class _Statement:
    """A statement for both databases; `run` executes it for many rows at once."""

    def __init__(self, rows: Rows, *, sqlite: str, postgresql: str) -> None:
        self._rows = rows
        self._sqlite = sqlite
        self._postgresql = postgresql

    async def run(self, conn: AsyncConnection, rows: Collection[Row]) -> None:
        """Write the rows; none is nothing to do. Each row is there once."""
        if not rows:
            return
        if conn.dialect.name == "sqlite":
            await conn.exec_driver_sql(self._sqlite, self._rows.tuples(rows))
        else:
            await conn.exec_driver_sql(self._postgresql, tuple(self._rows.columns(rows)))


class Insert(_Statement):
    """Insert rows; `conflict` is the statement's `ON CONFLICT …`, the same in both databases."""

    def __init__(self, table: Table, names: Sequence[str], conflict: str = "") -> None:
        rows = Rows(table, names)
        head = f"INSERT INTO {table.name} ({_list(names)})"
        super().__init__(
            rows,
            sqlite=f"{head} VALUES ({', '.join('?' * len(names))}) {conflict}",
            postgresql=f"{head} {rows.select()} {conflict}",
        )


class Update(_Statement):
    """Set the named columns of rows that are found by their `id`."""

    def __init__(self, table: Table, names: Sequence[str]) -> None:
        rows = Rows(table, [*names, "id"])
        head = f"UPDATE {table.name} SET"
        super().__init__(
            rows,
            sqlite=f'{head} {", ".join(f"{_quoted(name)} = ?" for name in names)} WHERE "id" = ?',
            postgresql=f"{head} {rows.assignments(but=['id'])} FROM {rows.unnest()} "
            f"WHERE {table.name}.id = r.id",
        )


def names_of(table: Table, *, but: Collection[str] = ()) -> list[str]:
    """Return the names of a table's columns, in order."""
    return [column.name for column in table.c if column.name not in but]


def _values(column: Column[Any], rows: Collection[Row]) -> list[Any]:
    name = column.name
    if column.nullable:
        values = [row.get(name) for row in rows]
    elif column.server_default is not None:
        default = _DEFAULTS.get(name, 0)
        values = [row.get(name, default) for row in rows]
    else:
        values = [row[name] for row in rows]
    if isinstance(column.type, JSON):
        return plain.json_texts(values)
    if isinstance(column.type, Text):
        return plain.storable_texts(values)
    return values


def _array_type(kind: TypeEngine[Any]) -> str:
    if isinstance(kind, LargeBinary):
        return "bytea"
    if isinstance(kind, Boolean):
        return "boolean"
    return "bigint" if isinstance(kind, Integer) else "text"


def _cast(column: Column[Any]) -> str:
    if not isinstance(column.type, JSON):
        return ""
    return "::jsonb" if column.type is TextList else "::json"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(_quoted, names))
