"""`/api/v1/tasks`, `/tasks/{id}`, `/tasks/{id}/deliveries`."""

from __future__ import annotations

from typing import Any

from aiohttp import hdrs, web

from router.core.store.present import delivery_json, task_json
from router.core.store.tasks import (
    NEWEST,
    ORDERS,
    TaskFilter,
    deliveries_of,
    get_task,
    list_tasks,
    task_deliveries,
    task_history,
)
from router.web import problems
from router.web.api.bodies import etag
from router.web.api.endpoint import Answer, Api
from router.web.api.query import envelope, list_query, one_of
from router.web.problems import ProblemError

_CHOICES = {
    "status_kind": ("initial", "in_progress", "done", "cancelled"),
    "sort": tuple(ORDERS),
}
FILTERS = (
    "status",
    "status_kind",
    "connector",
    "assignee",
    "label",
    "client",
    "project",
    "key",
    "since",
    "until",
    "q",
    "sort",
)


async def many(api: Api, request: web.Request) -> Any:
    """List tasks, the newest first unless `sort` says otherwise."""
    query = list_query(request, FILTERS, api.clock)
    filters = dict(query.filters)
    for name, choices in _CHOICES.items():
        one_of(name, filters.get(name), choices)
    sort = filters.pop("sort", NEWEST)
    async with api.store.connect() as conn:
        wanted = TaskFilter(**filters)
        page = await list_tasks(conn, wanted, limit=query.limit, cursor=query.cursor, sort=sort)
        copies = await deliveries_of(conn, [row["id"] for row in page.rows])
    return envelope(
        page.rows, page.next_cursor, lambda row: task_json(row, deliveries=copies[row["id"]])
    )


async def one(api: Api, request: web.Request) -> Any:
    """Show a task with its history."""
    task_id = request.match_info["id"]
    async with api.store.connect() as conn:
        row = await get_task(conn, task_id)
        if row is None:
            raise ProblemError(problems.NOT_FOUND)
        copies = await task_deliveries(conn, task_id)
        history = await task_history(conn, task_id)
    shown = task_json(row, deliveries=copies, history=history)
    return Answer(shown, headers={hdrs.ETAG: etag(row["version"])})


async def deliveries(api: Api, request: web.Request) -> Any:
    """List the copies of a task."""
    list_query(request, (), api.clock)
    task_id = request.match_info["id"]
    async with api.store.connect() as conn:
        if await get_task(conn, task_id) is None:
            raise ProblemError(problems.NOT_FOUND)
        rows = await task_deliveries(conn, task_id)
    return envelope(rows, None, delivery_json)
