"""What people do about deliveries: try again, say where the copy is, or give up (decision V2).

A delivery of which a request is under way is left alone: what becomes of it is written in a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final, Literal

from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.store.bulk import Update, names_of
from router.core.store.deliveries import DeliveryFilter, oldest_ids
from router.core.store.engine import Store
from router.core.store.read import Query
from router.core.store.schema import Row, deliveries

CREDENTIALS: Final = "credentials"
"""Code of the reason of deliveries that are held because the destination refused who we are."""
NO_DESTINATION: Final = "no-destination"
"""Code of the reason of those that are held because the rules have no such destination."""
UNCERTAIN: Final = "uncertain"
"""Code of the reason of those that are held because a person has to look."""

MAX_REASON: Final = 500
"""Characters of the reason somebody gives for giving up."""
MAX_EXTERNAL_ID: Final = 255

Refusal = Literal["not-found", "is-current", "in-hand", "has-copy"]

_PAGE: Final = 200
_LOCKED: Final = Query(
    "SELECT {columns} FROM deliveries WHERE id IN ({ids}) ORDER BY id {lock}", list(deliveries.c)
)
_SET: Final = Update(
    deliveries,
    names_of(deliveries, but={"id", "task_id", "destination", "wanted_version", "created_ms"}),
)


@dataclass(slots=True)
class Handled:
    """What was done: the deliveries as they are now, and why others were left as they are, by id."""

    rows: list[Row] = field(default_factory=list)
    refused: dict[str, Refusal] = field(default_factory=dict)


async def retry(conn: AsyncConnection, delivery_ids: Collection[str], *, now_ms: int) -> Handled:
    """Have deliveries sent again at once, with all their attempts and all their time before them.

    A copy that may exist is looked for first where the destination can be asked. One that is held for
    a person to look is created: the person has looked.
    """
    return await _handle(conn, delivery_ids, lambda row: _again(row, now_ms), now_ms)


async def adopt(
    conn: AsyncConnection, delivery_id: str, external_id: str, *, now_ms: int
) -> Handled:
    """Take what is there under an id for the copy, and make it current."""
    return await _handle(conn, [delivery_id], lambda row: _found(row, external_id, now_ms), now_ms)


async def drop(
    conn: AsyncConnection, delivery_ids: Collection[str], reason: str, *, now_ms: int
) -> Handled:
    """Give deliveries up: nothing is sent any more, whatever becomes of their tasks."""
    dropped = {
        "state": "dropped",
        "reason": {"code": "dropped", "message": reason},
        "next_attempt_ms": None,
    }
    return await _handle(conn, delivery_ids, lambda _: dropped, now_ms)


async def release(store: Store, destination: str, code: str, *, now_ms: int) -> int:
    """Have a destination's copies sent that are held with a reason of this code; return how many."""
    wanted = DeliveryFilter(state="held", destination=destination)
    after, released = "", 0
    while True:
        async with store.begin() as conn:
            page = await oldest_ids(conn, wanted, after=after, limit=_PAGE)
            held = [row["id"] for row in await _LOCKED.by_ids(conn, page) if _code(row) == code]
            released += len((await retry(conn, held, now_ms=now_ms)).rows)
        if len(page) < _PAGE:
            return released
        after = page[-1]


async def _handle(
    conn: AsyncConnection,
    delivery_ids: Collection[str],
    change: Callable[[Row], Row | Refusal],
    now_ms: int,
) -> Handled:
    found = {row["id"]: row for row in await _LOCKED.by_ids(conn, delivery_ids)}
    handled = Handled()
    for delivery_id in dict.fromkeys(delivery_ids):
        row = found.get(delivery_id)
        if row is None:
            handled.refused[delivery_id] = "not-found"
            continue
        columns = _hindrance(row) or change(row)
        if isinstance(columns, str):
            handled.refused[delivery_id] = columns
        else:
            handled.rows.append(row | columns | {"updated_ms": now_ms})
    await _SET.run(conn, handled.rows)
    return handled


def _hindrance(row: Row) -> Refusal | None:
    if row["state"] == "current":
        return "is-current"
    return None if row["intent"] is None else "in-hand"


def _again(row: Row, now_ms: int) -> Row:
    kept = row["create_request"]
    may_exist = kept is not None and kept.get("may_exist", False)
    has_looked = row["state"] == "held" and _code(row) == UNCERTAIN
    return {
        "state": "uncertain" if row["state"] == "uncertain" else "pending",
        "reason": row["reason"] if row["state"] == "uncertain" else None,
        "attempts": 0,
        "first_attempt_ms": None,
        "next_attempt_ms": now_ms,
        "create_request": kept if may_exist and not has_looked else None,
    }


def _found(row: Row, external_id: str, now_ms: int) -> Row | Refusal:
    if row["external_id"] is not None:
        return "has-copy"
    kept = row["create_request"] or {}
    version: int = max(row["delivered_version"], kept.get("then", 0))
    is_current = 0 < version >= row["wanted_version"]
    return {
        **_again(row, now_ms),
        "state": "current" if is_current else "pending",
        "reason": None,
        "next_attempt_ms": None if is_current else now_ms,
        "external_id": external_id,
        "delivered_version": version,
        "shown": kept.get("shown", row["shown"]),
        "create_request": None,
    }


def _code(row: Row) -> str | None:
    code: str | None = (row["reason"] or {}).get("code")
    return code
