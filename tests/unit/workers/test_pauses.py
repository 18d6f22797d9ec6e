"""Pauses of destinations, and the mark that tells whether credentials have changed."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from router.core import keys
from tests.support.delivering import SecretBox, config
from workers.destinations import http
from workers.pauses import Pause, Pauses, mark_of

KEYED = config(headers={"X-Key": {"secret": "key"}, "X-Other": {"secret": "other"}})


def mark(given: http.Config = KEYED, **secrets: str) -> str:
    return mark_of(http.DESTINATION, given, SecretBox(secrets))


@pytest.fixture
def pauses(redis: Redis) -> Pauses:
    return Pauses(redis)


async def test_a_pause_lasts_until_it_is_ended(redis: Redis, pauses: Pauses) -> None:
    pause = Pause("credentials", 'answered 401: "who?"', "mark")

    await pauses.put("crm", pause)

    assert await pauses.of("crm") == pause
    assert await pauses.of("other") is None
    assert await redis.ttl(keys.pause("crm")) == -1
    await pauses.end("crm")
    assert await pauses.of("crm") is None


async def test_a_pause_for_a_time_ends_by_itself(redis: Redis, pauses: Pauses) -> None:
    await pauses.put("crm", Pause("rate-limited", "slow down"), for_ms=5_000)

    assert 4_000 < await redis.pttl(keys.pause("crm")) <= 5_000


async def test_a_pause_for_no_time_at_all_is_none_for_ever(redis: Redis, pauses: Pauses) -> None:
    await pauses.put("crm", Pause("rate-limited", "slow down"), for_ms=0)

    assert await redis.pttl(keys.pause("crm")) != -1


def test_the_mark_changes_with_each_secret_and_with_the_configuration() -> None:
    marks = [
        mark(key="a", other="b"),
        mark(key="a", other="c"),
        mark(key="x", other="b"),
        mark(key="a"),
        mark(config(headers={"X-Key": {"secret": "key"}}), key="a", other="b"),
    ]

    assert len(set(marks)) == len(marks)
    assert mark(key="a", other="b") == marks[0]


def test_the_mark_tells_no_secret() -> None:
    assert "hunter2" not in mark(key="hunter2", other="b")
