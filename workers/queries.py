"""The few statements that only workers need."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.store.read import Query
from router.core.store.schema import deliveries, events
from workers.fields import Row

_COPIES = Query(
    "SELECT {columns} FROM deliveries WHERE task_id IN ({ids})",
    [deliveries.c.task_id, deliveries.c.destination],
)
_EVENTS = Query(
    "SELECT {columns} FROM events WHERE id IN ({ids})",
    [events.c.id, events.c.connector, events.c.type, events.c.delivery_id, events.c.received_ms],
)


async def copies_of(conn: AsyncConnection, task_ids: Collection[str]) -> dict[str, list[str]]:
    """Return the destinations that have or await a copy, by task id."""
    copies: dict[str, list[str]] = {}
    for row in await _COPIES.by_ids(conn, task_ids):
        copies.setdefault(row["task_id"], []).append(row["destination"])
    return copies


async def heads_of_events(conn: AsyncConnection, event_ids: Collection[str]) -> dict[str, Row]:
    """Return what templates of destinations see of events, by id; forgotten ones are left out."""
    return {row["id"]: row for row in await _EVENTS.by_ids(conn, event_ids)}


async def lease_owners(conn: AsyncConnection) -> set[str]:
    """Return the workers that have copies in hand."""
    owner = deliveries.c.lease_owner
    return set(await conn.scalars(select(owner).where(owner.is_not(None)).distinct()))


async def end_leases(conn: AsyncConnection, owners: Collection[str], now_ms: int) -> int:
    """End the leases of workers that are gone; return how many copies they had in hand."""
    statement = (
        update(deliveries)
        .where(deliveries.c.lease_owner.in_(owners), deliveries.c.lease_until_ms > now_ms)
        .values(lease_until_ms=now_ms)
    )
    return (await conn.execute(statement)).rowcount
