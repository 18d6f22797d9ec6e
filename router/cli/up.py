"""`hookyard up`: everything in one go, on embedded parts unless the settings name others.

The parent starts Redis, brings the database to this release, starts the worker and the receiver as
children, starts them again when they die, and stops all in order: receiver, worker, Redis.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
from pathlib import Path

import click

from router.cli import embedded, marks
from router.cli.address import free_port, local_address
from router.cli.admin_token import ensure_admin_token
from router.cli.db import noted
from router.cli.failures import CommandError
from router.cli.issued import issued_names
from router.cli.options import address_options, data_option, routes_option
from router.cli.output import result, status
from router.cli.probe import wait_until_healthy, wait_until_ready
from router.cli.rules_report import report_rules
from router.cli.start import on_hangup, prepare, run_async, stop_on_signals
from router.cli.supervise import Part, Supervisor
from router.core.ending import end
from router.core.errors import StoreUnavailableError
from router.core.metrics import forget_process
from router.core.redaction import redact_url
from router.core.settings import PREFIX, Secrets, Settings, environment
from router.core.store.migrate import upgrade

_PARTS = ("receiver", "worker", "redis")
"""In the order of stopping: nothing is accepted any more before the worker lets go."""

_HEALTHY_WITHIN_S = 30.0
_READY_WITHIN_S = 10.0
_DATABASE_WAIT_S = 2.0


@click.command("up")
@address_options
@data_option
@routes_option
def up(**flags: object) -> None:
    """Run everything: Redis, database, receiver and one worker.

    Redis and SQLite are embedded, under the data directory, unless HOOKYARD_REDIS_URL and
    HOOKYARD_DATABASE_URL say otherwise. Ctrl-C stops it cleanly; started again it goes on where it
    was, also after a crash. Rule files that change are reloaded by themselves.
    """
    settings, secrets = prepare(**flags)
    with marks.only_one(settings.data):
        run_async(_Up(settings, secrets).run())


class _Up:
    """One run of `hookyard up`."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets
        self._data = settings.data
        self._embedded = settings.redis_url is None
        self._supervisor = Supervisor(
            started=lambda name, pid: marks.put(self._data, name, pid),
            ended=self._ended,
        )

    async def run(self) -> None:
        stop = stop_on_signals()
        on_hangup(lambda: self._supervisor.send("worker", signal.SIGHUP))
        ended = await asyncio.to_thread(marks.end_left_behind, self._data, _PARTS)
        if ended:
            status(f"Ended what an earlier `hookyard up` left running: {', '.join(ended)}.")
        port = free_port(self._settings.host, self._settings.port)
        self._settings = self._settings.model_copy(update={"port": port})
        working = asyncio.create_task(self._work())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            await end(working)
            if not working.cancelled():
                working.result()
        finally:
            stopping.cancel()
            await self._stop()

    def _ended(self, name: str, pid: int) -> None:
        marks.remove(self._data, name)
        forget_process(pid, _metrics_directory(self._data))

    async def _work(self) -> None:
        """Start all parts, say where they are, and stay until one of them gives up."""
        if self._embedded:
            await self._start_redis()
        await self._prepare_database()
        report_rules(self._settings, self._secrets, await issued_names(self._settings))
        environment_of_parts = self._environment()
        for name, command in (("worker", "work"), ("receiver", "serve")):
            await self._supervisor.start(
                Part(name, [sys.executable, "-m", "router.cli.main", command], environment_of_parts)
            )
        await self._announce()
        await self._supervisor.gave_up.wait()
        raise CommandError(f"{self._supervisor.reason}; its last lines above say why")

    async def _start_redis(self) -> None:
        server = await asyncio.to_thread(embedded.choose_server, self._data)
        await embedded.end_unmarked(self._data)
        log = marks.run_directory(self._data) / "redis.log"
        await self._supervisor.start(
            Part("redis", embedded.command(self._data, server), environment(), output=log)
        )
        await embedded.wait_until_ready(
            self._data, lambda: self._supervisor.running("redis"), log=log
        )
        embedded.remember_server(self._data, server)

    async def _prepare_database(self) -> None:
        while True:
            try:
                await upgrade(self._settings.database, note=noted)
            except StoreUnavailableError as error:
                shown = redact_url(self._settings.database)
                status(f"Waiting for the database {shown}: {error}")
                await asyncio.sleep(_DATABASE_WAIT_S)
            else:
                return

    def _environment(self) -> dict[str, str]:
        """Return the environment of receiver and worker: ours, and where everything is."""
        settings = self._settings
        found = environment() | {
            f"{PREFIX}HOST": settings.host,
            f"{PREFIX}PORT": str(settings.port),
            f"{PREFIX}DATA": str(settings.data),
            f"{PREFIX}ROUTES": str(settings.routes_dir),
            f"{PREFIX}DATABASE_URL": settings.database,
            f"{PREFIX}PROCESSES": "1",
            "PROMETHEUS_MULTIPROC_DIR": str(_emptied(_metrics_directory(self._data))),
        }
        if self._embedded:
            found[f"{PREFIX}REDIS_URL"] = embedded.url(self._data)
        return found

    async def _announce(self) -> None:
        settings = self._settings
        address = local_address(settings.host, settings.port)
        if not await wait_until_healthy(address, within_s=_HEALTHY_WITHIN_S):
            raise CommandError(f"the receiver did not answer within {_HEALTHY_WITHIN_S:.0f} s")
        problem = await wait_until_ready(address, within_s=_READY_WITHIN_S)
        if problem:
            status(f"Not ready yet: {problem}")
        result(f"Hookyard is up at {settings.base_url}")
        result(f"  webhooks     POST {settings.base_url}/hooks/<connector>")
        result(f"  API          {settings.base_url}/api/v1")
        token = await ensure_admin_token(settings)
        if token is not None:
            result(f"  admin token  {token}   (shown this once)")
        status("Ctrl-C stops it.")

    async def _stop(self) -> None:
        for name in _PARTS:
            await self._supervisor.stop(name)
        status("Stopped.")


def _metrics_directory(data: Path) -> Path:
    """Return the directory in which the parts share their metrics."""
    return marks.run_directory(data).resolve() / "metrics"


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
