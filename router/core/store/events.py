"""The event log: what was accepted and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.event import IncomingEvent
from router.core.ids import first_id_at, is_id
from router.core.store.page import Page, page_of
from router.core.store.plain import storable
from router.core.store.read import row_of, rows_of
from router.core.store.schema import Row, events

_INCOMING = tuple(name for name in IncomingEvent._fields if name in events.c)
SHORT = [column for column in events.c if column.name not in {"headers", "query", "body"}]
"""The columns of an event that lists show."""


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


def as_it_came(row: Row) -> IncomingEvent:
    """Return a stored event as the receiver handed it over."""
    return IncomingEvent(**{name: row[name] for name in _INCOMING})


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
    query = select(*SHORT).where(*matching(wanted))
    return await page_of(conn, query, events.c.id, limit=limit, cursor=cursor)


def matching(wanted: EventFilter) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions of a filter."""
    if wanted.status is not None:
        yield events.c.status == storable(wanted.status)
    if wanted.connector is not None:
        yield events.c.connector == storable(wanted.connector)
    if wanted.since_ms is not None:
        yield events.c.received_ms >= wanted.since_ms
    if wanted.until_ms is not None:
        yield events.c.received_ms < wanted.until_ms


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the event log: events received from `since_ms` on, up to the event `last` included."""

    since_ms: int
    last: str
    count: int


async def stretch_of(
    conn: AsyncConnection, since_ms: int, connectors: Collection[str] = ()
) -> Stretch | None:
    """Return the stretch of all events there are since an instant; None if there is none."""
    query = select(func.count(), func.max(events.c.id)).where(*_within(since_ms, connectors))
    count, last = (await conn.execute(query)).one()
    return Stretch(since_ms, last, count) if count else None


async def events_of(
    conn: AsyncConnection,
    stretch: Stretch,
    *,
    after: str | None,
    limit: int,
    connectors: Collection[str] = (),
) -> list[IncomingEvent]:
    """Return events of a stretch as they came in, oldest first; `after` is the last one of the page before."""
    query = select(*(events.c[name] for name in _INCOMING)).where(
        *_within(stretch.since_ms, connectors), events.c.id <= stretch.last
    )
    if after is not None:
        query = query.where(events.c.id > after)
    rows = await rows_of(conn, query.order_by(events.c.id).limit(limit))
    return [as_it_came(row) for row in rows]


def _within(since_ms: int, connectors: Collection[str]) -> list[ColumnElement[bool]]:
    # Ids carry the time they were made at, which is not before the request came: the primary key
    # leads to the first one.
    wanted = [events.c.id >= first_id_at(since_ms), events.c.received_ms >= since_ms]
    if connectors:
        wanted.append(events.c.connector.in_([storable(name) for name in connectors]))
    return wanted
