"""Tasks, as people and programs look at them; deleted ones are not there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Text,
    and_,
    exists,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.ids import is_id
from router.core.store.page import Order, Page
from router.core.store.plain import storable
from router.core.store.read import Query, row_of, rows_of
from router.core.store.schema import (
    NEVER,
    TASK_CONNECTOR,
    TASK_DUE,
    TASK_TEXT,
    Row,
    deliveries,
    history,
    tasks,
)
from router.core.store.searching import Conditions, search

_HISTORY_SHOWN: Final = 1000


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks: those for which everything that is set holds.

    `connector` is that of `source`; `assignee` and `label` are one of the list; `key` is exact;
    `since_ms` (included) and `until_ms` (excluded) are about the time that the list is sorted by, so that an
    index has both; `q` is looked for in title and description, without regard to the case of A to Z at least.
    """

    status: str | None = None
    status_kind: str | None = None
    client: str | None = None
    project: str | None = None
    connector: str | None = None
    assignee: str | None = None
    label: str | None = None
    key: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    q: str | None = None


async def get_task(conn: AsyncConnection, task_id: str) -> Row | None:
    """Return a task; None if there is none with this id."""
    if not is_id(task_id):
        return None
    query = select(tasks).where(tasks.c.id == task_id, tasks.c.deleted_ms.is_(None))
    return await row_of(conn, query)


_TASKS: Final = Query.for_each_id(tasks, "tasks.id = wanted.id")


async def get_tasks(conn: AsyncConnection, task_ids: Collection[str]) -> dict[str, Row]:
    """Return tasks by id, also deleted ones (their copies may have to follow)."""
    return {row["id"]: row for row in await _TASKS.by_ids(conn, task_ids)}


NEWEST: Final = "-created"

_DUE: Final = literal_column(TASK_DUE, BigInteger)

ORDERS: Final = {
    order.name: order
    for order in (
        Order(NEWEST, tasks.c.created_ms, tasks.c.number),
        Order("created", tasks.c.created_ms, tasks.c.number, falling=False),
        Order("-updated", tasks.c.updated_ms, tasks.c.number),
        Order("updated", tasks.c.updated_ms, tasks.c.number, falling=False),
        Order("due", _DUE, tasks.c.number, falling=False),
    )
}
"""How tasks may be sorted, by name: `-` is falling. By `due`, those without a due date come last."""


async def list_tasks(
    conn: AsyncConnection,
    wanted: TaskFilter,
    *,
    limit: int = 50,
    cursor: str | None = None,
    sort: str = NEWEST,
) -> Page:
    """Return a page of tasks; `sort` is one of `ORDERS`.

    Raises:
        BadCursorError: The cursor is none of this list's.
    """
    order = ORDERS[sort]
    if conn.dialect.name == "sqlite":
        passing = _conditions(wanted, order, on_sqlite=True).values()
        query = select(tasks).where(_THERE, *passing)
        return await order.page(conn, query, limit=limit, cursor=cursor)
    along, others = divided(wanted, sort)
    if others:
        # PostgreSQL expects each text that is not very common as often as any other.
        guessed = wanted.q is not None
        return await search(conn, order, along, others, limit=limit, cursor=cursor, guessed=guessed)
    return await order.page(conn, select(tasks).where(*along), limit=limit, cursor=cursor)


def divided(wanted: TaskFilter, sort: str) -> tuple[Conditions, Conditions]:
    """Return the conditions that an index of PostgreSQL has together with the order, and the others."""
    conditions = _conditions(wanted, ORDERS[sort], on_sqlite=False)
    if "key" in conditions:
        return [_THERE, *conditions.values()], []  # of one key there are few
    indexed = _WITH_ORDER.get(sort.removeprefix("-"), ())
    leading = [name for name in indexed if name in conditions][:1]
    leading += [name for name in ("since_ms", "until_ms") if name in conditions]
    along = [conditions.pop(name) for name in leading]
    return [_THERE, *along], list(conditions.values())


_THERE: Final = tasks.c.deleted_ms.is_(None)

_WITH_ORDER: Final = {
    "created": ("project", "client", "connector", "status", "status_kind"),
    "due": ("status_kind",),
}
"""Which filters have an index together with an order; the first of several is likely to leave the fewest tasks."""


def _conditions(
    wanted: TaskFilter, order: Order, *, on_sqlite: bool
) -> dict[str, ColumnElement[bool]]:
    """Return the conditions of a filter, by its fields."""
    return dict(_each_condition(wanted, order, on_sqlite=on_sqlite))


def _each_condition(
    wanted: TaskFilter, order: Order, *, on_sqlite: bool
) -> Iterator[tuple[str, ColumnElement[bool]]]:
    for name in ("status", "status_kind", "client", "project", "key"):
        value = getattr(wanted, name)
        if value is not None:
            yield name, tasks.c[name] == storable(value)
    if wanted.connector is not None:
        # Written as its index is, which would not be used for another spelling of the same.
        named = tasks.c.source["connector"].as_string()
        indexed = literal_column(TASK_CONNECTOR, Text)
        yield "connector", (named if on_sqlite else indexed) == storable(wanted.connector)
    if wanted.assignee is not None:
        yield "assignee", _holds(tasks.c.assignees, wanted.assignee, on_sqlite=on_sqlite)
    if wanted.label is not None:
        yield "label", _holds(tasks.c.labels, wanted.label, on_sqlite=on_sqlite)
    if wanted.since_ms is not None:
        yield "since_ms", and_(order.by >= wanted.since_ms, order.by < NEVER)
    if wanted.until_ms is not None:
        yield "until_ms", order.by < wanted.until_ms
    if wanted.q is not None:
        yield "q", _mentions(storable(wanted.q), on_sqlite=on_sqlite)


def _mentions(q: str, *, on_sqlite: bool) -> ColumnElement[bool]:
    if on_sqlite:
        return or_(
            tasks.c.title.icontains(q, autoescape=True),
            tasks.c.description.icontains(q, autoescape=True),
        )
    pattern = re.sub(r"([\\%_])", r"\\\1", q)
    return literal_column(TASK_TEXT, Text).op("ILIKE", return_type=Boolean())(f"%{pattern}%")


def _holds(column: Column[Any], item: str, *, on_sqlite: bool) -> ColumnElement[bool]:
    """Whether a list of texts holds one of them."""
    if on_sqlite:
        items = func.json_each(column).table_valued("value")
        return exists().where(items.c.value == storable(item))
    return type_coerce(column, JSONB).contains([storable(item)])


async def task_history(conn: AsyncConnection, task_id: str) -> list[Row]:
    """Return the changes of a task, oldest first; of very many the latest."""
    query = (
        select(history)
        .where(history.c.task_id == task_id)
        .order_by(history.c.at_ms.desc(), history.c.id.desc())
        .limit(_HISTORY_SHOWN)
    )
    return (await rows_of(conn, query))[::-1]


async def task_deliveries(conn: AsyncConnection, task_id: str) -> list[Row]:
    """Return a task's copies, by destination."""
    query = select(deliveries).where(deliveries.c.task_id == task_id)
    return await rows_of(conn, query.order_by(deliveries.c.destination))


_DELIVERIES: Final = Query.for_each_id(deliveries, "deliveries.task_id = wanted.id")


async def deliveries_of(conn: AsyncConnection, task_ids: Collection[str]) -> dict[str, list[Row]]:
    """Return the copies of several tasks: a list for each id, by destination."""
    found: dict[str, list[Row]] = {task_id: [] for task_id in task_ids}
    rows = await _DELIVERIES.by_ids(conn, task_ids)
    for row in sorted(rows, key=lambda row: str(row["destination"])):
        found[row["task_id"]].append(row)
    return found
