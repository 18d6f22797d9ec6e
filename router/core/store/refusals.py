"""Requests that were refused: why a webhook "does not arrive"."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.store.bulk import Insert, names_of
from router.core.store.page import Page, page_of
from router.core.store.plain import storable
from router.core.store.schema import Row, refusals

_REFUSALS: Final = Insert(refusals, names_of(refusals), "ON CONFLICT (id) DO NOTHING")


@dataclass(frozen=True, slots=True)
class RefusalFilter:
    """Which refusals: those for which everything that is set holds.

    `since_ms` (included) and `until_ms` (excluded) are about `at_ms`; `status` is that of the answer.
    """

    connector: str | None = None
    status: int | None = None
    code: str | None = None
    remote: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


async def add_refusals(conn: AsyncConnection, rows: Collection[Row]) -> None:
    """Record refusals; one that is recorded already stays as it is."""
    await _REFUSALS.run(conn, rows)


async def list_refusals(
    conn: AsyncConnection, wanted: RefusalFilter, *, limit: int = 50, cursor: str | None = None
) -> Page:
    """Return a page of refusals, newest first.

    Raises:
        BadCursorError: The cursor is none of this list's.
    """
    query = select(refusals)
    if wanted.connector is not None:
        query = query.where(refusals.c.connector == storable(wanted.connector))
    if wanted.status is not None:
        query = query.where(refusals.c.status == wanted.status)
    if wanted.code is not None:
        query = query.where(refusals.c.code == storable(wanted.code))
    if wanted.remote is not None:
        query = query.where(refusals.c.remote == storable(wanted.remote))
    if wanted.since_ms is not None:
        query = query.where(refusals.c.at_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        query = query.where(refusals.c.at_ms < wanted.until_ms)
    return await page_of(conn, query, refusals.c.id, limit=limit, cursor=cursor)
