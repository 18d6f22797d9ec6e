"""`/api/v1/deliveries`, `/deliveries/{id}`, and what people do about them: `retry`, `drop`."""

from __future__ import annotations

import re
from typing import Any

import structlog
from aiohttp import web

from router.core.again import give_up, send_again
from router.core.clock import epoch_ms
from router.core.store.deliveries import (
    STATES,
    DeliveryFilter,
    attempts_of,
    get_delivery,
    list_deliveries,
)
from router.core.store.engine import Row
from router.core.store.present import delivery_json
from router.core.store.retries import MAX_EXTERNAL_ID, MAX_REASON, Handled
from router.web import problems
from router.web.api.bodies import no_query
from router.web.api.endpoint import Api, body_of
from router.web.api.query import envelope, list_query, one_of
from router.web.problems import Problem, ProblemError

_FILTERS = ("state", "destination", "task", "since", "until")
_REFUSALS: dict[str, Problem] = {
    problem.code: problem
    for problem in (
        problems.NOT_FOUND,
        problems.IS_CURRENT,
        problems.IN_HAND,
        problems.HAS_COPY,
    )
}

_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]")

_log = structlog.get_logger(__name__)


async def many(api: Api, request: web.Request) -> Any:
    """List deliveries, the newest first."""
    query = list_query(request, _FILTERS, api.clock)
    filters = dict(query.filters)
    one_of("state", filters.get("state"), STATES)
    if "task" in filters:
        filters["task_id"] = filters.pop("task")
    async with api.store.connect() as conn:
        wanted = DeliveryFilter(**filters)
        page = await list_deliveries(conn, wanted, limit=query.limit, cursor=query.cursor)
    return envelope(page.rows, page.next_cursor, delivery_json)


async def one(api: Api, request: web.Request) -> Any:
    """Show a delivery with the last answer and the latest attempts."""
    delivery_id = request.match_info["id"]
    async with api.store.connect() as conn:
        row = await get_delivery(conn, delivery_id)
        made = [] if row is None else await attempts_of(conn, delivery_id)
    if row is None:
        raise ProblemError(problems.NOT_FOUND)
    return delivery_json(row, attempts=made)


async def retry(api: Api, request: web.Request) -> Any:
    """Have a delivery sent again at once; with `external_id` in the body that is the copy's."""
    no_query(request)
    delivery_id = request.match_info["id"]
    given = await _fields(request, "external_id")
    external_id = given.get("external_id")
    if external_id is not None:
        _check_text("external_id", external_id, MAX_EXTERNAL_ID)
    now_ms = epoch_ms(api.clock())
    handled = await send_again(
        api.store, api.redis, [delivery_id], now_ms=now_ms, done=api.done, external_id=external_id
    )
    row = _done(handled, delivery_id)
    _log.info("delivery_retried", delivery_id=delivery_id, destination=row["destination"])
    return delivery_json(row)


async def drop(api: Api, request: web.Request) -> Any:
    """Give a delivery up; the body's `reason` says why."""
    no_query(request)
    delivery_id = request.match_info["id"]
    given = await _fields(request, "reason")
    _check_text("reason", given.get("reason"), MAX_REASON)
    reason, now_ms = given["reason"].strip(), epoch_ms(api.clock())
    handled = await give_up(api.store, [delivery_id], reason, now_ms=now_ms, done=api.done)
    row = _done(handled, delivery_id)
    _log.info("delivery_dropped", delivery_id=delivery_id, destination=row["destination"])
    return delivery_json(row)


def _done(handled: Handled, delivery_id: str) -> Row:
    if not handled.rows:
        raise ProblemError(_REFUSALS[handled.refused[delivery_id]])
    return handled.rows[0]


async def _fields(request: web.Request, *known: str) -> dict[str, Any]:
    body = await body_of(request)
    unknown = sorted(body.keys() - set(known))
    if unknown:
        raise ProblemError(
            problems.BAD_BODY, f"{unknown[0][:64]} is not known; {', '.join(known)} is"
        )
    return body


def _check_text(name: str, value: Any, longest: int) -> None:
    if not isinstance(value, str) or not value.strip() or len(value) > longest:
        raise ProblemError(problems.BAD_BODY, f"{name} is a text of 1 to {longest} characters")
    if _CONTROL.search(value):
        raise ProblemError(problems.BAD_BODY, f"{name} is one line without control characters")
