"""`/api/v1/tasks`: making, changing, completing, opening again, commenting and deleting tasks."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

from aiohttp import hdrs, web

from router.core.store.edits import KeyTakenError, VersionError
from router.core.store.present import change_json, task_json
from router.core.store.schema import Row
from router.core.store.tasks import task_deliveries, task_history
from router.core.task_board import ReusedKeyError
from router.web import problems
from router.web.api.bodies import (
    JSON,
    MERGE_PATCH,
    etag,
    given_of,
    idempotency_key,
    no_query,
    read_body,
    versions_of,
)
from router.web.api.endpoint import Answer, Api
from router.web.api.models import Comment, TaskNew, TaskPatch, Turn
from router.web.problems import ProblemError

T = TypeVar("T")


async def create(api: Api, request: web.Request) -> Answer:
    """Make a task: 201; 200 with the task that is there for its key or the same request."""
    no_query(request)
    key = idempotency_key(request)
    given = given_of(await read_body(request, TaskNew))
    try:
        made = await api.board.create(given, api.caller.actor, key)
    except ReusedKeyError:
        raise ProblemError(problems.IDEMPOTENCY_REUSED) from None
    url = f"{api.base_url}/api/v1/tasks/{made.task['id']}"
    headers = {hdrs.LOCATION: url, hdrs.ETAG: etag(made.task["version"])}
    return Answer(await _whole(api, made.task), 201 if made.is_new else 200, headers)


async def patch(api: Api, request: web.Request) -> Answer:
    """Change a task as a JSON Merge Patch says."""
    no_query(request)
    given = given_of(await read_body(request, TaskPatch, (MERGE_PATCH, JSON), needed=True))
    actor, versions = api.caller.actor, versions_of(request)
    edited = await _told(api.board.patch(request.match_info["id"], given, actor, versions))
    return await _changed(api, edited.task)


async def complete(api: Api, request: web.Request) -> Answer:
    """Complete a task."""
    no_query(request)
    turn = await read_body(request, Turn)
    actor, versions = api.caller.actor, versions_of(request)
    task_id = request.match_info["id"]
    edited = await _told(api.board.complete(task_id, actor, turn.note, versions))
    return await _changed(api, edited.task)


async def reopen(api: Api, request: web.Request) -> Answer:
    """Open a task again."""
    no_query(request)
    turn = await read_body(request, Turn)
    actor, versions = api.caller.actor, versions_of(request)
    edited = await _told(api.board.reopen(request.match_info["id"], actor, turn.note, versions))
    return await _changed(api, edited.task)


async def comment(api: Api, request: web.Request) -> Answer:
    """Add a note to a task's history."""
    no_query(request)
    said = await read_body(request, Comment)
    edited = await _told(api.board.comment(request.match_info["id"], api.caller.actor, said.note))
    async with api.store.connect() as conn:
        changes = await task_history(conn, edited.task["id"])
    last = [change for change in changes if change["action"] == "commented"][-1]
    return Answer(change_json(last), 201)


async def delete(api: Api, request: web.Request) -> Answer:
    """Delete a task; its history stays. Its copies stay too, unless their destination deletes them."""
    no_query(request)
    actor, versions = api.caller.actor, versions_of(request)
    await _told(api.board.delete(request.match_info["id"], actor, versions))
    return Answer(None, 204)


async def _told(change: Awaitable[T | None]) -> T:
    """Return what a change came to; what kept it from being made becomes a problem."""
    try:
        found = await change
    except VersionError as error:
        raise ProblemError(
            problems.VERSION_MISMATCH,
            f"the task has version {error.version}; read it again and repeat what still holds",
            headers={hdrs.ETAG: etag(error.version)},
            extra={"version": error.version},
        ) from None
    except KeyTakenError:
        raise ProblemError(
            problems.KEY_TAKEN, "complete that one first, or leave this one closed"
        ) from None
    if found is None:
        raise ProblemError(problems.NOT_FOUND)
    return found


async def _changed(api: Api, task: Row) -> Answer:
    return Answer(await _whole(api, task), headers={hdrs.ETAG: etag(task["version"])})


async def _whole(api: Api, task: Row) -> dict[str, Any]:
    async with api.store.connect() as conn:
        copies = await task_deliveries(conn, task["id"])
        history = await task_history(conn, task["id"])
    return task_json(task, deliveries=copies, history=history)
