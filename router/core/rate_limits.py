"""A connector's rate limit, shared by all receivers: a token bucket in Redis.

The bucket is kept as the one time at which it will be full again (GCRA), by the clock of Redis, so
that receivers whose clocks differ agree. A request that is turned away takes nothing (decision A9).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from redis.asyncio import Redis

from router.core import keys
from router.core.intake_table import RateLimit

_TAKE = """
local now = redis.call('TIME')
local now_us = now[1] * 1000000 + now[2]
local interval_us, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_us = math.max(now_us, tonumber(redis.call('GET', KEYS[1]) or 0))
local wait_us = full_us + interval_us - burst * interval_us - now_us
if wait_us > 0 then
  return {math.ceil(wait_us), math.ceil(full_us - now_us)}
end
full_us = full_us + interval_us
redis.call('SET', KEYS[1], string.format('%.0f', full_us), 'PX', math.ceil((full_us - now_us) / 1000))
return {0, math.ceil(full_us - now_us)}
"""
"""KEYS: the bucket. ARGV: microseconds a token takes to come back, tokens in a full bucket. Returns
the microseconds until there is one, 0 if one was taken; and those until the bucket is full."""


class Room(NamedTuple):
    """What came of taking a token: `wait_s` until there may be one, 0 if it was taken.

    `remaining` tokens are left, and after `reset_s` seconds the bucket is full again.
    """

    wait_s: float
    remaining: int
    reset_s: float


class RateLimits:
    """Takes tokens from connectors' buckets."""

    def __init__(self, redis: Redis) -> None:
        self._take = redis.register_script(_TAKE)

    async def take(self, connector: str, limit: RateLimit) -> float:
        """Take a token; return 0, or the seconds after which there may be one.

        Raises:
            RedisError, OSError: Redis is away.
        """
        return (await self.ask(connector, limit)).wait_s

    async def ask(self, connector: str, limit: RateLimit) -> Room:
        """Take a token, and say how many are left.

        Raises:
            RedisError, OSError: Redis is away.
        """
        interval_us = limit.span_ms * 1000 / limit.count
        wait_us, full_us = map(
            int, await self._take(keys=[keys.rate(connector)], args=[interval_us, limit.burst])
        )
        # What is missing from a full bucket, rounded up: a token that is not whole cannot be taken.
        missing = math.ceil(full_us / interval_us)
        return Room(wait_us / 1e6, max(0, limit.burst - missing), full_us / 1e6)
