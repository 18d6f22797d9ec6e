"""`/api/v1/events`, `/events/{id}`: also those that were accepted and wait in Redis (decisions P9, A8)."""

from __future__ import annotations

import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from router.core.event import IncomingEvent
from router.core.ids import is_id
from router.core.pending import Pending
from router.core.store.engine import Row
from router.core.store.events import EventFilter, accepted_row, get_event, list_events
from router.core.store.page import BadCursorError, Page
from router.core.store.present import event_json
from router.web import problems
from router.web.api.endpoint import Api
from router.web.api.query import ListQuery, envelope, list_query, one_of
from router.web.problems import ProblemError

_FILTERS = ("status", "connector", "since", "until")
_ACCEPTED = "accepted"
STATUSES = (
    _ACCEPTED,
    "routed",
    "dropped",
    "duplicate",
    "undecided",
    "refused",
    "held",
    "failed",
)


async def one(api: Api, request: web.Request) -> Any:
    """Show an event with its headers and its body."""
    event_id = request.match_info["id"]
    row = await _find(api, event_id) if is_id(event_id) else None
    if row is None:
        raise ProblemError(problems.NOT_FOUND)
    return event_json(row, whole=True)


async def many(api: Api, request: web.Request) -> Any:
    """List events, the newest first."""
    query = list_query(request, _FILTERS, api.clock)
    one_of("status", query.filters.get("status"), STATUSES)
    page = await _page(api, query)
    return envelope(page.rows, page.next_cursor, lambda row: event_json(row, whole=False))


async def _find(api: Api, event_id: str) -> Row | None:
    """Look in the database, in Redis, and once more in the database: it may have moved meanwhile."""
    row = await _stored(api, event_id)
    if row is None:
        waiting = await api.pending.find_event(event_id)
        row = await _stored(api, event_id) if waiting is None else accepted_row(waiting)
    return row


async def _stored(api: Api, event_id: str) -> Row | None:
    async with api.store.connect() as conn:
        return await get_event(conn, event_id)


async def _page(api: Api, query: ListQuery) -> Page:
    """Merge what waits in Redis with what the database has; an event in both is the database's."""
    at = _Place.read(query.cursor)
    waiting = await _waiting(api, query, at)
    async with api.store.connect() as conn:
        wanted = EventFilter(**query.filters)
        stored = await list_events(conn, wanted, limit=query.limit, cursor=_encode(at.before))
    rows = {event.event.id: accepted_row(event.event) for event in waiting}
    rows |= {row["id"]: row for row in stored.rows}
    newest_first = sorted(rows.values(), key=lambda row: str(row["id"]), reverse=True)
    shown = newest_first[: query.limit]
    if len(newest_first) <= query.limit and stored.next_cursor is None:
        return Page(shown, None)
    last = shown[-1]["id"]
    seeks = [event.seek for event in waiting if event.event.id >= last]
    return Page(shown, _Place(last, seeks[-1] if seeks else at.seek).written())


async def _waiting(api: Api, query: ListQuery, at: _Place) -> list[Pending]:
    """Return what waits in Redis and passes the filters; one more than is shown, if there is more."""
    wanted = query.filters
    if wanted.get("status", _ACCEPTED) != _ACCEPTED:
        return []
    connector = wanted.get("connector")
    since_ms, until_ms = wanted.get("since_ms", 0), wanted.get("until_ms", math.inf)

    def passes(event: IncomingEvent) -> bool:
        return connector in {None, event.connector} and since_ms <= event.received_ms < until_ms

    return await api.pending.newest(query.limit + 1, before=at.before, seek=at.seek, keep=passes)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page ended: the id of its last event, and where in Redis to go on.

    As a cursor: `EVENT` or `EVENT.BATCH`, the first part as the store's own cursors are.
    """

    before: str | None = None
    seek: str | None = None

    @classmethod
    def read(cls, cursor: str | None) -> _Place:
        """Return the place a cursor names; raises BadCursorError."""
        if cursor is None:
            return cls()
        before, _, seek = cursor.partition(".")
        place = cls(_decode(before), _decode(seek) if seek else None)
        if place.written() != cursor:
            raise BadCursorError
        return place

    def written(self) -> str:
        return ".".join(text for text in (_encode(self.before), _encode(self.seek)) if text)


def _encode(identifier: str | None) -> str | None:
    if identifier is None:
        return None
    return urlsafe_b64encode(identifier.encode()).decode().rstrip("=")


def _decode(text: str) -> str:
    try:
        found = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)).decode("ascii")
    except ValueError:
        raise BadCursorError from None
    if not is_id(found):
        raise BadCursorError
    return found
