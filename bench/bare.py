"""The most that aiohttp could do: read the body, answer, nothing else."""

from __future__ import annotations

import argparse
import asyncio

import uvloop
from aiohttp import web


async def _receive(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(status=202, body=b'{"status":"accepted"}', content_type="application/json")


async def _serve(port: int) -> None:
    app = web.Application()
    app.router.add_post("/hooks/{connector}", _receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


def _main() -> None:
    parser = argparse.ArgumentParser(description="The bare handler; `bench` starts it.")
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(_serve(parser.parse_args().port))


if __name__ == "__main__":
    _main()
