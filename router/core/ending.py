"""Ending tasks that run until they are cancelled."""

from __future__ import annotations

import asyncio
from typing import Any

_AGAIN_S = 0.5


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and return when they have ended; what they raise stays with them.

    They are cancelled again until they end: on Python 3.11 a cancellation that meets a time-out of
    redis-py may be lost, and a process that is to stop would wait for ever.
    """
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_AGAIN_S)
