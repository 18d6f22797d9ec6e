"""Finding a page of tasks in PostgreSQL where no index has both the filter and the order of a list.

There are two ways: along the index of the order, looking at each task, which is quick where many tasks pass; or by
the indexes of the filter, sorting what they find, which is quick where few do. PostgreSQL left alone takes tasks that
pass for evenly spread: for a label of last year it reads a year of tasks to come to the first. So it is only asked
how many it expects, which says what to try first, and each way ends where it turns out to be the longer one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    Executable,
    Select,
    Subquery,
    func,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.util import ClauseAdapter

from router.core.store.page import MOST, ORDERED_BY, Order, Page
from router.core.store.plain import json_value
from router.core.store.read import rows_of
from router.core.store.schema import tasks

STRETCH: Final = 10_000
"""How many tasks are looked at along the order, before those that pass are taken for rare."""

SAMPLE: Final = 3000
"""How many are looked at to learn how often a text occurs, which PostgreSQL does not know."""

FEW: Final = 5000
"""How many tasks are collected, before they are taken for many."""

# Plans are to be those for the values at hand, by indexes also where the server counts with slow disks, and not
# compiled, which takes longer than all the rest. With less memory, a bitmap of many tasks forgets which of a
# block they are, and all of its tasks are looked at.
_PLANNING: Final = text(
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true), "
    "set_config('random_page_cost', '1.1', true), set_config('work_mem', '32MB', true), "
    "set_config('jit', 'off', true)"
)

_FOUND: Final = "found_count"

Conditions = Sequence[ColumnElement[bool]]


async def search(
    conn: AsyncConnection,
    order: Order,
    along: Conditions,
    others: Conditions,
    *,
    limit: int,
    cursor: str | None,
    guessed: bool = False,
) -> Page:
    """Return a page of the tasks that pass all conditions; an index has the order together with those `along` it.

    `guessed` says that PostgreSQL's expectation of the conditions is worth nothing.

    Raises:
        BadCursorError: The cursor is none of a list that is sorted like this.
    """
    limit = max(1, min(limit, MOST))
    along = [*along, *order.after(cursor)]
    everything = [*along, *others]
    count = limit + 1
    await conn.execute(_PLANNING)
    if guessed:
        rows = await rows_of(conn, walk(order, along, others, count, stretch=SAMPLE))
        is_long = len(rows) * STRETCH < count * SAMPLE
    else:
        rows = []
        passing, there = await _expected(conn, everything), await _expected(conn, along)
        is_long = passing * STRETCH < count * there
    if is_long:
        rows = await rows_of(conn, collect(order, everything, count, most=FEW))
        counts = [row.pop(_FOUND) for row in rows]
        if not counts or counts[0] <= FEW:
            return order.cut(rows, limit)
        rows = []
    if len(rows) < count:
        rows = await rows_of(conn, walk(order, along, others, count, stretch=STRETCH))
    if len(rows) < count:
        rows = await rows_of(conn, collect(order, everything, count))
    return order.cut(rows, limit)


async def _expected(conn: AsyncConnection, conditions: Conditions) -> int:
    """Return how many tasks PostgreSQL expects to pass."""
    plan = (await conn.execute(Explained(select(tasks.c.number).where(*conditions)))).scalar_one()
    (whole,) = json_value(plan) if isinstance(plan, str) else plan
    return int(whole["Plan"]["Plan Rows"])


def walk(
    order: Order, along: Conditions, others: Conditions, count: int, *, stretch: int
) -> Select[Any]:
    """Return the query of the first tasks that pass, of a stretch of the order."""
    inner = select(tasks, order.by.label(ORDERED_BY)).where(*along).order_by(*order.columns)
    walked = inner.limit(stretch).subquery("walked")
    passing = [ClauseAdapter(walked).traverse(condition) for condition in others]
    return select(walked).where(*passing).order_by(*_sorting(order, walked)).limit(count)


def collect(
    order: Order, conditions: Conditions, count: int, *, most: int | None = None
) -> Select[Any]:
    """Return the query that finds all tasks that pass, and reads the first of them whole.

    With `most` it ends where it has found more, and says how many it found.
    """
    keys = select(order.by.label(ORDERED_BY), order.then).where(*conditions)
    # Either keeps the order out of the sub-select, which would be read along it.
    found = (keys.offset(0) if most is None else keys.limit(most + 1)).subquery("found")
    counted = () if most is None else (func.count().over().label(_FOUND),)
    sorted_ = select(found, *counted).order_by(*_sorting(order, found)).limit(count)
    first = sorted_.subquery("first")
    more = [column for column in first.c if column.name in {ORDERED_BY, _FOUND}]
    whole = select(tasks, *more).join(first, order.then == first.c[order.then.name])
    return whole.order_by(*_sorting(order, first))


def _sorting(order: Order, rows: Subquery) -> tuple[ColumnElement[Any], ...]:
    return order.sorted(rows.c[ORDERED_BY], rows.c[order.then.name])


class Explained(Executable, ClauseElement):
    """The plan of a query, as JSON; its values are parameters as they are when it runs."""

    inherit_cache = False

    def __init__(self, query: Select[Any]) -> None:
        self.query = query


@compiles(Explained)
def _explain(explained: Explained, compiler: SQLCompiler, **given: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(explained.query, **given)}"
