"""A Redis in memory whose writes wait for a gate, or fail: what a slow or broken one does."""

from __future__ import annotations

import asyncio
from typing import Any

import fakeredis

_SCRIPT = "EVALSHA"


class SlowRedis(fakeredis.FakeAsyncRedis):
    """Runs scripts as long as its gate is open; `begun` counts those that came so far.

    While `failure` is set they fail with it instead; while `server.connected` is false all commands do.
    """

    def __init__(self, **given: Any) -> None:
        self.server = fakeredis.FakeServer()
        super().__init__(server=self.server, **given)
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = 0
        self.failure: Exception | None = None

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send a command."""
        if args[0] == _SCRIPT:
            self.begun += 1
            await self.gate.wait()
            if self.failure is not None:
                raise self.failure
        return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # not annotated there
