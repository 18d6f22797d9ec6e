"""Keeps child processes running: starts them again with back-off, stops them in order.

`hookyard up` and `hookyard serve --processes N` run their parts this way. Each child leads a
session of its own, so that Ctrl-C reaches the parent alone and the parent decides the order.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from router.cli.failures import COULD_NOT_RUN, CommandError

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 30.0
_SOUND_AFTER_S = 60.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """A child process: how it is started and how long it may take to stop (seconds)."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    grace_s: float = 30.0
    output: Path | None = None
    """Where its stdout and stderr go; None: where ours go."""


class Supervisor:
    """Runs parts until they are stopped; `gave_up` fires when one cannot run at all."""

    def __init__(
        self,
        *,
        started: Callable[[str, int], None] = lambda _name, _pid: None,
        ended: Callable[[str, int], None] = lambda _name, _pid: None,
    ) -> None:
        self.gave_up = asyncio.Event()
        self.reason = ""
        self._started = started
        self._ended = ended
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}
        self._stops: dict[str, asyncio.Event] = {}

    async def start(self, part: Part) -> None:
        """Start a part and keep it running.

        Raises:
            CommandError: The program cannot be started.
        """
        process = await self._spawn(part)
        self._stops[part.name] = asyncio.Event()
        self._watchers[part.name] = asyncio.create_task(self._watch(part, process))

    def running(self, name: str) -> bool:
        """Tell whether a part's process runs at this moment."""
        process = self._processes.get(name)
        return process is not None and process.returncode is None

    def send(self, name: str, number: int) -> None:
        """Send a signal to a part, if its process runs at this moment."""
        process = self._processes.get(name)
        if process is not None and process.returncode is None:
            process.send_signal(number)

    async def stop(self, *names: str) -> None:
        """Stop parts at once (all when none is named) and wait for their end.

        A part that has not ended after its grace is killed.
        """
        chosen = [name for name in names or tuple(self._watchers) if name in self._watchers]
        for name in chosen:
            self._stops[name].set()
        await asyncio.gather(*(self._watchers.pop(name) for name in chosen))

    async def _watch(self, part: Part, process: asyncio.subprocess.Process) -> None:
        """Start a part again each time it ends, more slowly the sooner it ends."""
        stop = self._stops[part.name]
        wait_s = _FIRST_WAIT_S
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            code = await self._ended_or_stopped(part, process, stop)
            self._ended(part.name, process.pid)
            if stop.is_set():
                return
            if code == COULD_NOT_RUN:  # it says itself that trying again is of no use
                self.reason = f"{part.name} could not run"
                self.gave_up.set()
                return
            wait_s = _FIRST_WAIT_S if clock() - began > _SOUND_AFTER_S else wait_s
            _log.warning("part_ended", part=part.name, exit_code=code, again_in_s=wait_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait_s)
                return
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
            process = await self._spawn(part)

    @staticmethod
    async def _ended_or_stopped(
        part: Part, process: asyncio.subprocess.Process, stop: asyncio.Event
    ) -> int:
        """Wait until a process ends by itself, or end it when the part is to stop."""
        ending = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({ending, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not ending.done():
            process.send_signal(signal.SIGTERM)
            await asyncio.wait({ending}, timeout=part.grace_s)
        if not ending.done():
            _log.warning("part_killed", part=part.name, grace_s=part.grace_s)
            process.kill()
        return await ending

    async def _spawn(self, part: Part) -> asyncio.subprocess.Process:
        output = None if part.output is None else part.output.open("ab")
        try:
            process = await asyncio.create_subprocess_exec(
                *part.command,
                env=dict(part.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        except OSError as error:
            raise CommandError(
                f"{part.name}: {part.command[0]} cannot be started: {error}"
            ) from error
        finally:
            if output is not None:
                output.close()
        self._processes[part.name] = process
        self._started(part.name, process.pid)
        return process
