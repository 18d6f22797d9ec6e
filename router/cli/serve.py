"""`hookyard serve`: the receiver; several processes share the port when asked."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import click

from router.cli.address import shared_port
from router.cli.failures import CommandError
from router.cli.options import address_options, data_option, option
from router.cli.output import status
from router.cli.parts import with_redis_url
from router.cli.start import prepare, run_async, stop_on_signals
from router.cli.supervise import Part, Supervisor
from router.core.metrics import forget_process
from router.core.settings import PREFIX, Secrets, Settings, environment
from router.web.server import serve as run_receiver
from workers.by_hand import ByHand


@click.command("serve")
@address_options
@option(
    "--processes",
    setting="processes",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Receiver processes that share the port; 1 by default.",
)
@data_option
def serve(**flags: object) -> None:
    """Run the receiver: webhooks, API, health and metrics.

    It waits for Redis and the database when they are away, and stops within 25 seconds of SIGTERM.
    """
    settings, secrets = prepare(**flags)
    settings = with_redis_url(settings)
    run_async(_serve_one(settings, secrets) if settings.processes == 1 else _serve_many(settings))


async def _serve_one(settings: Settings, secrets: Secrets) -> None:
    await run_receiver(settings, secrets, ByHand(), stop=stop_on_signals())


async def _serve_many(settings: Settings) -> None:
    """Run receivers as children that share port and metrics; start again those that die."""
    stop = stop_on_signals()
    with (
        shared_port(settings.host, settings.port) as port,
        tempfile.TemporaryDirectory(prefix="hookyard-metrics-") as metrics,
    ):
        supervisor = Supervisor(ended=lambda _name, pid: forget_process(pid, Path(metrics)))
        environment_of_parts = _environment(settings, port, Path(metrics))
        command = [sys.executable, "-m", "router.cli.main", "serve", "--processes", "1"]
        try:
            for number in range(1, settings.processes + 1):
                part = Part(f"receiver-{number}", command, environment_of_parts)
                await supervisor.start(part)
            status(f"{settings.processes} receivers share port {port} of {settings.host}.")
            await _first(stop, supervisor.gave_up)
        finally:
            await supervisor.stop()
    if supervisor.gave_up.is_set():
        raise CommandError(f"{supervisor.reason}; its last lines above say why")


def _environment(settings: Settings, port: int, metrics: Path) -> dict[str, str]:
    found = environment() | {
        f"{PREFIX}HOST": settings.host,
        f"{PREFIX}PORT": str(port),
        f"{PREFIX}SHARE_PORT": "1",
        f"{PREFIX}DATA": str(settings.data),
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    }
    if settings.redis_url is not None:
        found[f"{PREFIX}REDIS_URL"] = settings.redis_url.get_secret_value()
    return found


async def _first(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
