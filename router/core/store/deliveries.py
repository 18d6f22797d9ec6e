"""Copies of tasks: which are due, who has them in hand, what became of an attempt.

A worker claims due copies for a time (a lease), writes its intent right before a request leaves, and
finishes the attempt. Everything it writes is guarded by its lease: a worker that wakes up late writes
nothing. An intent whose lease ended means that a request may have left and nobody knows its answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, Integer, Text, column, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.ids import derived_id, is_id
from router.core.store.bulk import Insert, Update, names_of
from router.core.store.page import Page, page_of
from router.core.store.plain import storable
from router.core.store.read import Query, row_of, rows_of
from router.core.store.schema import UNSETTLED, Row, attempts, deliveries

_ALL: Final = list(deliveries.c)

# One step of the index a destination: the rows that wait are many, the destinations few.
_DUE_DESTINATIONS: Final = Query(
    "WITH RECURSIVE found(name) AS (SELECT min(destination) FROM deliveries WHERE {waiting} "
    "UNION ALL SELECT (SELECT min(destination) FROM deliveries WHERE {waiting} "
    "AND destination > found.name) FROM found WHERE found.name IS NOT NULL) "
    "SELECT {columns} FROM found WHERE (SELECT next_attempt_ms FROM deliveries "
    "WHERE destination = found.name AND {waiting} AND intent IS NULL "
    "AND (NOT ({leased}) OR lease_until_ms <= :now) "
    "ORDER BY next_attempt_ms LIMIT 1) <= :now ORDER BY name",
    [column("name", Text)],
)
_NEXT_DUE: Final = Query(
    "WITH RECURSIVE found(name) AS (SELECT min(destination) FROM deliveries WHERE {waiting} "
    "UNION ALL SELECT (SELECT min(destination) FROM deliveries WHERE {waiting} "
    "AND destination > found.name) FROM found WHERE found.name IS NOT NULL) "
    "SELECT min(due) AS {columns} FROM ("
    "SELECT (SELECT min(next_attempt_ms) FROM deliveries WHERE destination = found.name "
    "AND {waiting} AND NOT ({leased})) AS due FROM found "
    "UNION ALL SELECT min(lease_until_ms) FROM deliveries WHERE {leased}) AS times",
    [column("due_ms", BigInteger)],
)
_CLAIM_DUE: Final = Query(
    "WITH due AS MATERIALIZED (SELECT id FROM deliveries "
    "WHERE destination = :destination AND {waiting} AND next_attempt_ms <= :now "
    "AND intent IS NULL AND (NOT ({leased}) OR lease_until_ms <= :now) "
    "ORDER BY next_attempt_ms LIMIT :limit {lock_free}) "
    "UPDATE deliveries SET lease_owner = :owner, lease_until_ms = :until "
    "WHERE id IN (SELECT id FROM due) RETURNING {columns}",
    _ALL,
)
_CLAIM_ABANDONED: Final = Query(
    "WITH due AS MATERIALIZED (SELECT id FROM deliveries "
    "WHERE {leased} AND lease_until_ms <= :now AND intent IS NOT NULL "
    "ORDER BY lease_until_ms LIMIT :limit {lock_free}) "
    "UPDATE deliveries SET lease_owner = :owner, lease_until_ms = :until "
    "WHERE id IN (SELECT id FROM due) RETURNING {columns}",
    _ALL,
)
_LOCKED: Final = Query(
    "SELECT {columns} FROM deliveries WHERE id IN ({ids}) ORDER BY id {lock}", _ALL
)
_BY_IDS: Final = Query("SELECT {columns} FROM deliveries WHERE id IN ({ids})", _ALL)
_SET: Final = Update(
    deliveries,
    names_of(deliveries, but={"id", "task_id", "destination", "wanted_version", "created_ms"}),
)
_COUNTS: Final = Query(
    "SELECT {columns} FROM (SELECT destination, state, count(*) AS number FROM deliveries "
    "WHERE {unsettled} AND state <> 'dropped' GROUP BY destination, state) AS counted",
    [column("destination", Text), column("state", Text), column("number", Integer)],
)
STATES: Final = ("pending", "current", "retrying", "uncertain", "held", "failed", "dropped")
"""All states of a delivery."""
_UNSETTLED_STATES: Final = frozenset({"uncertain", "held", "failed", "dropped"})
_ATTEMPTS: Final = Insert(attempts, names_of(attempts), "ON CONFLICT (id) DO NOTHING")


def wanted_copy(task: Row, destination: str, now_ms: int) -> Row:
    """Return the row that asks for a destination's copy of a task as it is now, for `routing.write`."""
    return {
        "id": derived_id(task["id"], destination),
        "task_id": task["id"],
        "destination": destination,
        "state": "pending",
        "wanted_version": task["version"],
        "next_attempt_ms": now_ms,
        "created_ms": now_ms,
        "updated_ms": now_ms,
    }


async def due_destinations(conn: AsyncConnection, now_ms: int) -> list[str]:
    """Return the destinations that have a copy to be attempted now."""
    return [row["name"] for row in await _DUE_DESTINATIONS.rows(conn, now=now_ms)]


async def next_due_ms(conn: AsyncConnection) -> int | None:
    """Return when the next copy is due or the next lease ends; None if there is nothing to wait for."""
    (row,) = await _NEXT_DUE.rows(conn)
    found: int | None = row["due_ms"]
    return found


async def claim_due(
    conn: AsyncConnection, destination: str, *, owner: str, now_ms: int, lease_ms: int, limit: int
) -> list[Row]:
    """Take due copies of a destination in hand for a time, longest due first.

    Due are those `pending`, `retrying` or `uncertain` whose time has come, that nobody has in hand, and of which no
    request may be under way (see `abandoned_intents`).
    """
    values = {"owner": owner, "now": now_ms, "until": now_ms + lease_ms, "limit": limit}
    rows = await _CLAIM_DUE.rows(conn, destination=destination, **values)
    return sorted(rows, key=lambda row: (row["next_attempt_ms"], row["id"]))


async def abandoned_intents(
    conn: AsyncConnection, *, owner: str, now_ms: int, lease_ms: int, limit: int
) -> list[Row]:
    """Take copies in hand whose worker vanished between its intent and the answer."""
    values = {"owner": owner, "now": now_ms, "until": now_ms + lease_ms, "limit": limit}
    rows = await _CLAIM_ABANDONED.rows(conn, **values)
    return sorted(rows, key=lambda row: str(row["id"]))


async def set_intents(
    conn: AsyncConnection, intents: Collection[Row], *, owner: str, now_ms: int
) -> set[str]:
    """Note what is about to be sent; return the ids of those that may be: still in the owner's hand.

    A row has `id`, `intent` and the other columns that change, such as `create_request`, which is kept
    from then on. A first attempt is one now, unless the row or what is stored says otherwise.
    """
    held = await _held(conn, intents, owner=owner, now_ms=now_ms)
    changed = []
    for row in intents:
        if (found := held.get(row["id"])) is not None:
            first = {"first_attempt_ms": found["first_attempt_ms"] or now_ms}
            changed.append(found | first | row)
    await _SET.run(conn, changed)
    return set(held)


async def finish_attempts(
    conn: AsyncConnection, results: Collection[Row], *, owner: str, now_ms: int
) -> set[str]:
    """Write what became of attempts and give the copies back; return the ids of those written.

    A row has `id` and the columns that change (`state`, `delivered_version`, `external_id`, `reason`,
    `attempts`, `first_attempt_ms`, `next_attempt_ms`, `create_request`, `last_answer`, `shown`). One that is not
    in the owner's hand any more is left alone. A copy that is `current`, but of which a later version
    is wanted by now, becomes `pending` at once.
    """
    held = await _held(conn, results, owner=owner, now_ms=now_ms)
    given_back = {"intent": None, "lease_owner": None, "lease_until_ms": None, "updated_ms": now_ms}
    changed = [held[row["id"]] | row | given_back for row in results if row["id"] in held]
    for row in changed:
        if row["state"] == "current" and row["delivered_version"] < row["wanted_version"]:
            row["state"], row["next_attempt_ms"] = "pending", now_ms
    await _SET.run(conn, changed)
    return set(held)


async def give_back(conn: AsyncConnection, delivery_ids: Collection[str], *, owner: str) -> None:
    """Give copies back untried, so that they are due again at once."""
    rows = await _LOCKED.by_ids(conn, delivery_ids)
    free = {"intent": None, "lease_owner": None, "lease_until_ms": None}
    await _SET.run(conn, [row | free for row in rows if row["lease_owner"] == owner])


async def send_again(conn: AsyncConnection, delivery_ids: Collection[str], *, now_ms: int) -> None:
    """Have current copies sent once more: a worker that lost its lease may have overwritten them."""
    rows = await _LOCKED.by_ids(conn, delivery_ids)
    again = [
        row
        | {
            "state": "pending",
            "delivered_version": min(row["delivered_version"], row["wanted_version"] - 1),
            "next_attempt_ms": now_ms,
            "updated_ms": now_ms,
        }
        for row in rows
        if row["state"] == "current"
    ]
    await _SET.run(conn, again)


async def take_up_failed(
    conn: AsyncConnection, delivery_ids: Collection[str], *, now_ms: int
) -> None:
    """Have those copies attempted once more whose last change was refused or given up."""
    rows = await _LOCKED.by_ids(conn, delivery_ids)
    due = {"state": "pending", "reason": None, "next_attempt_ms": now_ms}
    await _SET.run(conn, [row | due for row in rows if row["state"] == "failed"])


async def _held(
    conn: AsyncConnection, rows: Collection[Row], *, owner: str, now_ms: int
) -> dict[str, Row]:
    """Return those copies that are in the owner's hand, locked until the transaction ends."""
    found = await _LOCKED.by_ids(conn, [row["id"] for row in rows])
    return {
        row["id"]: row
        for row in found
        if row["lease_owner"] == owner and row["lease_until_ms"] > now_ms
    }


async def add_attempts(conn: AsyncConnection, rows: Collection[Row]) -> None:
    """Keep a record of attempts, for people; `trim` removes it in time."""
    await _ATTEMPTS.run(conn, rows)


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries: those for which everything that is set holds.

    `since_ms` (included) and `until_ms` (excluded) are about `updated_ms`.
    """

    state: str | None = None
    destination: str | None = None
    task_id: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


async def get_delivery(conn: AsyncConnection, delivery_id: str) -> Row | None:
    """Return a delivery; None if there is none with this id."""
    if not is_id(delivery_id):
        return None
    return await row_of(conn, select(deliveries).where(deliveries.c.id == delivery_id))


async def get_deliveries(conn: AsyncConnection, delivery_ids: Collection[str]) -> list[Row]:
    """Return deliveries by their ids, those that are there."""
    return await _BY_IDS.by_ids(conn, [each for each in delivery_ids if is_id(each)])


async def list_deliveries(
    conn: AsyncConnection, wanted: DeliveryFilter, *, limit: int = 50, cursor: str | None = None
) -> Page:
    """Return a page of deliveries, newest first.

    Raises:
        BadCursorError: The cursor is none of this list's.
    """
    query = select(deliveries).where(*matching(wanted))
    return await page_of(conn, query, deliveries.c.id, limit=limit, cursor=cursor)


async def oldest_ids(
    conn: AsyncConnection, wanted: DeliveryFilter, *, after: str = "", limit: int = 200
) -> list[str]:
    """Return ids of deliveries that a filter finds, the oldest first, those after an id."""
    query = select(deliveries.c.id).where(*matching(wanted), deliveries.c.id > after)
    return list(await conn.scalars(query.order_by(deliveries.c.id).limit(limit)))


async def count_deliveries(conn: AsyncConnection, wanted: DeliveryFilter) -> int:
    """Return how many deliveries a filter finds."""
    query = select(func.count()).select_from(deliveries).where(*matching(wanted))
    return int(await conn.scalar(query) or 0)


async def unsettled_counts(conn: AsyncConnection) -> dict[tuple[str, str], int]:
    """Return, by destination and state, how many deliveries are uncertain, held or failed."""
    rows = await _COUNTS.rows(conn)
    return {(row["destination"], row["state"]): row["number"] for row in rows}


async def attempts_of(conn: AsyncConnection, delivery_id: str, limit: int = 50) -> list[Row]:
    """Return the latest attempts at a delivery that are kept, oldest first."""
    query = (
        select(attempts)
        .where(attempts.c.delivery_id == delivery_id)
        .order_by(attempts.c.id.desc())
        .limit(limit)
    )
    return (await rows_of(conn, query))[::-1]


def matching(wanted: DeliveryFilter) -> Iterator[ColumnElement[bool]]:
    """Return what a filter asks of a row."""
    if wanted.state is not None:
        if wanted.state in _UNSETTLED_STATES:
            yield text(UNSETTLED)  # type: ignore[misc]  # says so the database that its index will do
        yield deliveries.c.state == storable(wanted.state)
    if wanted.destination is not None:
        yield deliveries.c.destination == storable(wanted.destination)
    if wanted.task_id is not None:
        yield deliveries.c.task_id == storable(wanted.task_id)
    if wanted.since_ms is not None:
        yield deliveries.c.updated_ms >= wanted.since_ms
    if wanted.until_ms is not None:
        yield deliveries.c.updated_ms < wanted.until_ms
