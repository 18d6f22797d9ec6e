"""A simulator of a vendor on a port of its own, for as long as a test wants it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from tests.support.vendors.faults import Faults
from workers.sandbox.simulator import Simulator


@asynccontextmanager
async def serving(simulator: Simulator, faults: Faults | None = None) -> AsyncIterator[str]:
    """Serve a simulator, with trouble if there is to be some; gives its address."""
    trouble = faults or Faults()
    simulator.around = trouble
    app = web.Application()
    app.add_routes(simulator.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        trouble.release()
        await runner.cleanup()
