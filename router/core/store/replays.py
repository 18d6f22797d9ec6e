"""What replays ask of the event log: which events there are to replay, and what they did before."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.store.events import SHORT, EventFilter, matching
from router.core.store.read import Query, rows_of
from router.core.store.schema import Row, events

_RUNS: Final = Query(
    "SELECT {columns} FROM events WHERE id IN ({ids}) AND status <> 'accepted'",
    [events.c.id, events.c.replays, events.c.tasks],
)


async def earlier_runs(conn: AsyncConnection, event_ids: Collection[str]) -> dict[str, Row]:
    """Return `replays` and `tasks` of events that are decided, by id: what they did so far."""
    return {row["id"]: row for row in await _RUNS.by_ids(conn, event_ids)}


async def count_events(conn: AsyncConnection, wanted: EventFilter) -> dict[str, int]:
    """Return how many events a filter finds, by connector."""
    query: Select[Any] = select(events.c.connector, func.count().label("count"))
    query = query.where(*matching(wanted)).group_by(events.c.connector)
    return {row["connector"]: row["count"] for row in await rows_of(conn, query)}


async def oldest_events(
    conn: AsyncConnection,
    wanted: EventFilter,
    *,
    limit: int,
    after: str | None = None,
    whole: bool = True,
) -> list[Row]:
    """Return events that a filter finds, the oldest first; those after an id if one is given.

    Unless `whole`, without `headers`, `query` and `body`.
    """
    query: Select[Any] = select(events) if whole else select(*SHORT)
    query = query.where(*matching(wanted))
    if after is not None:
        query = query.where(events.c.id > after)
    return await rows_of(conn, query.order_by(events.c.id).limit(limit))


async def whole_events(conn: AsyncConnection, event_ids: Collection[str]) -> dict[str, Row]:
    """Return whole events by id."""
    return {row["id"]: row for row in await _WHOLE.by_ids(conn, event_ids)}


async def short_events(conn: AsyncConnection, event_ids: Collection[str]) -> dict[str, Row]:
    """Return events by id, without `headers`, `query` and `body`."""
    return {row["id"]: row for row in await _SHORT.by_ids(conn, event_ids)}


_WHOLE: Final = Query("SELECT {columns} FROM events WHERE id IN ({ids})", list(events.c))
_SHORT: Final = Query("SELECT {columns} FROM events WHERE id IN ({ids})", SHORT)
