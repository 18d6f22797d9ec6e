"""`/api/v1/connectors`: which there are, where they are reached, and what keeps one from working.

And of each one what it received (`/activity`), and programs that send to it (`/code`).
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from router.core.activity import activity_json, since_of
from router.core.code_samples import LANGUAGES, sample_for
from router.core.store.activity import Span, events_per_day, refusals_per_day
from router.core.store.events import EventFilter, list_events
from router.web import problems
from router.web.api.endpoint import Api
from router.web.api.events import STATUSES
from router.web.api.query import list_query, one_of
from router.web.connectors import Connector
from router.web.problems import ProblemError

_LANG = "lang"


async def many(api: Api, request: web.Request) -> Any:
    """List all connectors, by name; there is one page."""
    list_query(request, (), api.clock)
    by_name = api.connectors.by_name
    return {
        "data": [_json(by_name[name], api.base_url) for name in sorted(by_name)],
        "next_cursor": None,
    }


async def code(api: Api, request: web.Request) -> Any:
    """Show a program that makes a task through a connector."""
    for name in request.query:
        if name != _LANG:
            raise ProblemError(problems.BAD_FILTER, f"{name[:64]} is not {_LANG}")
    lang = request.query.get(_LANG, "curl")
    one_of(_LANG, lang, LANGUAGES)
    sample = sample_for(_asked_for(api, request).intake, api.base_url)
    if sample is None:
        raise ProblemError(problems.NOT_FOUND, "it is no task endpoint, or takes its key otherwise")
    return {
        "connector": sample.connector,
        "lang": lang,
        "code": LANGUAGES[lang](sample),
        "body": sample.body,
        "choices": sample.choices,
    }


async def activity(api: Api, request: web.Request) -> Any:
    """Show what a connector received and what came of it, the newest first, and counts per day."""
    connector = request.match_info["id"]
    query = list_query(request, ("since", "until", "status"), api.clock)
    status = query.filters.get("status")
    one_of("status", status, STATUSES)
    span = Span(since_of(query.filters.get("since_ms"), api.clock), query.filters.get("until_ms"))
    wanted = EventFilter(status, connector, span.since_ms, span.until_ms)
    async with api.store.connect() as conn:
        page = await list_events(conn, wanted, limit=query.limit, cursor=query.cursor)
        counts = await events_per_day(conn, connector, span)
        refused = await refusals_per_day(conn, connector, span)
    if not page.rows and not counts and not refused:
        _asked_for(api, request)  # what is gone from the rules may still have been busy
    return activity_json(page, counts, refused, api.base_url)


def _asked_for(api: Api, request: web.Request) -> Connector:
    connector = api.connectors.find(request.match_info["id"])
    if connector is None:
        raise ProblemError(problems.NOT_FOUND)
    return connector


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
