from __future__ import annotations

from collections.abc import AsyncIterator

import fakeredis
import pytest
from redis.asyncio import Redis

from router.core import keys
from router.core.intake_table import RateLimit
from router.core.rate_limits import RateLimits
from tests.support.waiting import wait_until

SLOW = RateLimit(count=1, span_ms=108_000_000, burst=3)
"""1/30h, three at once."""


@pytest.fixture
async def redis() -> AsyncIterator[Redis]:
    async with fakeredis.FakeAsyncRedis() as client:
        yield client


async def test_a_burst_passes_and_the_next_is_told_how_long_to_wait(redis: Redis) -> None:
    limits = RateLimits(redis)

    waits = [await limits.take("shop", SLOW) for _ in range(4)]

    assert waits[:3] == [0, 0, 0]
    assert 107_990 < waits[3] <= 108_000


async def test_how_many_are_left_is_said_and_when_all_are_back(redis: Redis) -> None:
    limits = RateLimits(redis)

    rooms = [await limits.ask("shop", SLOW) for _ in range(4)]

    assert [room.remaining for room in rooms] == [2, 1, 0, 0]
    for taken, room in enumerate(rooms[:3], 1):
        assert taken * 108_000 - 10 < room.reset_s <= taken * 108_000
    assert 0 < rooms[3].wait_s <= rooms[3].reset_s


async def test_what_is_turned_away_takes_nothing(redis: Redis) -> None:
    limits = RateLimits(redis)
    for _ in range(3):
        await limits.take("shop", SLOW)

    waits = [await limits.take("shop", SLOW) for _ in range(20)]

    assert waits == sorted(waits, reverse=True)
    assert waits[0] <= 108_000


async def test_all_receivers_share_a_connectors_bucket(redis: Redis) -> None:
    one, other = RateLimits(redis), RateLimits(redis)

    taken = [await limits.take("shop", SLOW) for limits in (one, other, one, other)]

    assert [wait == 0 for wait in taken] == [True, True, True, False]


async def test_each_connector_has_a_bucket_of_its_own(redis: Redis) -> None:
    limits = RateLimits(redis)
    for _ in range(3):
        await limits.take("shop", SLOW)

    assert await limits.take("alerts", SLOW) == 0


async def test_tokens_come_back_in_time_and_the_bucket_is_forgotten_once_it_is_full(
    redis: Redis,
) -> None:
    limits = RateLimits(redis)
    quick = RateLimit(count=1, span_ms=50, burst=1)
    assert await limits.take("shop", quick) == 0

    async def taken() -> bool:
        return await limits.take("shop", quick) == 0

    assert await wait_until(taken, "a token came back", within_s=5)
    assert 0 < await redis.pttl(keys.rate("shop")) <= 50
