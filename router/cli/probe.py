"""Asks a receiver whether it is up and ready."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp

_PAUSE_S = 0.05
_ANSWER_WITHIN = aiohttp.ClientTimeout(total=5)


async def wait_until_healthy(address: str, *, within_s: float) -> bool:
    """Tell whether the receiver's process answers within so many seconds."""
    return await _wait(f"{address}/healthz", within_s=within_s) is None


async def wait_until_ready(address: str, *, within_s: float) -> str | None:
    """Wait for Redis, database and rules; return what is still missing then, None if all is there."""
    return await _wait(f"{address}/readyz", within_s=within_s)


async def _wait(url: str, *, within_s: float) -> str | None:
    problem = "no answer"
    try:
        async with (
            asyncio.timeout(within_s),
            aiohttp.ClientSession(timeout=_ANSWER_WITHIN) as session,
        ):
            while True:
                found = await _ask(session, url)
                if found is None:
                    return None
                problem = found
                await asyncio.sleep(_PAUSE_S)
    except TimeoutError:
        return problem


async def _ask(session: aiohttp.ClientSession, url: str) -> str | None:
    """Return None for a 200, else what is missing."""
    try:
        async with session.get(url) as answer:
            if answer.status == 200:  # noqa: PLR2004  OK
                return None
            return _missing(await answer.json(content_type=None)) or f"status {answer.status}"
    except (aiohttp.ClientError, ValueError) as error:
        return str(error) or type(error).__name__


def _missing(answer: Any) -> str:
    """Return the parts of a /readyz answer that are not there, as text."""
    if not isinstance(answer, dict):
        return ""
    return ", ".join(
        f"{name} {part.get('state', '?')}"
        for name, part in answer.items()
        if isinstance(part, dict) and part.get("state") not in {"ok", "stale"}
    )
