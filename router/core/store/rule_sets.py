"""Sets of rules that were in force, so that a process that starts on a bad edit has a good one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.store.bulk import Insert, names_of
from router.core.store.read import row_of
from router.core.store.schema import Row, rule_sets

_PUT: Final = Insert(
    rule_sets,
    names_of(rule_sets),
    "ON CONFLICT (hash) DO UPDATE SET files = excluded.files, "
    "intake_table = excluded.intake_table, in_force_ms = excluded.in_force_ms "
    "WHERE excluded.in_force_ms >= rule_sets.in_force_ms",
)


async def put_in_force(
    conn: AsyncConnection,
    rules_hash: str,
    files: Mapping[str, str],
    intake_table: Mapping[str, Any],
    now_ms: int,
) -> None:
    """Keep a set of rules (file texts by path) as the one in force from now on."""
    row = {
        "hash": rules_hash,
        "files": dict(files),
        "intake_table": dict(intake_table),
        "in_force_ms": now_ms,
    }
    await _PUT.run(conn, [row])


async def last_good(conn: AsyncConnection) -> Row | None:
    """Return the set of rules that came into force last; None if there never was one."""
    query = select(rule_sets).order_by(rule_sets.c.in_force_ms.desc(), rule_sets.c.hash).limit(1)
    return await row_of(conn, query)


async def find(conn: AsyncConnection, rules_hash: str) -> Row | None:
    """Return a set of rules that was in force, by its hash."""
    return await row_of(conn, select(rule_sets).where(rule_sets.c.hash == rules_hash))


async def forget_before(conn: AsyncConnection, before_ms: int) -> int:
    """Remove the sets that were replaced before an instant; return how many went.

    The one that was in force at that instant stays, and so does all that came after it.
    """
    came_before = rule_sets.c.in_force_ms < before_ms
    in_force_then = select(func.max(rule_sets.c.in_force_ms)).where(came_before).scalar_subquery()
    result = await conn.execute(delete(rule_sets).where(rule_sets.c.in_force_ms < in_force_then))
    return result.rowcount
