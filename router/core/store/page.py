"""Pages of a list, newest first, and the cursors between them.

A cursor names the last row of its page, so it stays valid while rows are added or removed.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.errors import StoreError
from router.core.ids import is_id
from router.core.store.read import rows_of
from router.core.store.schema import Row

MOST: Final = 200
"""Rows of a page at most; a larger limit is cut to it (decision Z1)."""

_NUMBERS: Final = range(2**63)

ORDERED_BY: Final = "ordered_by"
"""The name that rows have `Order.by` under."""


class BadCursorError(StoreError):
    """The cursor is not one that a list of this kind gave out."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first, and the cursor of the next page if there is one."""

    rows: list[Row]
    next_cursor: str | None


async def page_of(
    conn: AsyncConnection,
    query: Select[Any],
    order: Column[Any],
    *,
    limit: int,
    cursor: str | None,
) -> Page:
    """Return a page of a query, by a unique column that grows with time.

    Raises:
        BadCursorError: The cursor is no cursor for this column.
    """
    limit = max(1, min(limit, MOST))
    if cursor is not None:
        query = query.where(order < _decode(cursor, order.type.python_type))
    rows = await rows_of(conn, query.order_by(order.desc()).limit(limit + 1))
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, _encode(rows[-1][order.name]) if more else None)


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is sorted: by `by` and, where that is the same, by the unique `then`; both whole numbers.

    Where `then` falls, `by` falls, too. `name` is part of the cursors, so that none is taken for another's.
    """

    name: str
    by: ColumnElement[int]
    then: Column[int]
    falling: bool = True

    async def page(
        self, conn: AsyncConnection, query: Select[Any], *, limit: int, cursor: str | None
    ) -> Page:
        """Return a page of a query; it costs the same wherever in the list it is.

        Raises:
            BadCursorError: The cursor is none of a list that is sorted like this.
        """
        limit = max(1, min(limit, MOST))
        query = query.where(*self.after(cursor)).add_columns(self.by.label(ORDERED_BY))
        rows = await rows_of(conn, query.order_by(*self.columns).limit(limit + 1))
        return self.cut(rows, limit)

    @property
    def columns(self) -> tuple[ColumnElement[Any], ...]:
        """What the list is sorted by, for `ORDER BY`."""
        return self.sorted(self.by, self.then)

    def sorted(self, *columns: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
        """Return columns for `ORDER BY`, in the direction of this order."""
        return tuple(column.desc() for column in columns) if self.falling else columns

    def after(self, cursor: str | None) -> tuple[ColumnElement[bool], ...]:
        """Return the condition for the rows that come after a cursor; none at the start of the list.

        Raises:
            BadCursorError: The cursor is none of a list that is sorted like this.
        """
        if cursor is None:
            return ()
        place, last = tuple_(self.by, self.then), tuple_(*self._decode(cursor))
        return (place < last if self.falling else place > last,)

    def cut(self, rows: list[Row], limit: int) -> Page:
        """Return the page of up to one row more than it may have; they have `ORDERED_BY`, the page's have not."""
        places = [row.pop(ORDERED_BY) for row in rows]
        if len(rows) <= limit:
            return Page(rows, None)
        last = rows[limit - 1]
        return Page(rows[:limit], _encode(f"{self.name}.{places[limit - 1]}.{last['number']}"))

    def _decode(self, cursor: str) -> tuple[int, int]:
        name, _, place = _text_of(cursor).partition(".")
        by, _, then = place.partition(".")
        try:
            found = int(by), int(then)
        except ValueError:
            raise BadCursorError from None
        written = f"{name}.{found[0]}.{found[1]}"
        if name != self.name or any(value not in _NUMBERS for value in found):
            raise BadCursorError
        if _encode(written) != cursor:
            raise BadCursorError
        return found


def _text_of(cursor: str) -> str:
    try:
        return urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        raise BadCursorError from None


def _encode(value: str | int) -> str:
    return urlsafe_b64encode(str(value).encode()).decode().rstrip("=")


def _decode(cursor: str, kind: type) -> str | int:
    text = _text_of(cursor)
    try:
        value = int(text) if kind is int else text
    except ValueError:
        raise BadCursorError from None
    possible = value in _NUMBERS if isinstance(value, int) else is_id(value)
    if not possible or _encode(value) != cursor:
        raise BadCursorError
    return value
