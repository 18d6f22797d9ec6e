"""`hookyard sandbox`: simulators of the task APIs on this machine, to try destinations without an account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import click
from aiohttp import web

from router.cli.address import free_port
from router.cli.failures import CommandError
from router.cli.options import option
from router.cli.output import plain, result, status
from router.cli.start import prepare, run_async, stop_on_signals
from router.core import jsonio
from router.core.clock import utc_now
from router.core.settings import Secrets
from workers.sandbox import site
from workers.sandbox.simulator import Call, Simulator

_HOST = "127.0.0.1"
_PORT = 8090
_SHOWN = 200


@click.command("sandbox")
@option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_PORT,
    show_default=True,
    metavar="N",
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@option(
    "--write",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write the destinations and a directory that lead here to DIR, a routes directory.",
)
def sandbox(port: int, directory: Path | None) -> None:
    """Serve simulators of attio, heffl, leadsquared, todovu and vambe on this machine until Ctrl-C.

    Their status is `simulated`: each is as strict as what its vendor publishes, and assumes the rest, which is
    printed at the start. Nothing is kept, and no vendor is asked for anything. GET / shows the tasks.
    """
    prepare()
    run_async(_serve(free_port(_HOST, port), directory))


async def _serve(port: int, directory: Path | None) -> None:
    stop = stop_on_signals()
    made = site.simulators(utc_now)
    for name, simulator in made.items():
        simulator.on_call = _telling(name)
    runner = web.AppRunner(site.application(made), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, _HOST, port).start()
        url = f"http://{_HOST}:{port}"
        if directory is not None:
            await asyncio.to_thread(_write, directory, url)
        _announce(url, made, directory)
        await stop.wait()
    finally:
        await runner.cleanup()
    status("Stopped.")


def _announce(url: str, made: dict[str, Simulator], directory: Path | None) -> None:
    result(f"The sandbox is at {url}   (status: simulated; no vendor is asked for anything)")
    for name, simulator in made.items():
        result(f"  {name:12} {simulator.title}; assumed:")
        for each in simulator.assumptions:
            result(f"  {'':12} - {each}")
    result(f"  every key is {site.KEY}: set {Secrets.variable(site.KEY_NAME)}={site.KEY}")
    if directory is None:
        status("`hookyard sandbox --write DIR` writes the rule files that lead here.")
    status(f"GET {url}/ shows the tasks. Ctrl-C stops it.")


def _write(directory: Path, url: str) -> None:
    """Write the rule files; those that others wrote are left alone.

    Raises:
        CommandError: A file is somebody else's, or cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        texts = {directory / name: text for name, text in site.files(url).items()}
        for path in texts:
            if path.exists() and not path.read_text("utf-8").startswith(site.HEADER):
                raise CommandError(f"{path} is there already, and not from `hookyard sandbox`")
        for path, text in texts.items():
            path.write_text(text, "utf-8")
            result(str(path))
    except OSError as error:
        raise CommandError(f"{directory} cannot be written: {error.strerror}") from error


def _telling(name: str) -> Callable[[Call], None]:
    """Return what prints a request that was answered, and why, if it was refused."""

    def tell(call: Call) -> None:
        is_refused = call.status >= 400 or "Exception" in str(call.body)  # noqa: PLR2004  where refusals begin
        why = f"  {jsonio.dumps(call.body)}" if is_refused else ""
        result(plain(f"{name:12} {call.method:6} {call.path}  {call.status}{why}"[:_SHOWN]))

    return tell
