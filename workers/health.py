"""A worker's own small HTTP server, where one is asked for: `/healthz` and `/metrics`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from router.core import metrics

_SHUTDOWN_S = 2.0
"""aiohttp's own minute would be longer than a worker may take to stop."""


@asynccontextmanager
async def health_server(host: str, port: int | None) -> AsyncIterator[int | None]:
    """Serve for as long as the block lasts; gives the port, None where none is served."""
    if port is None:
        yield None
        return
    app = web.Application()
    app.router.add_get("/healthz", _healthy)
    app.router.add_get("/metrics", _metrics)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_S)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound: int = runner.addresses[0][1]
        yield bound
    finally:
        await runner.cleanup()


async def _healthy(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _metrics(_: web.Request) -> web.Response:
    content, content_type = metrics.render()
    return web.Response(body=content, headers={"Content-Type": content_type})
