"""What the routing transaction reads and writes: the hot path.

A transaction of a batch: `lock_scopes`, then the reads, then `allocate_numbers` and one `write`. On
PostgreSQL the locks make transactions that share a connector (or a shared key) follow each other, so
that what was read still holds when it is written; SQLite has one writer at a time anyway.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.store.bulk import Insert, Update, names_of
from router.core.store.read import Pair, Query
from router.core.store.schema import Row, claims, closings, deliveries, events, history, tasks


@dataclass(slots=True)
class Writes:
    """All rows that the routing of a batch writes, by the names of the table's columns.

    A row is there at most once: `events` by id, `claims` by (connector, key), `new_tasks` and
    `changed_tasks` by id, `history` by id, `deliveries` by (task_id, destination), `closings` by
    (scope, key). Columns that may be null or have a default may be left out, also in `changed_tasks`,
    where they are set to it.
    """

    events: list[Row] = field(default_factory=list)
    claims: list[Row] = field(default_factory=list)
    new_tasks: list[Row] = field(default_factory=list)
    changed_tasks: list[Row] = field(default_factory=list)
    history: list[Row] = field(default_factory=list)
    deliveries: list[Row] = field(default_factory=list)
    closings: list[Row] = field(default_factory=list)


_NOT_DECIDED_AGAIN: Final = {
    "id",
    "connector",
    "received_ms",
    "type",
    "delivery_id",
    "headers",
    "query",
    "content_type",
    "remote",
    "body",
}
"""What came in: it stays as it was, whatever an event's later deciding makes of it."""

_EVENTS: Final = Insert(
    events,
    names_of(events),
    "ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in names_of(events, but=_NOT_DECIDED_AGAIN))
    + " WHERE events.status = 'accepted' OR excluded.replays > events.replays",
)
_CLAIMS: Final = Insert(
    claims,
    names_of(claims),
    "ON CONFLICT (connector, key) DO UPDATE SET event_id = excluded.event_id, "
    "received_ms = excluded.received_ms, until_ms = excluded.until_ms "
    "WHERE claims.until_ms < excluded.received_ms",
)
# What is written was made from what is there, under the lock of the scope.
_CLOSINGS: Final = Insert(
    closings,
    names_of(closings),
    "ON CONFLICT (scope, key) DO UPDATE SET version = excluded.version, "
    "closed_ms = excluded.closed_ms, until_ms = excluded.until_ms",
)
# A conflict of open keys is not passed over: it would lose a task.
_NEW_TASKS: Final = Insert(tasks, names_of(tasks), "ON CONFLICT (id) DO NOTHING")
_CHANGED_TASKS: Final = Update(tasks, names_of(tasks, but={"id", "number", "created_ms"}))
_HISTORY: Final = Insert(history, names_of(history), "ON CONFLICT (id) DO NOTHING")
# Only a copy that was current is to be sent at once. One that waits for its next attempt keeps waiting
# (else a chatty sender would undo the back-off), one that is with a person stays there.
_DELIVERIES: Final = Insert(
    deliveries,
    names_of(deliveries),
    "ON CONFLICT (task_id, destination) DO UPDATE SET "
    "wanted_version = excluded.wanted_version, updated_ms = excluded.updated_ms, "
    "state = CASE deliveries.state WHEN 'current' THEN 'pending' ELSE deliveries.state END, "
    "next_attempt_ms = CASE deliveries.state WHEN 'current' THEN excluded.next_attempt_ms "
    "ELSE deliveries.next_attempt_ms END "
    "WHERE excluded.wanted_version > deliveries.wanted_version",
)

_DECIDED: Final = Query(
    "SELECT {columns} FROM events WHERE id IN ({ids}) AND status <> 'accepted'", [events.c.id]
)
_CLAIMS_OF: Final = Query.for_each_pair(
    claims, "claims.connector = wanted.first AND claims.key = wanted.second"
)
_TASKS_OF_KEYS: Final = Query.for_each_pair(
    tasks,
    "tasks.id = coalesce("
    "(SELECT open.id FROM tasks AS open WHERE open.key = wanted.second "
    "AND open.scope = wanted.first AND {open_key}), "
    "(SELECT closed.id FROM tasks AS closed WHERE closed.key = wanted.second "
    "AND closed.scope = wanted.first AND closed.deleted_ms IS NULL "
    "ORDER BY closed.completed_ms DESC, closed.number DESC LIMIT 1)) {lock}",
)
_CLOSINGS_OF: Final = Query.for_each_pair(
    closings, "closings.scope = wanted.first AND closings.key = wanted.second"
)
_COPIES_OF: Final = Query.for_each_id(
    deliveries,
    "deliveries.task_id = wanted.id",
    [deliveries.c.task_id, deliveries.c.destination],
)


async def lock_scopes(conn: AsyncConnection, scopes: Iterable[str]) -> None:
    """Let no other transaction route for these connectors and shared keys until this one ends.

    Call it once, before anything is read, with all of them: locks are taken in one order.
    """
    if conn.dialect.name == "sqlite":
        return
    keys = sorted(_lock_key(scope) for scope in set(scopes))
    await conn.exec_driver_sql(
        "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key", (keys,)
    )


def _lock_key(scope: str) -> int:
    digest = hashlib.sha256(f"hookyard scope {scope}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


async def decided(conn: AsyncConnection, event_ids: Collection[str]) -> set[str]:
    """Return those of the events that have an outcome already."""
    return {row["id"] for row in await _DECIDED.by_ids(conn, event_ids)}


async def claims_of(conn: AsyncConnection, keys: Collection[Pair]) -> dict[Pair, Row]:
    """Return the claims of (connector, deduplication key), also those whose window is over."""
    found = await _CLAIMS_OF.by_pairs(conn, keys)
    return {(row["connector"], row["key"]): row for row in found}


async def tasks_of_keys(conn: AsyncConnection, keys: Collection[Pair]) -> dict[Pair, Row]:
    """Return the task of each (scope, key): the open one, else the one closed last.

    Their rows stay locked until the transaction ends. Deleted tasks do not count.
    """
    found = await _TASKS_OF_KEYS.by_pairs(conn, keys)
    return {(row["scope"], row["key"]): row for row in found}


async def closings_of(conn: AsyncConnection, keys: Collection[Pair]) -> dict[Pair, Row]:
    """Return the closings that came before any task of (scope, key), also those whose time is over."""
    found = await _CLOSINGS_OF.by_pairs(conn, keys)
    return {(row["scope"], row["key"]): row for row in found}


async def copies_of(conn: AsyncConnection, task_ids: Collection[str]) -> dict[str, list[str]]:
    """Return the destinations that have or await a copy of a task, for each that has any."""
    found: dict[str, list[str]] = {}
    for row in await _COPIES_OF.by_ids(conn, task_ids):
        found.setdefault(row["task_id"], []).append(row["destination"])
    return found


async def allocate_numbers(conn: AsyncConnection, count: int) -> list[int]:
    """Return so many new task numbers, rising. Those of a transaction that is undone may be lost."""
    if count <= 0:
        return []
    if conn.dialect.name == "sqlite":
        last = await conn.scalar(_COUNT_UP, {"count": count})
        return list(range(last - count + 1, last + 1))
    numbers = await conn.scalars(_NEXT_NUMBERS, {"count": count})
    return sorted(numbers)


_COUNT_UP: Final = text(
    "INSERT INTO counters (name, value) VALUES ('task', :count) "
    "ON CONFLICT (name) DO UPDATE SET value = value + excluded.value RETURNING value"
)
_NEXT_NUMBERS: Final = text(
    "SELECT nextval('task_numbers') FROM generate_series(1, CAST(:count AS bigint))"
)


async def write(conn: AsyncConnection, writes: Writes) -> None:
    """Write a batch. Writing the same again changes nothing.

    An event that is decided stays as it is unless the row has more `replays`; what came in stays even
    then. A claim in force stays; one whose window ended before `received_ms` gives way. Tasks and
    history that exist already stay. A delivery that exists is only ever asked for a later version: it
    becomes `pending`, due at the row's `next_attempt_ms`, if it was `current`, else it keeps its state
    and time. A closing takes the place of the one its key has.

    Raises:
        StoreError: Another open task has the key of a new one (the scope was not locked), or a value
            cannot be stored.
    """
    await _EVENTS.run(conn, writes.events)
    await _CLAIMS.run(conn, writes.claims)
    await _CLOSINGS.run(conn, writes.closings)
    await _CHANGED_TASKS.run(conn, writes.changed_tasks)
    await _NEW_TASKS.run(conn, writes.new_tasks)
    await _HISTORY.run(conn, writes.history)
    # In one order, so that two transactions never wait for each other.
    await _DELIVERIES.run(conn, sorted(writes.deliveries, key=itemgetter("id")))
