"""Trouble between us and a vendor, as a script: one entry a request, None for none."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with a request.

    `status`: answered so, and nothing is done (`done`: it is done all the same). `hang`: no answer, after
    nothing or (`done`) all was done. `reset`: the connection breaks, before or after. `cut`: the answer
    breaks off in its middle. `slow`: the answer comes, but late.
    """

    how: Literal["status", "hang", "reset", "cut", "slow"]
    status: int = 500
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    done: bool = False


RESET_BEFORE = Fault("reset")
RESET_AFTER = Fault("reset", done=True)
HANG_BEFORE = Fault("hang")
HANG_AFTER = Fault("hang", done=True)
CUT = Fault("cut", done=True)
SLOW = Fault("slow", done=True)


def status(
    number: int, body: Any = None, *, done: bool = False, headers: Mapping[str, str] | None = None
) -> Fault:
    """Return the fault of an answer with a status."""
    return Fault("status", number, body, headers or {}, done)


class Faults:
    """The trouble that is to come; stands around the requests of a simulator (`Simulator.around`)."""

    def __init__(self, *script: Fault | None, slow_s: float = 0.05) -> None:
        self.script: deque[Fault | None] = deque(script)
        self._slow_s = slow_s
        self._released = asyncio.Event()

    def release(self) -> None:
        """Drop the connections of requests that hang."""
        self._released.set()

    async def __call__(
        self, request: web.Request, answer: Callable[[], web.Response]
    ) -> web.StreamResponse:
        fault = self.script.popleft() if self.script else None
        if fault is None:
            return answer()
        made = answer() if fault.done else None
        if fault.how == "status":
            text = "" if fault.body is None else json.dumps(fault.body)
            return web.Response(status=fault.status, text=text, headers=fault.headers)
        if fault.how == "slow":
            await asyncio.sleep(self._slow_s)
            return made or answer()
        if fault.how == "hang":
            await self._released.wait()
        if fault.how == "cut" and made is not None:
            await _half(request, made)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


async def _half(request: web.Request, made: web.Response) -> None:
    """Send the head of an answer and half of its body."""
    body = made.body
    assert isinstance(body, bytes)
    broken = web.StreamResponse(status=made.status, headers={"Content-Length": str(len(body))})
    await broken.prepare(request)
    await broken.write(body[: len(body) // 2])
