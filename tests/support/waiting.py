"""Waiting with a deadline: for a condition to hold, never for a time to pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, TypeVar, overload

T = TypeVar("T")

_FIRST_PAUSE_S = 0.002
_LONGEST_PAUSE_S = 0.1


@overload
async def wait_until(
    condition: Callable[[], Awaitable[T | None]],
    what: str,
    *,
    within_s: float = ...,
    ignoring: tuple[type[Exception], ...] = ...,
) -> T: ...
@overload
async def wait_until(
    condition: Callable[[], T],
    what: str,
    *,
    within_s: float = ...,
    ignoring: tuple[type[Exception], ...] = ...,
) -> T: ...
async def wait_until(
    condition: Callable[[], Any],
    what: str,
    *,
    within_s: float = 10,
    ignoring: tuple[type[Exception], ...] = (),
) -> Any:
    """Return the first truthy value of the condition; fail with `what` when none came in time.

    Errors of the kinds in `ignoring` count as "not yet".
    """
    deadline = time.monotonic() + within_s
    pause = _FIRST_PAUSE_S
    last: object = None
    while True:
        try:
            found = condition()
            value = await found if isawaitable(found) else found
        except ignoring as error:
            last = error
        else:
            if value:
                return value
            last = value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s: {what}; last seen: {last!r}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)


def wait_until_sync(
    condition: Callable[[], T],
    what: str,
    *,
    within_s: float = 10,
    ignoring: tuple[type[Exception], ...] = (),
) -> T:
    """Do what `wait_until` does where no event loop runs."""
    deadline = time.monotonic() + within_s
    pause = _FIRST_PAUSE_S
    last: object = None
    while True:
        try:
            value = condition()
        except ignoring as error:
            last = error
        else:
            if value:
                return value
            last = value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s: {what}; last seen: {last!r}")
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_S)
