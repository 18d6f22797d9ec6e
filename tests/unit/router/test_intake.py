from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from arq.constants import job_key_prefix
from prometheus_client import REGISTRY
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError
from structlog.testing import capture_logs

from router.core import keys
from router.core.arq_job import KEPT_MS, deserialize
from router.core.errors import IntakeFullError, NotDurableError
from router.core.event import IncomingEvent
from router.core.ids import id_source
from router.core.intake import BATCH_EVENTS_MAX, Intake
from router.core.pending import PendingBatches
from tests.support.batches import webhook
from tests.support.manual_clock import ManualClock
from tests.support.slow_redis import SlowRedis
from tests.support.waiting import wait_until

MIB = 1024 * 1024


@pytest.fixture
async def redis() -> AsyncIterator[SlowRedis]:
    client = SlowRedis()
    yield client
    await client.aclose()


def _intake(redis: SlowRedis, **given: Any) -> Intake:
    clock = ManualClock()
    bounds = {"max_requests": 10_000, "max_bytes": 1024 * MIB, **given}
    return Intake(redis, new_id=id_source(clock), clock=clock, **bounds)


async def _batches(redis: SlowRedis) -> list[list[IncomingEvent]]:
    """Return all that is stored, batch by batch in the order it was stored in."""
    pending = PendingBatches(redis)
    return list((await pending.load_all(await pending.oldest(1000))).values())


async def _sizes(redis: SlowRedis) -> list[int]:
    return [len(batch) for batch in await _batches(redis)]


async def _hold_up(redis: SlowRedis, intake: Intake) -> asyncio.Task[None]:
    """Return a put whose write does not end before the gate opens."""
    redis.gate.clear()
    begun = redis.begun
    first = asyncio.create_task(intake.put(webhook("shop")))
    await wait_until(lambda: redis.begun > begun, "the first write is under way")
    return first


async def _together(intake: Intake, *events: IncomingEvent) -> list[asyncio.Task[None]]:
    """Return the puts of several events, all of them begun."""
    puts = [asyncio.create_task(intake.put(event)) for event in events]
    for _ in range(2):
        await asyncio.sleep(0)
    return puts


def _observed(what: str) -> float:
    return REGISTRY.get_sample_value(f"hookyard_batch_events_{what}") or 0


async def test_an_event_is_stored_byte_for_byte_when_put_returns(redis: SlowRedis) -> None:
    event = webhook("shop", b'\x00\xff{"a": 1.50}', headers={"x-topic": "a"}, remote="::1")

    await _intake(redis).put(event)

    assert await _batches(redis) == [[event]]
    assert await PendingBatches(redis).count_events() == 1


async def test_a_batch_has_a_job_of_its_own_id_that_is_due_and_waits_for_weeks(
    redis: SlowRedis,
) -> None:
    await _intake(redis).put(webhook("shop"))

    (batch_id,) = await PendingBatches(redis).oldest(2)
    now_ms = ManualClock().now_ms
    assert await redis.zrange(keys.QUEUE, 0, -1, withscores=True) == [(batch_id.encode(), now_ms)]
    stored = await redis.get(job_key_prefix + batch_id)
    assert deserialize(stored or b"") == {
        "t": None,
        "f": keys.ROUTE_JOB,
        "a": [batch_id],
        "k": {},
        "et": now_ms,
    }
    assert KEPT_MS - 60_000 < await redis.pttl(job_key_prefix + batch_id) <= KEPT_MS
    assert await redis.pttl(keys.batch(batch_id)) == -1


async def test_workers_are_nudged_once_for_a_batch(redis: SlowRedis) -> None:
    async with redis.pubsub(ignore_subscribe_messages=True) as heard:
        await heard.subscribe(keys.NUDGE)
        await heard.get_message(timeout=1)
        await _intake(redis).put(webhook("shop"))

        message = await wait_until(heard.get_message, "the nudge is heard")

        assert message["data"] == keys.ROUTE_JOB.encode()
        assert await heard.get_message() is None


async def test_events_that_arrive_during_a_write_share_the_next(redis: SlowRedis) -> None:
    intake = _intake(redis)
    first = await _hold_up(redis, intake)
    others = await _together(intake, *(webhook("shop", number) for number in range(50)))
    assert not any(put.done() for put in others)

    redis.gate.set()
    await asyncio.gather(first, *others)

    batches = await _batches(redis)
    assert [len(batch) for batch in batches] == [1, 50]
    assert [json.loads(event.body) for event in batches[1]] == list(range(50))
    assert await PendingBatches(redis).count_events() == 51


async def test_events_that_arrive_one_after_the_other_wait_for_no_other(redis: SlowRedis) -> None:
    intake = _intake(redis)

    for _ in range(3):
        await intake.put(webhook("shop"))

    assert await _sizes(redis) == [1, 1, 1]


async def test_none_is_acknowledged_before_its_write_ends(redis: SlowRedis) -> None:
    first = await _hold_up(redis, _intake(redis))

    assert not first.done()
    assert await _batches(redis) == []
    redis.gate.set()
    await first


async def test_a_batch_holds_no_more_than_so_many_events(redis: SlowRedis) -> None:
    intake = _intake(redis)
    first = await _hold_up(redis, intake)
    others = await _together(intake, *(webhook("shop") for _ in range(BATCH_EVENTS_MAX + 3)))

    redis.gate.set()
    await asyncio.gather(first, *others)

    assert await _sizes(redis) == [1, BATCH_EVENTS_MAX, 3]


async def test_a_batch_holds_no_more_than_so_many_bytes_but_any_event_has_one(
    redis: SlowRedis,
) -> None:
    intake = _intake(redis)
    first = await _hold_up(redis, intake)
    bodies = [b"a" * 5 * MIB, b"b" * 2 * MIB, b"c" * 2 * MIB, b"d" * 9 * MIB, b"e"]
    others = await _together(intake, *(webhook("shop", body) for body in bodies))

    redis.gate.set()
    await asyncio.gather(first, *others)

    stored = [[event.body for event in batch] for batch in await _batches(redis)]
    assert stored[1:] == [bodies[:2], bodies[2:3], bodies[3:4], bodies[4:]]


async def test_more_requests_than_may_wait_are_turned_away_at_once(redis: SlowRedis) -> None:
    intake = _intake(redis, max_requests=3)
    first = await _hold_up(redis, intake)
    others = await _together(intake, webhook("shop"), webhook("shop"))

    with pytest.raises(IntakeFullError):
        await intake.put(webhook("shop", "too many"))

    redis.gate.set()
    await asyncio.gather(first, *others)
    await intake.put(webhook("shop", "room again"))
    assert await _sizes(redis) == [1, 2, 1]


async def test_more_bytes_than_may_wait_are_turned_away_at_once(redis: SlowRedis) -> None:
    intake = _intake(redis, max_bytes=MIB)
    first = await _hold_up(redis, intake)

    with pytest.raises(IntakeFullError):
        await intake.put(webhook("shop", b"x" * MIB))
    small = await _together(intake, webhook("shop", b"x" * (MIB // 2)))
    with pytest.raises(IntakeFullError):
        await intake.put(webhook("shop", b"x" * (MIB // 2)))

    redis.gate.set()
    await asyncio.gather(first, *small)
    first = await _hold_up(redis, intake)
    small = await _together(intake, webhook("shop", b"x" * (MIB // 2)))
    redis.gate.set()
    await asyncio.gather(first, *small)
    assert await _sizes(redis) == [1, 1, 1, 1]


async def test_an_event_larger_than_all_that_may_wait_is_taken_when_nothing_waits(
    redis: SlowRedis,
) -> None:
    await _intake(redis, max_bytes=10).put(webhook("shop", b"x" * 100))

    assert await _sizes(redis) == [1]


@pytest.mark.parametrize(
    "failure", [RedisConnectionError("gone"), OutOfMemoryError("full"), OSError("reset"), OSError()]
)
async def test_what_redis_does_not_store_is_not_acknowledged_and_later_events_are(
    redis: SlowRedis, failure: Exception
) -> None:
    intake = _intake(redis)
    redis.failure = failure
    first = await _hold_up(redis, intake)
    others = await _together(intake, webhook("shop"), webhook("shop"))

    redis.gate.set()
    told = await asyncio.gather(first, *others, return_exceptions=True)
    redis.failure = None
    await intake.put(webhook("shop", "later"))

    assert [type(one) for one in told] == [NotDurableError] * 3
    assert [[event.body for event in batch] for batch in await _batches(redis)] == [[b'"later"']]


async def test_what_failed_takes_no_room(redis: SlowRedis) -> None:
    intake = _intake(redis, max_requests=1, max_bytes=2 * MIB)
    redis.failure = RedisConnectionError("gone")

    for _ in range(3):
        with pytest.raises(NotDurableError) as caught:
            await intake.put(webhook("shop", b"x" * MIB))
        assert not isinstance(caught.value, IntakeFullError)


async def test_an_outage_is_logged_when_it_begins_and_when_it_ends(redis: SlowRedis) -> None:
    intake = _intake(redis)
    redis.failure = OSError()

    with capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(NotDurableError):
                await intake.put(webhook("shop"))
        redis.failure = None
        await intake.put(webhook("shop"))
        await intake.put(webhook("shop"))

    assert [line["event"] for line in logs] == ["intake_failing", "intake_recovered"]
    assert logs[0]["error"] == "OSError"


async def test_a_write_that_takes_too_long_is_not_acknowledged(redis: SlowRedis) -> None:
    intake = _intake(redis, write_timeout_s=0.02)
    first = await _hold_up(redis, intake)

    with pytest.raises(NotDurableError):
        async with asyncio.timeout(2):
            await first

    redis.gate.set()
    await intake.put(webhook("shop"))
    assert await _sizes(redis) == [1]


async def test_the_first_script_call_after_a_restart_of_redis_loads_it_again(
    redis: SlowRedis,
) -> None:
    intake = _intake(redis)
    await intake.put(webhook("shop"))
    await redis.script_flush()

    await intake.put(webhook("shop"))

    assert await _sizes(redis) == [1, 1]


async def test_who_waits_no_longer_spoils_nothing_for_the_others(redis: SlowRedis) -> None:
    intake = _intake(redis, max_requests=3)
    first = await _hold_up(redis, intake)
    gone, other = await _together(intake, webhook("shop"), webhook("shop"))
    gone.cancel()

    redis.gate.set()
    await asyncio.gather(first, other)

    assert gone.cancelled()
    more = await _together(intake, *(webhook("shop") for _ in range(3)))
    await asyncio.gather(*more)


async def test_who_waits_no_longer_spoils_no_failure_either(redis: SlowRedis) -> None:
    intake = _intake(redis)
    redis.failure = RedisConnectionError("gone")
    first = await _hold_up(redis, intake)
    gone, other = await _together(intake, webhook("shop"), webhook("shop"))
    gone.cancel()

    redis.gate.set()
    told = await asyncio.gather(first, other, return_exceptions=True)

    assert [type(one) for one in told] == [NotDurableError] * 2


async def test_close_returns_when_all_that_was_taken_is_stored(redis: SlowRedis) -> None:
    intake = _intake(redis)
    first = await _hold_up(redis, intake)
    others = await _together(intake, webhook("shop"), webhook("shop"))
    closing = asyncio.create_task(intake.close())
    await asyncio.sleep(0)

    with pytest.raises(NotDurableError):
        await intake.put(webhook("shop", "too late"))
    assert not closing.done()
    redis.gate.set()
    await closing

    assert await _sizes(redis) == [1, 2]
    await asyncio.gather(first, *others)


async def test_close_of_an_idle_intake_returns_at_once(redis: SlowRedis) -> None:
    intake = _intake(redis)

    await intake.close()

    with pytest.raises(NotDurableError):
        await intake.put(webhook("shop"))
    assert await _batches(redis) == []


async def test_whoever_ends_the_writer_leaves_nobody_waiting(redis: SlowRedis) -> None:
    intake = _intake(redis)
    first = await _hold_up(redis, intake)
    others = await _together(intake, webhook("shop"))
    writer = intake._writer
    assert writer is not None

    writer.cancel()
    told = await asyncio.gather(first, *others, return_exceptions=True)

    assert [type(one) for one in told] == [NotDurableError] * 2
    redis.gate.set()
    await intake.put(webhook("shop"))
    assert await _sizes(redis) == [1]


async def test_large_batches_are_packed_beside_the_event_loop(
    redis: SlowRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    aside: list[int] = []
    in_thread = asyncio.to_thread

    async def to_thread(call: Any, events: list[IncomingEvent]) -> Any:
        aside.append(len(events[0].body))
        return await in_thread(call, events)

    monkeypatch.setattr(asyncio, "to_thread", to_thread)
    intake = _intake(redis)

    await intake.put(webhook("shop", b"x" * 1000))
    await intake.put(webhook("shop", b"x" * 2 * MIB))

    assert aside == [2 * MIB]
    assert [len(event.body) for (event,) in await _batches(redis)] == [1000, 2 * MIB]


async def test_the_size_of_each_batch_is_measured_and_failed_ones_are_not(
    redis: SlowRedis,
) -> None:
    intake = _intake(redis)
    count, events = _observed("count"), _observed("sum")
    first = await _hold_up(redis, intake)
    others = await _together(intake, webhook("shop"), webhook("shop"))
    redis.gate.set()
    await asyncio.gather(first, *others)
    redis.failure = RedisConnectionError("gone")

    with pytest.raises(NotDurableError):
        await intake.put(webhook("shop"))

    assert (_observed("count") - count, _observed("sum") - events) == (2, 3)
