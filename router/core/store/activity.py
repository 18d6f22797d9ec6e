"""What a connector received and what came of it, counted by day."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.ids import first_id_at
from router.core.store.plain import storable
from router.core.store.schema import events, refusals

DAY_MS = 86_400_000

Days = dict[int, dict[str, int]]
"""By the day's first millisecond (UTC): how many came to what."""


class Span(NamedTuple):
    """A stretch of time: from `since_ms` on, before `until_ms`."""

    since_ms: int
    until_ms: int | None = None

    def holds(self, column: ColumnElement[int]) -> ColumnElement[bool]:
        """Return the condition that a column is in it."""
        if self.until_ms is None:
            return column >= self.since_ms
        return (column >= self.since_ms) & (column < self.until_ms)


async def events_per_day(conn: AsyncConnection, connector: str, span: Span) -> Days:
    """Count a connector's events by day and status."""
    query = (
        select((events.c.received_ms // DAY_MS).label("day"), events.c.status, func.count())
        # Ids carry the time they were made at: the index leads to the first one.
        .where(events.c.connector == storable(connector), events.c.id >= first_id_at(span.since_ms))
        .where(span.holds(events.c.received_ms))
        .group_by("day", events.c.status)
    )
    return _days(await conn.execute(query))


async def refusals_per_day(conn: AsyncConnection, connector: str, span: Span) -> Days:
    """Count a connector's recorded refusals by day and code; of a limit there is one a minute."""
    query = (
        select((refusals.c.at_ms // DAY_MS).label("day"), refusals.c.code, func.count())
        .where(refusals.c.connector == storable(connector), span.holds(refusals.c.at_ms))
        .group_by("day", refusals.c.code)
    )
    return _days(await conn.execute(query))


def _days(rows: Any) -> Days:
    found: Days = {}
    for day, word, count in rows:
        found.setdefault(int(day) * DAY_MS, {})[word] = count
    return found
