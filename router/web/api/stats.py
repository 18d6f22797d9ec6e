"""`/api/v1/stats`: how much waits, and which rules are in force."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from router.core.clock import epoch_ms
from router.web.api.endpoint import Api


async def show(api: Api, _request: web.Request) -> Any:
    """Show the backlog, its age in seconds, and the rules."""
    oldest_ms = await api.pending.oldest_ms()
    age_s = 0.0 if oldest_ms is None else max(0, epoch_ms(api.clock()) - oldest_ms) / 1000
    return {
        "backlog": {"events": await api.pending.count_events(), "age_seconds": age_s},
        "rules": {"hash": api.connectors.hash},
        "connectors": len(api.connectors.by_name),
    }
