"""`/api/v1/refusals`: what was never accepted, and why."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from router.core.store.present import refusal_json
from router.core.store.refusals import RefusalFilter, list_refusals
from router.web import problems
from router.web.api.endpoint import Api
from router.web.api.query import envelope, list_query
from router.web.problems import ProblemError

_FILTERS = ("connector", "status", "code", "remote", "since", "until")
_STATUS_DIGITS = 3


async def many(api: Api, request: web.Request) -> Any:
    """List refusals, the newest first."""
    query = list_query(request, _FILTERS, api.clock)
    filters = dict(query.filters)
    if "status" in filters:
        filters["status"] = _status(filters["status"])
    async with api.store.connect() as conn:
        wanted = RefusalFilter(**filters)
        page = await list_refusals(conn, wanted, limit=query.limit, cursor=query.cursor)
    return envelope(page.rows, page.next_cursor, refusal_json)


def _status(value: str) -> int:
    """Return an HTTP status."""
    if not (value.isascii() and value.isdigit() and len(value) == _STATUS_DIGITS):
        raise ProblemError(problems.BAD_FILTER, "status is that of an answer, such as 401")
    return int(value)
