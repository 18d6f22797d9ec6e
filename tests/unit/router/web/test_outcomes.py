"""Outcomes that requests wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgpack
import pytest
from redis.asyncio import Redis

from router.core import keys
from router.web import outcomes as module
from router.web.outcomes import Outcomes, outcome_within
from tests.support.waiting import wait_until


@pytest.fixture
async def outcomes(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Outcomes]:
    """Outcomes that are heard."""
    monkeypatch.setattr(module, "_AGAIN_S", 0.001)
    made = Outcomes(redis, "receiver-1")
    running = asyncio.create_task(made.run())
    await heard(redis)
    yield made
    running.cancel()
    await asyncio.wait([running])


async def heard(redis: Redis) -> None:
    """Wait until somebody listens."""

    async def listens() -> bool:
        ((_, count),) = await redis.pubsub_numsub(keys.outcomes("receiver-1"))
        return bool(count)

    await wait_until(listens, "somebody listens")


async def tell(redis: Redis, event_id: str, **given: Any) -> None:
    outcome = {"event_id": event_id, "status": "routed", **given}
    await redis.publish(keys.outcomes("receiver-1"), msgpack.packb(outcome))


async def test_who_waits_hears_the_outcome_of_their_own_event(
    redis: Redis, outcomes: Outcomes
) -> None:
    with outcomes.expecting("a") as first, outcomes.expecting("b") as second:
        await tell(redis, "b", status="held")
        await tell(redis, "a")

        told = [await outcome_within(future, 10) for future in (first, second)]

    assert [outcome and outcome["status"] for outcome in told] == ["routed", "held"]


async def test_what_nobody_waits_for_or_heard_already_is_passed_over(
    redis: Redis, outcomes: Outcomes
) -> None:
    with outcomes.expecting("a") as future, outcomes.expecting("z") as last:
        for event_id in ("nobody", "a", "a", "z"):
            await tell(redis, event_id)
        assert await outcome_within(last, 10) is not None

        assert future.done()


async def test_an_outcome_that_does_not_come_in_time_is_none(outcomes: Outcomes) -> None:
    with outcomes.expecting("a") as future:
        assert await outcome_within(future, 0.001) is None
        assert not future.done()

    assert future.cancelled()
    assert outcomes._waiting == {}


async def test_when_the_process_stops_all_are_let_go_and_none_waits_anew(
    outcomes: Outcomes,
) -> None:
    with outcomes.expecting("a") as future:
        waiting = asyncio.create_task(outcome_within(future, 600))
        await asyncio.sleep(0)
        outcomes.give_up()
        assert await waiting is None

    with outcomes.expecting("b") as late:
        assert await outcome_within(late, 600) is None


async def test_after_an_outage_outcomes_are_heard_again(
    redis: Redis, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = 0
    listen = outcomes._listen

    async def fails_first() -> None:
        nonlocal failures
        failures += 1
        if failures < 3:
            raise OSError("gone")
        await listen()

    monkeypatch.setattr(outcomes, "_listen", fails_first)
    running = asyncio.create_task(outcomes.run())
    await wait_until(lambda: failures >= 3, "it listens again")
    with outcomes.expecting("a") as future:
        await heard(redis)
        await tell(redis, "a")
        assert await outcome_within(future, 10) is not None
    running.cancel()
    await asyncio.wait([running])


async def test_a_silence_is_no_end(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LISTEN_S", 0.001)
    outcomes = Outcomes(redis, "receiver-1")
    running = asyncio.create_task(outcomes.run())
    await heard(redis)
    with outcomes.expecting("a") as future:
        assert await outcome_within(future, 0.05) is None
        await tell(redis, "a")
        assert await outcome_within(future, 10) is not None
    running.cancel()
    await asyncio.wait([running])
