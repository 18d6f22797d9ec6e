"""Hears of changes below a directory from the operating system, where that tells of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

from watchfiles import awatch

_GATHER_MS = 200
_STEP_MS = 50
_SAME_DIRECTORY_MS = 1000
"""How often it is looked whether the directory is still the same one."""

Watch = Callable[[Path], AsyncIterator[None]]
"""Yields when something below a directory may have changed. It ends when it hears no more of it."""


async def watch(directory: Path) -> AsyncIterator[None]:
    """Yield when something below a directory changes; end when another one has taken its place.

    Raises:
        OSError: The directory is not there, or the system has no more watches to give.
    """
    watched = await asyncio.to_thread(_identity, directory)
    changes = awatch(
        directory,
        watch_filter=None,  # hidden names count: a mounted volume changes by the swap of a hidden link
        debounce=_GATHER_MS,
        step=_STEP_MS,
        rust_timeout=_SAME_DIRECTORY_MS,
        yield_on_timeout=True,
        ignore_permission_denied=False,
    )
    async with aclosing(changes):
        async for changed in changes:
            if changed:
                yield
            if await asyncio.to_thread(_identity, directory) != watched:
                return


def _identity(directory: Path) -> tuple[int, int] | None:
    """Return what tells a directory from another one of the same name."""
    try:
        found = directory.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
