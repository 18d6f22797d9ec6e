"""`/api/v1/connectors`: which there are, where they are reached, and what keeps one from working."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from router.web.api.endpoint import Api
from router.web.api.query import list_query
from router.web.connectors import Connector


async def many(api: Api, request: web.Request) -> Any:
    """List all connectors, by name; there is one page."""
    list_query(request, (), api.clock)
    by_name = api.connectors.by_name
    return {
        "data": [_json(by_name[name], api.base_url) for name in sorted(by_name)],
        "next_cursor": None,
    }


def _json(connector: Connector, base_url: str) -> dict[str, Any]:
    intake = connector.intake
    source = intake.source.get("preset") or next(iter(intake.source))
    return {
        "name": connector.name,
        "source": source,
        "url": f"{base_url}/hooks/{connector.name}",
        "reply": intake.reply,
        "body_limit": connector.body_limit,
        "problem": connector.problem,
    }
