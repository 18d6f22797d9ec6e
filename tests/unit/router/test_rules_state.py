"""What workers say of rule files that cannot be used: heard as long as it is said, and of one at a time."""

from __future__ import annotations

import fakeredis
import pytest
from redis.asyncio import Redis

from router.core import keys
from router.core.rules_state import SAID_FOR_MS, Trouble, said, say, take_back

OURS = Trouble("w1", "2026-11-23T09:12:45Z", ["a.yaml:1:1: R002 no"])
THEIRS = Trouble("w2", "2026-11-23T09:13:00Z", ["b.yaml:2:1: R011 no"])


@pytest.fixture
def redis() -> Redis:
    return fakeredis.FakeAsyncRedis()


async def test_what_is_said_is_heard_for_a_while(redis: Redis) -> None:
    assert await said(redis) is None

    await say(redis, OURS)

    assert await said(redis) == {
        "state": "stale",
        "worker": "w1",
        "since": "2026-11-23T09:12:45Z",
        "problems": ["a.yaml:1:1: R002 no"],
    }
    assert 0 < await redis.pttl(keys.RULES_STATE) <= SAID_FOR_MS


async def test_of_two_who_speak_the_first_is_heard_until_it_is_silent(redis: Redis) -> None:
    await say(redis, OURS)
    await say(redis, THEIRS)
    heard = await said(redis)
    assert heard is not None
    assert heard["worker"] == "w1"

    await take_back(redis, "w2")
    assert await said(redis) == heard

    await take_back(redis, "w1")
    assert await said(redis) is None
    await say(redis, THEIRS)
    heard = await said(redis)
    assert heard is not None
    assert heard["worker"] == "w2"


@pytest.mark.parametrize("stored", ["{", "[]", '"x"', ""])
async def test_what_cannot_be_read_is_nothing_and_is_replaced(redis: Redis, stored: str) -> None:
    await redis.set(keys.RULES_STATE, stored)
    assert await said(redis) is None

    await say(redis, OURS)

    assert await said(redis) is not None
