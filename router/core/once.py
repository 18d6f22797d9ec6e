"""Tokens that a sender uses once: remembered with what came with them, shared by all receivers.

Where a sender signs a token instead of the body, whoever sees one request could send anything with
that token. The same request once more is let in: it is the sender, who did not hear the answer.
"""

from __future__ import annotations

import hashlib
import math

from redis.asyncio import Redis

from router.core import keys


class Once:
    """Remembers tokens for as long as they could come again."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def take(self, connector: str, token: str, content: bytes, within_s: float) -> bool:
        """Tell whether a token is new, or came with the same content before.

        Raises:
            RedisError, OSError: Redis is away.
        """
        key = keys.once(connector, _hash(token.encode("utf-8", "surrogatepass")))
        written = _hash(content)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(key, written, nx=True, ex=math.ceil(within_s))
            pipe.get(key)
            _, there = await pipe.execute()
        return there in (written, written.encode())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
