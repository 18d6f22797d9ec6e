"""Going on when Redis or the database is away: wait, a little longer each time, and say so once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.exceptions import RedisError

from router.core.errors import StoreUnavailableError

AWAY = (RedisError, OSError, StoreUnavailableError)
"""What is raised while Redis or the database cannot be reached; it may work a moment later."""

_FIRST_S = 0.1
_LONGEST_S = 3.0

T = TypeVar("T")
log = structlog.get_logger(__name__)


class StoppedError(Exception):
    """The worker is to stop, so nothing is waited for any longer."""


class Backoff:
    """Waits that double from 0.1 s to 3 s; a stop ends them."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._next_s = _FIRST_S

    async def wait(self) -> None:
        """Wait once.

        Raises:
            StoppedError: The stop came first.
        """
        try:
            async with asyncio.timeout(self._next_s):
                await self._stop.wait()
        except TimeoutError:
            self._next_s = min(2 * self._next_s, _LONGEST_S)
        else:
            raise StoppedError

    def reset(self) -> None:
        """Start from the shortest wait again."""
        self._next_s = _FIRST_S


async def insist(what: str, operation: Callable[[], Awaitable[T]], stop: asyncio.Event) -> T:
    """Do something until it works; `what` names it in the log.

    Raises:
        StoppedError: The worker is to stop and it has not worked yet.
    """
    backoff = Backoff(stop)
    failing = False
    while True:
        try:
            result = await operation()
        except AWAY as error:
            if not failing:
                failing = True
                log.warning("waiting", what=what, reason=f"{type(error).__name__}: {error}")
            await backoff.wait()
        else:
            if failing:
                log.info("going_on", what=what)
            return result
