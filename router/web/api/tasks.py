"""`/api/v1/tasks`, `/tasks/{id}`, `/tasks/{id}/deliveries`."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from router.core.store.present import delivery_json, task_json
from router.core.store.tasks import (
    TaskFilter,
    deliveries_of,
    get_task,
    list_tasks,
    task_deliveries,
    task_history,
)
from router.web import problems
from router.web.api.endpoint import Api
from router.web.api.query import envelope, list_query
from router.web.problems import ProblemError

_FILTERS = ("status", "connector", "assignee", "label", "key", "since", "until", "q")


async def many(api: Api, request: web.Request) -> Any:
    """List tasks, the newest first."""
    query = list_query(request, _FILTERS, api.clock)
    async with api.store.connect() as conn:
        wanted = TaskFilter(**query.filters)
        page = await list_tasks(conn, wanted, limit=query.limit, cursor=query.cursor)
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
    return task_json(row, deliveries=copies, history=history)


async def deliveries(api: Api, request: web.Request) -> Any:
    """List the copies of a task."""
    task_id = request.match_info["id"]
    async with api.store.connect() as conn:
        if await get_task(conn, task_id) is None:
            raise ProblemError(problems.NOT_FOUND)
        rows = await task_deliveries(conn, task_id)
    return envelope(rows, None, delivery_json)
