"""The event log: what was accepted and what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.event import IncomingEvent
from router.core.ids import is_id
from router.core.store.page import Page, page_of
from router.core.store.plain import storable
from router.core.store.read import row_of
from router.core.store.schema import Row, events

_SHORT = [column for column in events.c if column.name not in {"headers", "query", "body"}]


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events: those for which everything that is set holds.

    `since_ms` (included) and `until_ms` (excluded) are about `received_ms`.
    """

    status: str | None = None
    connector: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


def accepted_row(event: IncomingEvent) -> Row:
    """Return the row of an event that is not decided yet; every column is there."""
    return {
        "id": event.id,
        "connector": event.connector,
        "status": "accepted",
        "reason": None,
        "code": None,
        "type": event.type,
        "delivery_id": event.delivery_id,
        "received_ms": event.received_ms,
        "decided_ms": None,
        "rules_hash": None,
        "decisions": [],
        "tasks": [],
        "shadow": [],
        "duplicate_of": None,
        "replays": 0,
        "headers": dict(event.headers),
        "query": dict(event.query),
        "content_type": event.content_type,
        "remote": event.remote,
        "body": event.body,
    }


async def get_event(conn: AsyncConnection, event_id: str) -> Row | None:
    """Return a whole event; None if there is none with this id."""
    if not is_id(event_id):
        return None
    return await row_of(conn, select(events).where(events.c.id == event_id))


async def list_events(
    conn: AsyncConnection, wanted: EventFilter, *, limit: int = 50, cursor: str | None = None
) -> Page:
    """Return a page of events without `headers`, `query` and `body`.

    Raises:
        BadCursorError: The cursor is none of this list's.
    """
    query = select(*_SHORT)
    if wanted.status is not None:
        query = query.where(events.c.status == storable(wanted.status))
    if wanted.connector is not None:
        query = query.where(events.c.connector == storable(wanted.connector))
    if wanted.since_ms is not None:
        query = query.where(events.c.received_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        query = query.where(events.c.received_ms < wanted.until_ms)
    return await page_of(conn, query, events.c.id, limit=limit, cursor=cursor)
