"""What one would write first: check the signature, parse, one `enqueue_job` a request, answer.

On asyncio's own loop, as `web.run_app` starts it; `--uvloop` gives it the loop Hookyard runs on.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json

import uvloop
from aiohttp import web
from arq import create_pool
from arq.connections import ArqRedis, RedisSettings

from tests.support.senders import SHOP_SECRET

_POOL = web.AppKey("pool", ArqRedis)


async def _receive(request: web.Request) -> web.Response:
    body = await request.read()
    expected = base64.b64encode(hmac.digest(SHOP_SECRET.encode(), body, hashlib.sha256)).decode()
    if not hmac.compare_digest(expected, request.headers.get("X-Shopify-Hmac-Sha256", "")):
        return web.json_response({"error": "signature"}, status=401)
    topic = request.headers.get("X-Shopify-Topic")
    job = await request.app[_POOL].enqueue_job("handle", topic, json.loads(body))
    return web.json_response({"id": job.job_id if job else None}, status=202)


async def _app(redis_port: int) -> web.Application:
    app = web.Application()
    app[_POOL] = await create_pool(RedisSettings(host="127.0.0.1", port=redis_port))
    app.router.add_post("/hooks/{connector}", _receive)
    return app


def _main() -> None:
    parser = argparse.ArgumentParser(description="The naive build; `bench` starts it.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--redis-port", type=int, required=True)
    parser.add_argument("--uvloop", action="store_true")
    given = parser.parse_args()
    loop = uvloop.new_event_loop() if given.uvloop else asyncio.new_event_loop()
    app = _app(given.redis_port)
    web.run_app(app, host="127.0.0.1", port=given.port, access_log=None, print=None, loop=loop)


if __name__ == "__main__":
    _main()
