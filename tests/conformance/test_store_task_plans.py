"""How databases find a page of tasks: by indexes, whatever the filter and the order.

Plans are asked for with reading everything and sorting forbidden, so that they do not hang on how many tasks there
happen to be: what no index leads to is read through or sorted nevertheless, and shows.
"""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import pytest
from sqlalchemy import Select, event, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.store.engine import Store
from router.core.store.page import ORDERED_BY
from router.core.store.schema import tasks
from router.core.store.searching import Explained, collect, walk
from router.core.store.tasks import ORDERS, TaskFilter, divided, list_tasks

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
FROM generate_series(1, 20000) AS n
"""

FILTERS: dict[str, Any] = {
    "status": "doing",
    "status_kind": "in_progress",
    "client": "client7",
    "project": "project7",
    "connector": "c7",
    "assignee": "p7",
    "label": "l7",
    "key": "k7",
    "since_ms": 19_900,
    "until_ms": 100,
    "q": "c4ca4238a0b92",
}
COMBINED = [dict(chosen) for count in (0, 1, 2) for chosen in combinations(FILTERS.items(), count)]
INDEXES = {
    "status": "ix_tasks_status_created_ms_number",
    "status_kind": "ix_tasks_status_kind_created_ms_number",
    "client": "ix_tasks_client_created_ms_number",
    "project": "ix_tasks_project_created_ms_number",
    "connector": "ix_tasks_connector",
    "assignee": "ix_tasks_assignees",
    "label": "ix_tasks_labels",
    "key": "ix_tasks_key_scope_completed_ms",
    "since_ms": "ix_tasks_created_ms_number",
    "until_ms": "ix_tasks_created_ms_number",
    "q": "ix_tasks_text",
}
ALONG = {
    "-created": "ix_tasks_created_ms_number",
    "created": "ix_tasks_created_ms_number",
    "-updated": "ix_tasks_updated_ms_number",
    "updated": "ix_tasks_updated_ms_number",
    "due": "ix_tasks_all_due",
}
postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@postgresql
@pytest.mark.postgresql
async def test_postgresql_goes_by_indexes_for_every_filter_and_order(store: Store) -> None:
    async with store.begin() as conn:
        await conn.execute(text(_FILL))
        await conn.execute(text("ANALYZE tasks"))
    async with store.begin() as conn:
        for name in ("enable_seqscan", "enable_sort", "enable_incremental_sort"):
            await conn.execute(text(f"SET LOCAL {name} = off"))
        for given in COMBINED:
            for sort in ORDERS:
                for way, plan in await _plans(conn, given, sort):
                    which = f"{way}: {given} by {sort}"
                    assert not [node for node in plan if node["Node Type"] == "Seq Scan"], which
                    if way != "collected":
                        assert "key" in given or not _sorts(plan), which
                        continue
                    scans = [node for node in plan if "Index Name" in node]
                    assert all("Index Cond" in node for node in scans), which
                    if (only := "".join(given)) in {"assignee", "label", "q"}:
                        assert _indexes(plan) == {INDEXES[only]}, which


@postgresql
@pytest.mark.postgresql
async def test_postgresql_goes_along_the_index_of_the_order_and_of_one_filter(
    store: Store,
) -> None:
    async with store.begin() as conn:
        await conn.execute(text(_FILL))
        await conn.execute(text("ANALYZE tasks"))
    async with store.connect() as conn:
        for sort, name in ALONG.items():
            ((_, plan),) = await _plans(conn, {}, sort)
            assert _indexes(plan) == {name}
        for name in ("status", "status_kind", "client", "project", "connector", "since_ms"):
            ((_, plan),) = await _plans(conn, {name: FILTERS[name]}, "-created")
            assert _indexes(plan) == {INDEXES[name]}
        ((_, plan),) = await _plans(conn, {"status_kind": "initial"}, "due")
        assert _indexes(plan) == {"ix_tasks_due"}


@sqlite
async def test_sqlite_goes_by_indexes_and_sorts_nothing_by_the_time_of_making(
    store: Store,
) -> None:
    for given in COMBINED:
        for sort in ("-created", "created"):
            for line in await _sqlite_plan(store, given, sort):
                which = f"{given} by {sort}: {line}"
                assert "SCAN tasks" not in line or "USING INDEX" in line, which
                assert "TEMP B-TREE" not in line or "key" in given, which


@sqlite
@pytest.mark.parametrize("sort", ["-updated", "updated"])
async def test_sqlite_goes_along_the_index_by_the_time_of_the_last_change(
    store: Store, sort: str
) -> None:
    plan = await _sqlite_plan(store, {}, sort)

    assert plan == ["SCAN tasks USING INDEX ix_tasks_updated_ms_number"]


@postgresql
@pytest.mark.postgresql
async def test_a_span_of_time_is_found_by_the_index_of_the_order(store: Store) -> None:
    async with store.begin() as conn:
        await conn.execute(text(_FILL))
        await conn.execute(text("ANALYZE tasks"))
    async with store.connect() as conn:
        for sort, name in ALONG.items():
            for bounds in ({"since_ms": 19_900}, {"until_ms": 100}):
                ((_, plan),) = await _plans(conn, bounds, sort)
                assert _indexes(plan) == {name}
                assert any("Index Cond" in node for node in plan)


async def _plans(
    conn: AsyncConnection, given: dict[str, Any], sort: str
) -> list[tuple[str, list[Any]]]:
    """Return the plans of all statements that may be run for a page, by how it is found."""
    order = ORDERS[sort]
    along, others = divided(TaskFilter(**given), sort)
    if not others:
        whole = select(tasks, order.by.label(ORDERED_BY)).where(*along)
        return [("whole", await _nodes(conn, whole.order_by(*order.columns).limit(51)))]
    return [
        ("walked", await _nodes(conn, walk(order, along, others, 51, stretch=9000))),
        ("collected", await _nodes(conn, collect(order, [*along, *others], 51))),
        ("collected", await _nodes(conn, collect(order, [*along, *others], 51, most=500))),
    ]


async def _nodes(conn: AsyncConnection, query: Select[Any]) -> list[Any]:
    """Return the steps of a query's plan."""
    plan = (await conn.execute(Explained(query))).scalar_one()
    waiting = [one["Plan"] for one in (json.loads(plan) if isinstance(plan, str) else plan)]
    found = []
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        found.append(node)
    return found


def _indexes(plan: list[Any]) -> set[str]:
    """Return the indexes of a plan but the one that tasks are read whole by."""
    return {node["Index Name"] for node in plan if "Index Name" in node} - {"uq_tasks_number"}


def _sorts(plan: list[Any]) -> bool:
    return any("Sort" in node["Node Type"] for node in plan)


async def _sqlite_plan(store: Store, given: dict[str, Any], sort: str) -> list[str]:
    """Return the plan of the statement that is run for a page."""
    run: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        run.append((statement, parameters))

    async with store.connect() as conn:
        event.listen(conn.sync_connection, "before_cursor_execute", note)
        await list_tasks(conn, TaskFilter(**given), sort=sort)
        ((statement, parameters),) = run
        plan = await conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [row.detail for row in plan]
