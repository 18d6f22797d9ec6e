"""Lists of tasks: how they are sorted, page by page, and that PostgreSQL goes by indexes for all of it."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import ClauseElement, Executable, Select, text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from router.core.store.engine import Store
from router.core.store.page import BadCursorError
from router.core.store.routing import Writes, write
from router.core.store.schema import Row
from router.core.store.tasks import ORDERS, TaskFilter, list_tasks, tasks_query
from tests.support.rows import NOW_MS, task_row

DUES = (None, 5, 3, None, 5)


def _tasks() -> list[Row]:
    return [
        task_row(
            number=number,
            created_ms=NOW_MS + number // 2,
            updated_ms=NOW_MS - number // 3,
            due_ms=due,
        )
        for number, due in enumerate(DUES, 1)
    ]


async def _add(store: Store, rows: list[Row]) -> None:
    async with store.begin() as conn:
        await write(conn, Writes(new_tasks=rows))


async def _numbers(store: Store, sort: str, limit: int) -> list[int]:
    """Return the numbers of all pages."""
    found: list[int] = []
    cursor: str | None = None
    while True:
        async with store.connect() as conn:
            page = await list_tasks(conn, TaskFilter(), limit=limit, cursor=cursor, sort=sort)
        assert "ordered_by" not in page.rows[0]
        found += [row["number"] for row in page.rows]
        cursor = page.next_cursor
        if cursor is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 200])
@pytest.mark.parametrize(
    ("sort", "numbers"),
    [
        ("-created", [5, 4, 3, 2, 1]),
        ("created", [1, 2, 3, 4, 5]),
        ("-updated", [2, 1, 5, 4, 3]),
        ("updated", [3, 4, 5, 1, 2]),
        ("due", [3, 2, 5, 1, 4]),
    ],
)
async def test_pages_of_any_size_are_the_list_in_its_order(
    store: Store, sort: str, numbers: list[int], limit: int
) -> None:
    await _add(store, _tasks())

    assert await _numbers(store, sort, limit) == numbers


async def test_a_cursor_of_another_order_is_refused(store: Store) -> None:
    await _add(store, _tasks())
    async with store.connect() as conn:
        for one, other in pairwise(ORDERS):
            page = await list_tasks(conn, TaskFilter(), limit=1, sort=one)
            with pytest.raises(BadCursorError):
                await list_tasks(conn, TaskFilter(), cursor=page.next_cursor, sort=other)


@pytest.mark.parametrize("name", ["status_kind", "client", "project"])
async def test_tasks_are_found_by_kind_client_and_project(store: Store, name: str) -> None:
    wanted: dict[str, Any] = {name: "done"}
    await _add(store, [task_row(**{name: "done"}), task_row(number=2)])

    async with store.connect() as conn:
        page = await list_tasks(conn, TaskFilter(**wanted))

    assert [row["number"] for row in page.rows] == [1]


@pytest.mark.parametrize("q", ["50%", "a_b", "c\\d", "OFF", "über"])
async def test_text_is_found_as_it_is_written(store: Store, q: str) -> None:
    titled = task_row(title="50% off a_b c\\d über")
    await _add(store, [titled, task_row(number=2, title="500 axb cd", description="nothing")])

    async with store.connect() as conn:
        page = await list_tasks(conn, TaskFilter(q=q))

    assert [row["number"] for row in page.rows] == [1]


_FILL = """
INSERT INTO tasks (id, number, scope, key, version, title, description, status, status_kind, client,
  project, assignees, followers, labels, links, custom, creator, occurrences, created_ms,
  updated_ms, due_ms, all_day, source)
SELECT lpad(to_hex(n), 32, '0'), n, 'c', 'k' || n, 1, 'Task ' || md5(n::text), NULL,
  CASE WHEN n % 50 = 0 THEN 'doing' WHEN n % 3 = 0 THEN 'open' ELSE 'done' END,
  CASE WHEN n % 50 = 0 THEN 'in_progress' WHEN n % 3 = 0 THEN 'initial' ELSE 'done' END,
  'client' || n % 500, 'project' || n % 500, jsonb_build_array('p' || n % 500), '[]',
  jsonb_build_array('l' || n % 500), '[]', '{}', '{}', 1, n, n * 7 % 100003, n * 13 % 100003, false,
  json_build_object('connector', 'c' || n % 500)
FROM generate_series(1, 60000) AS n
"""
_PLANS: list[tuple[dict[str, Any], str, set[str]]] = [
    ({}, "-created", {"ix_tasks_created_ms_number"}),
    ({}, "created", {"ix_tasks_created_ms_number"}),
    ({}, "-updated", {"ix_tasks_updated_ms_number"}),
    ({}, "due", {"ix_tasks_all_due"}),
    ({"status": "doing"}, "-created", {"ix_tasks_status_created_ms_number"}),
    ({"status_kind": "in_progress"}, "-created", {"ix_tasks_status_kind_created_ms_number"}),
    ({"status_kind": "initial"}, "due", {"ix_tasks_due"}),
    ({"client": "client7"}, "-created", {"ix_tasks_client_created_ms_number"}),
    ({"project": "project7"}, "-created", {"ix_tasks_project_created_ms_number"}),
    ({"connector": "c7"}, "-created", {"ix_tasks_connector"}),
    ({"assignee": "p7"}, "-created", {"ix_tasks_assignees"}),
    ({"label": "l7"}, "-created", {"ix_tasks_labels"}),
    ({"key": "k7"}, "-created", {"ix_tasks_key_scope_completed_ms"}),
    ({"since_ms": 10, "until_ms": 20}, "-created", {"ix_tasks_created_ms_number"}),
    ({"until_ms": 100}, "created", {"ix_tasks_created_ms_number"}),
    ({"q": "c4ca4238a0b92"}, "-created", {"ix_tasks_text"}),
]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.postgresql
async def test_every_filter_and_order_goes_by_an_index(store: Store) -> None:
    async with store.begin() as conn:
        await conn.execute(text(_FILL))
    async with store.begin() as conn:
        await conn.execute(text("ANALYZE tasks"))
        plans = []
        for given, sort, _ in _PLANS:
            order = ORDERS[sort]
            columns = (order.by, order.then)
            query = tasks_query(TaskFilter(**given), on_sqlite=False).order_by(
                *(column.desc() if order.falling else column for column in columns)
            )
            plan = await conn.execute(Explained(query.limit(51)))
            found = _indexes(plan.scalar_one())
            plans.append((given, sort, found))
    assert plans == _PLANS


class Explained(Executable, ClauseElement):
    """The plan of a query, as JSON; its values are parameters as they are when it runs."""

    inherit_cache = False

    def __init__(self, query: Select[Any]) -> None:
        self.query = query


@compiles(Explained)
def _explain(explained: Explained, compiler: SQLCompiler, **given: Any) -> str:
    return f"EXPLAIN (FORMAT JSON) {compiler.process(explained.query, **given)}"


def _indexes(plan: Any) -> set[str]:
    """Return the indexes of a plan; a table that is read through is `everything`."""
    plan = json.loads(plan) if isinstance(plan, str) else plan
    found: set[str] = set()
    waiting = [one["Plan"] for one in plan]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        if node["Node Type"] == "Seq Scan":
            found.add("everything")
        if "Index Name" in node:
            found.add(node["Index Name"])
    return found
