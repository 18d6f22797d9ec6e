"""Tokens that count with one content, kept in an imitated Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator

import fakeredis
import pytest

from router.core import keys
from router.core.once import Once


@pytest.fixture
async def redis() -> AsyncIterator[fakeredis.FakeAsyncRedis]:
    client = fakeredis.FakeAsyncRedis()
    yield client
    await client.aclose()


async def test_a_token_counts_with_the_content_it_came_with_first(
    redis: fakeredis.FakeAsyncRedis,
) -> None:
    once = Once(redis)

    taken = [
        await once.take("mails", token, content, 60)
        for token, content in (("a", b"1"), ("a", b"1"), ("a", b"2"), ("b", b"2"), ("a", b"1"))
    ]

    assert taken == [True, True, False, True, True]
    assert await once.take("others", "a", b"2", 60)


async def test_it_is_the_same_for_every_receiver_whatever_redis_answers_in() -> None:
    server = fakeredis.FakeServer()
    one = fakeredis.FakeAsyncRedis(server=server)
    other = fakeredis.FakeAsyncRedis(server=server, decode_responses=True)

    assert await Once(one).take("mails", "a", b"1", 60)
    assert await Once(other).take("mails", "a", b"1", 60)
    assert not await Once(other).take("mails", "a", b"2", 60)
    await one.aclose()
    await other.aclose()


async def test_neither_token_nor_content_is_in_redis_and_it_forgets(
    redis: fakeredis.FakeAsyncRedis,
) -> None:
    await Once(redis).take("mails", "canary\udcff", b"canary", 59.5)

    ((key, value),) = [(key, await redis.get(key)) async for key in redis.scan_iter("*")]
    assert key.startswith(f"{keys.PREFIX}once:mails:".encode())
    assert b"canary" not in key + value
    assert 55 <= await redis.ttl(key) <= 60
