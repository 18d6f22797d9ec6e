"""Reading rows: as mappings, and by sets of ids or keys in either database's SQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, ColumnClause, Executable, Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.store import plain
from router.core.store.schema import LEASED, OPEN_KEY, UNSETTLED, WAITING, Row

Pair = tuple[str, str]

_CONDITIONS = {
    "waiting": WAITING,
    "leased": LEASED,
    "open_key": OPEN_KEY,
    "unsettled": UNSETTLED,
}

_SQLITE = _CONDITIONS | {
    "ids": "SELECT value FROM json_each(:ids)",
    "wanted_ids": "(SELECT value AS id FROM json_each(:ids)) AS wanted",
    "pairs": "(SELECT json_extract(value, '$[0]') AS first, json_extract(value, '$[1]') AS second "
    "FROM json_each(:pairs)) AS wanted",
    "lock": "",
    "lock_free": "",
}
_POSTGRESQL = _CONDITIONS | {
    "ids": "SELECT unnest(CAST(:ids AS text[]))",
    "wanted_ids": "unnest(CAST(:ids AS text[])) AS wanted(id)",
    "pairs": "unnest(CAST(:firsts AS text[]), CAST(:seconds AS text[])) AS wanted(first, second)",
    "lock": "FOR UPDATE",
    "lock_free": "FOR UPDATE SKIP LOCKED",
}

_ALL_OF = "SELECT * FROM"


class Query:
    """A statement that returns rows, in each database's SQL.

    In its text `{columns}` is what it returns, `{ids}` a sub-select of ids and `{pairs}` a table
    `wanted(first, second)`, each handed over as one parameter. `{lock}` locks what was found until the
    transaction ends, `{lock_free}` passes over what others have locked; SQLite's writer is alone.
    `{waiting}`, `{leased}`, `{open_key}` and `{unsettled}` are the conditions of the schema's partial indexes.
    """

    def __init__(
        self, sql: str, columns: Sequence[ColumnClause[Any]], *, postgresql: str | None = None
    ) -> None:
        listed = ", ".join(map(str, columns))
        self._sqlite = text(sql.format(columns=listed, **_SQLITE)).columns(*columns)
        other = (postgresql or sql).format(columns=listed, **_POSTGRESQL)
        self._postgresql = text(other).columns(*columns)

    @classmethod
    def for_each_pair(cls, table: Table, where: str) -> Query:
        """Return a query of a table's rows that a condition on `wanted.first, wanted.second` finds."""
        return cls._for_each("{pairs}", table, where, list(table.c))

    @classmethod
    def for_each_id(
        cls, table: Table, where: str, columns: Sequence[Column[Any]] | None = None
    ) -> Query:
        """Return a query of a table's rows that a condition on `wanted.id` finds."""
        return cls._for_each("{wanted_ids}", table, where, columns or list(table.c))

    @classmethod
    def _for_each(
        cls, wanted: str, table: Table, where: str, columns: Sequence[Column[Any]]
    ) -> Query:
        # PostgreSQL is made to look each one up by itself: of a table that grows quickly, and has no
        # statistics yet, it would choose to read everything.
        head = f"SELECT {{columns}} FROM {wanted} CROSS JOIN"  # noqa: S608  our own names only
        return cls(
            f"{head} {table.name} WHERE {where}",
            columns,
            postgresql=f"{head} LATERAL ({_ALL_OF} {table.name} WHERE {where} OFFSET 0) "
            f"AS {table.name}",
        )

    async def rows(self, conn: AsyncConnection, **values: Any) -> list[Row]:
        """Return the rows for values of its parameters."""
        on_sqlite = conn.dialect.name == "sqlite"
        return await rows_of(conn, self._sqlite if on_sqlite else self._postgresql, values)

    async def by_ids(self, conn: AsyncConnection, ids: Collection[str], **more: Any) -> list[Row]:
        """Return the rows for ids; none without a query for no ids."""
        if not ids:
            return []
        texts = [plain.storable(value) for value in ids]
        on_sqlite = conn.dialect.name == "sqlite"
        return await self.rows(conn, ids=plain.json_text(texts) if on_sqlite else texts, **more)

    async def by_pairs(self, conn: AsyncConnection, pairs: Collection[Pair]) -> list[Row]:
        """Return the rows for pairs of texts; none without a query for no pairs."""
        if not pairs:
            return []
        texts = [(plain.storable(first), plain.storable(second)) for first, second in pairs]
        if conn.dialect.name == "sqlite":
            return await self.rows(conn, pairs=plain.json_text(texts))
        firsts, seconds = (list(side) for side in zip(*texts, strict=True))
        return await self.rows(conn, firsts=firsts, seconds=seconds)


async def rows_of(
    conn: AsyncConnection, query: Executable, values: Mapping[str, Any] | None = None
) -> list[Row]:
    """Return a query's rows."""
    result = await conn.execute(query, values)
    names = tuple(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result]


async def row_of(
    conn: AsyncConnection, query: Executable, values: Mapping[str, Any] | None = None
) -> Row | None:
    """Return a query's first row, None if there is none."""
    rows = await rows_of(conn, query, values)
    return rows[0] if rows else None
