"""What a worker says of its rule files while it cannot use them.

It is in Redis for as long as some worker says it, again and again: when that worker can use its files, or
is no more, it is gone. While it is there, older rules are in force, or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from redis.asyncio import Redis

from router.core import jsonio, keys

SAID_FOR_MS = 5000
"""How long what was said holds, unless it is said again."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Since when (RFC 3339) the files of a worker cannot be used, and why: a line a problem."""

    worker: str
    since: str
    problems: Sequence[str]


async def say(redis: Redis, trouble: Trouble) -> None:
    """Say that the rule files of a worker cannot be used; the first who says so is heard."""
    if await _speaker(redis) in {None, trouble.worker}:
        said = jsonio.dumps({"state": "stale", **asdict(trouble)})
        await redis.set(keys.RULES_STATE, said, px=SAID_FOR_MS)


async def take_back(redis: Redis, worker: str) -> None:
    """Say no longer what a worker said; another's word stays."""
    if await _speaker(redis) == worker:
        await redis.delete(keys.RULES_STATE)


async def said(redis: Redis) -> dict[str, Any] | None:
    """Return what is said at the moment; None if all workers can use their files.

    What cannot be read (of another release, say) counts as nothing.
    """
    stored = await redis.get(keys.RULES_STATE)
    try:
        found = None if stored is None else jsonio.loads(stored)
    except jsonio.UnparseableError:
        return None
    return found if isinstance(found, dict) else None


async def _speaker(redis: Redis) -> str | None:
    found = await said(redis)
    return None if found is None else found.get("worker")
