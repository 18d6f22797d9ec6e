"""Reloads the rules when their files have changed and then stayed as they are for a while.

The system tells of most changes at once. What it does not tell of (network file systems, some mounts,
a directory that another one replaced) is seen by looking at the files' times each second.
"""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from router.core.ending import end
from workers.patience import StoppedError
from workers.rules_in_force import RulesInForce
from workers.watch import Watch, watch

_LOOK_S = 1.0
_LISTEN_AGAIN_S = 0.1
_WATCH_AGAIN_S = 10.0

log = structlog.get_logger(__name__)


class Reloader:
    """Keeps the rules of a worker those of its files.

    `asked` is set to have them reloaded at once, whether they changed or not.
    """

    def __init__(
        self,
        rules: RulesInForce,
        *,
        stop: asyncio.Event,
        asked: asyncio.Event | None = None,
        source: Watch = watch,
    ) -> None:
        self._rules = rules
        self._stop = stop
        self._asked = asked or asyncio.Event()
        self._source = source
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Reload until cancelled, or until the worker is to stop."""
        listening = asyncio.create_task(self._listen())
        try:
            while not self._stop.is_set():
                with contextlib.suppress(StoppedError):
                    await self.look()
                await self._wait()
        finally:
            await end(listening)

    async def look(self) -> None:
        """Look at the files, and reload them if they changed or if that was asked for."""
        try:
            is_asked = self._asked.is_set()
            self._asked.clear()
            if is_asked:
                log.info("reload_asked")
            if is_asked or await self._rules.files.stamp() != self._rules.stamp:
                found = await self._rules.files.load(after_quiet=not is_asked)
                await self._rules.reload(found, self._stop)
        except StoppedError:
            raise
        except Exception:
            # The boundary of a look: what went wrong in one must not end the watching.
            log.exception("reload_broken")

    async def _wait(self) -> None:
        """Wait until there may be something to see."""
        waiting = [asyncio.create_task(each.wait()) for each in (self._woken, self._asked)]
        try:
            await asyncio.wait(waiting, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(*waiting)
        self._woken.clear()

    async def _listen(self) -> None:
        """Wake when the system tells of a change; where it cannot, looking each second is enough."""
        said = False
        while True:
            try:
                async for _ in self._source(self._rules.files.directory):
                    said = False
                    self._woken.set()
                again_s = _LISTEN_AGAIN_S
            except FileNotFoundError:
                again_s = _LOOK_S
            except (OSError, RuntimeError, ExceptionGroup) as error:
                again_s = _WATCH_AGAIN_S
                if not said:
                    said = True
                    log.warning("rules_not_watched", reason=str(error), looked_at_each_s=_LOOK_S)
            await asyncio.sleep(again_s)
