"""Removes what is kept for a time only: events, attempts, refusals, claims, closings, rule sets. Tasks stay."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Table, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.store.rule_sets import forget_before
from router.core.store.schema import attempts, claims, closings, events, idempotency, refusals

_BY: Final[tuple[tuple[Table, Column[int]], ...]] = (
    (events, events.c.received_ms),
    (attempts, attempts.c.at_ms),
    (refusals, refusals.c.at_ms),
    (claims, claims.c.until_ms),
    (closings, closings.c.until_ms),
    (idempotency, idempotency.c.until_ms),
)


async def trim(conn: AsyncConnection, before_ms: int, limit: int = 1000) -> int:
    """Remove rows from before an instant; return how many went.

    Of each table at most `limit` go, so that the transaction stays short: call it, each time in a
    transaction of its own, until it returns 0.
    """
    removed = 0
    for table, instant in _BY:
        key = tuple_(*table.primary_key)
        oldest = (
            select(*table.primary_key)
            .where(instant < before_ms)
            .order_by(instant)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        result = await conn.execute(delete(table).where(key.in_(oldest)))
        removed += result.rowcount
    return removed + await forget_before(conn, before_ms)
