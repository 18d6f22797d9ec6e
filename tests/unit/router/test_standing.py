"""How destinations stand, and letting them go on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import fakeredis
import pytest
from redis.asyncio import Redis

from router.core import keys
from router.core.standing import OK, Standing, let_go_on, standings

PAUSE = {"code": "credentials", "message": "answered 401", "mark": "m", "since_ms": 5}


@pytest.fixture
async def redis() -> AsyncIterator[Redis]:
    async with fakeredis.FakeAsyncRedis() as client:
        yield client


async def standing(redis: Redis) -> Standing:
    return (await standings(redis, ["crm"]))["crm"]


async def put(redis: Redis, key: str, **fields: Any) -> None:
    async with redis.pipeline() as pipe:
        pipe.hset(key, mapping=fields)
        await pipe.execute()


async def fields(redis: Redis, key: str) -> dict[bytes, bytes]:
    async with redis.pipeline() as pipe:
        pipe.hgetall(key)
        (found,) = await pipe.execute()
    return dict(found)


async def test_without_trouble_all_is_well(redis: Redis) -> None:
    assert await standings(redis, []) == {}
    assert await standings(redis, ["crm", "desk"]) == {"crm": OK, "desk": OK}
    assert OK.as_json() == {"state": "ok", "reason": None, "since": None, "until": None}


async def test_a_pause_says_why_since_when_and_until_when(redis: Redis) -> None:
    await redis.set(keys.pause("crm"), json.dumps(PAUSE))
    for_good = await standing(redis)
    await redis.pexpire(keys.pause("crm"), 60_000)
    for_a_time = await standing(redis)

    assert for_good == Standing("paused", "credentials", "answered 401", 5, None)
    assert for_a_time.until_ms is not None
    assert for_a_time.as_json()["since"] == "1970-01-01T00:00:00.005Z"


async def test_an_open_breaker_says_what_went_wrong(redis: Redis) -> None:
    breaker = {"failures": 7, "opened": 2, "until": "9000000", "since": "1000000", "why": "refused"}
    await put(redis, keys.breaker("crm"), **breaker)

    found = await standing(redis)

    assert found == Standing(
        "open", "breaker-open", "7 failures in a row; the last one: refused", 1000, 9000
    )


async def test_a_few_failures_are_no_trouble_yet(redis: Redis) -> None:
    await put(redis, keys.breaker("crm"), failures=3, opened=0, until="0")

    assert await standing(redis) == OK


async def test_letting_a_destination_go_on_ends_the_pause_for_credentials_only(
    redis: Redis,
) -> None:
    assert not await let_go_on(redis, "crm")
    await redis.set(keys.pause("crm"), json.dumps({**PAUSE, "code": "rate-limited"}))
    assert not await let_go_on(redis, "crm")
    assert await redis.exists(keys.pause("crm"))
    await redis.set(keys.pause("crm"), json.dumps(PAUSE))
    assert await let_go_on(redis, "crm")
    assert not await redis.exists(keys.pause("crm"))


async def test_letting_it_go_on_makes_the_breaker_probe_at_once_and_closes_none(
    redis: Redis,
) -> None:
    await put(redis, keys.breaker("crm"), failures=5, opened=1, until="99999999999999999")
    await let_go_on(redis, "crm")
    await let_go_on(redis, "desk")

    assert (await fields(redis, keys.breaker("crm")))[b"until"] == b"0"
    assert (await standing(redis)).state == "open"
    assert not await redis.exists(keys.breaker("desk"))
