"""`hookyard work`: one worker, for as long as it is wanted."""

from __future__ import annotations

import asyncio

import click

from router.cli.catalogues import catalogues
from router.cli.options import data_option, option, routes_option
from router.cli.parts import with_redis_url
from router.cli.start import on_hangup, prepare, run_async, stop_on_signals
from router.core.settings import Secrets, Settings
from workers.main import work as run_worker


@click.command("work")
@routes_option
@data_option
@option(
    "--port",
    "worker_port",
    setting="worker_port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="Port of this worker's /healthz and /metrics; none by default.",
)
def work(**flags: object) -> None:
    """Run one worker: it decides about events and delivers tasks.

    It waits for Redis and the database when they are away, and stops within 25 seconds of SIGTERM.
    Rule files that change are reloaded by themselves, and in a service at once on SIGHUP.
    """
    settings, secrets = prepare(**flags)
    run_async(_work(with_redis_url(settings), secrets))


async def _work(settings: Settings, secrets: Secrets) -> None:
    stop, reload = stop_on_signals(), asyncio.Event()
    on_hangup(reload.set)
    await run_worker(settings, secrets, catalogues(), stop=stop, reload=reload)
