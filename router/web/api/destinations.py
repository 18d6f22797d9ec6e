"""`/api/v1/destinations`: which there are, how each stands, and what waits for people there."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from router.core.standing import overview
from router.web.api.endpoint import Api
from router.web.api.query import list_query


async def many(api: Api, request: web.Request) -> Any:
    """List all destinations, by name; there is one page."""
    list_query(request, (), api.clock)
    rows = await overview(api.store, api.redis, api.connectors.destinations)
    return {"data": rows, "next_cursor": None}
