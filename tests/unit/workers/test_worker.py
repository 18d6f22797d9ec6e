"""The worker's own main loop: what it picks, what it leaves, and how it survives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from arq import Retry
from arq.constants import in_progress_key_prefix, job_key_prefix, retry_key_prefix
from arq.worker import func
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from router.core import keys
from router.core.arq_job import deserialize, enqueue, serialize
from router.core.clock import epoch_ms, utc_now
from router.core.nudges import job_id, nudge_deliveries
from tests.support.waiting import wait_until
from workers import patience
from workers import worker as worker_module
from workers.worker import HookyardWorker


class Bench:
    """A worker whose jobs say that they run, and end when they are let."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.stop = asyncio.Event()
        self.done: list[str] = []
        self.running: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fails: Callable[[str], Exception | None] = lambda _: None
        self.worker = HookyardWorker(
            [
                func(self._run, name=keys.ROUTE_JOB),
                func(self._run, name=keys.DELIVER_JOB),
            ],
            redis=redis,
            worker_id="w1",
            clock=utc_now,
            stop=self.stop,
            job_timeout=60,
            job_serializer=serialize,
            job_deserializer=deserialize,
        )

    async def _run(self, ctx: dict[str, Any], what: str) -> None:
        self.running.append(what)
        try:
            await self.gate.wait()
            if (error := self.fails(what)) is not None:
                raise error
        finally:
            self.running.remove(what)
        self.done.append(what)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[asyncio.Task[None]]:
        main = asyncio.create_task(self.worker.main())
        try:
            yield main
        finally:
            self.stop.set()
            self.gate.set()
            async with asyncio.timeout(5):
                await main
                await self.worker.finish_in_hand(1)

    async def route(self, *batches: str, later_ms: int = 0) -> None:
        now_ms = epoch_ms(utc_now())
        async with self.redis.pipeline() as pipe:
            for batch in batches:
                due_ms = now_ms + later_ms
                enqueue(pipe, keys.ROUTE_JOB, batch, (batch,), now_ms=now_ms, due_ms=due_ms)
            await pipe.execute()

    async def deliver(self, *destinations: str) -> None:
        async with self.redis.pipeline() as pipe:
            nudge_deliveries(pipe, destinations, epoch_ms(utc_now()))
            await pipe.execute()

    async def empty(self) -> bool:
        return not await self.redis.zcard(keys.QUEUE)


@pytest.fixture
def bench(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(worker_module, "POLL_S", 0.02)
    monkeypatch.setattr(patience, "_FIRST_S", 0.005)
    return Bench(redis)


async def test_a_job_runs_once_and_leaves_nothing_behind(redis: Redis, bench: Bench) -> None:
    async with bench.at_work():
        await bench.route("b1")
        await wait_until(bench.empty, "the queue is empty")
        await bench.route("b2")
        await wait_until(lambda: bench.done == ["b1", "b2"], "both are done")
        await wait_until(bench.empty, "the queue is empty")

    assert [name async for name in redis.scan_iter("arq:*")] == []


async def test_a_job_that_is_not_due_waits(redis: Redis, bench: Bench) -> None:
    await bench.route("later", later_ms=60_000)
    async with bench.at_work():
        await bench.route("now")
        await wait_until(lambda: bench.done == ["now"], "the other is done")

    assert await redis.zscore(keys.QUEUE, "later") is not None


async def test_a_nudge_is_heard_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "POLL_S", 30)
    await bench.route("first")
    async with bench.at_work():
        await wait_until(lambda: bench.done == ["first"], "it has looked once")

        async def heard() -> bool:
            await bench.route("second")
            return "second" in bench.done

        await wait_until(heard, "the nudge is heard", within_s=5)
        await wait_until(bench.empty, "all is done")


async def test_two_jobs_route_at_once_and_each_destination_has_one(bench: Bench) -> None:
    bench.gate.clear()
    await bench.route("b1", "b2", "b3")
    await bench.deliver("crm", "chat")
    async with bench.at_work():
        await wait_until(lambda: len(bench.running) >= 4, "the places are taken")
        assert sorted(bench.running) == ["b1", "b2", "chat", "crm"]
        assert bench.worker.in_hand == {"b1", "b2", job_id("crm"), job_id("chat")}
        bench.gate.set()
        await wait_until(bench.empty, "all is done")

    assert sorted(bench.done) == ["b1", "b2", "b3", "chat", "crm"]


async def test_jobs_in_hand_say_whose_they_are(redis: Redis, bench: Bench) -> None:
    bench.gate.clear()
    await bench.route("b1")
    async with bench.at_work():
        await wait_until(lambda: bench.running, "it runs")
        assert await redis.get(in_progress_key_prefix + "b1") == b"w1"
        assert await wait_until(lambda: redis.get(keys.worker("w1")), "it has a heartbeat")
        assert await redis.pttl(keys.worker("w1")) > 0


async def test_what_another_worker_has_in_hand_is_left_to_it_and_takes_no_place(
    redis: Redis, bench: Bench
) -> None:
    await bench.route("theirs 1", "theirs 2", "theirs 3")
    for number in (1, 2, 3):
        await redis.set(f"{in_progress_key_prefix}theirs {number}", "w2")
    await bench.route("ours")

    async with bench.at_work():
        await wait_until(lambda: bench.done, "ours is done")

    assert bench.done == ["ours"]
    assert await redis.get(in_progress_key_prefix + "theirs 1") == b"w2"


async def test_a_job_that_another_finished_just_now_is_not_run(
    redis: Redis, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.route("b1")

    async def finished_meanwhile(jobs: list[tuple[str, int]]) -> list[tuple[str, int]]:
        await redis.zrem(keys.QUEUE, "b1")
        return jobs

    monkeypatch.setattr(bench.worker, "_without_those_in_hand", finished_meanwhile)

    await bench.worker._pick()

    assert bench.worker.in_hand == set()
    assert not await redis.exists(in_progress_key_prefix + "b1")


async def test_a_job_that_two_reach_for_is_run_by_one(
    redis: Redis, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.route("b1")

    async def taken_meanwhile(jobs: list[tuple[str, int]]) -> list[tuple[str, int]]:
        await redis.set(in_progress_key_prefix + "b1", "w2")
        return jobs

    monkeypatch.setattr(bench.worker, "_without_those_in_hand", taken_meanwhile)

    await bench.worker._pick()

    assert bench.worker.in_hand == set()
    assert await redis.get(in_progress_key_prefix + "b1") == b"w2"


async def test_a_job_that_is_queued_again_while_it_runs_runs_again(bench: Bench) -> None:
    bench.gate.clear()
    await bench.deliver("crm")
    async with bench.at_work():
        await wait_until(lambda: bench.running, "it runs")
        await asyncio.sleep(0.002)  # so that the second nudge has a later time
        await bench.deliver("crm")
        bench.gate.set()
        await wait_until(lambda: bench.done == ["crm", "crm"], "it has run twice")
        await wait_until(bench.empty, "the queue is empty")


async def test_a_job_that_is_to_be_run_again_is(bench: Bench) -> None:
    errors: list[Exception] = [Retry(defer=0), Retry(defer=0)]
    bench.fails = lambda _: errors.pop() if errors else None
    await bench.route("b1")
    async with bench.at_work():
        await wait_until(lambda: bench.done == ["b1"], "it is done in the end")
        await wait_until(bench.empty, "the queue is empty")


async def test_a_job_that_fails_is_taken_off_and_others_go_on(redis: Redis, bench: Bench) -> None:
    bench.fails = lambda what: ValueError("a mistake") if what == "bad" else None
    await bench.route("bad", "good")
    async with bench.at_work():
        await wait_until(bench.empty, "the queue is empty")

    assert bench.done == ["good"]
    assert not await redis.exists(job_key_prefix + "bad", retry_key_prefix + "bad")


async def test_a_job_whose_content_is_gone_is_taken_off(redis: Redis, bench: Bench) -> None:
    await bench.route("b1")
    await redis.delete(job_key_prefix + "b1")
    async with bench.at_work():
        await wait_until(bench.empty, "the queue is empty")

    assert bench.done == []
    assert [name async for name in redis.scan_iter("arq:*")] == []


async def test_a_job_of_a_function_nobody_has_is_taken_off(redis: Redis, bench: Bench) -> None:
    async with redis.pipeline() as pipe:
        enqueue(pipe, "from-another-release", "j", (), now_ms=epoch_ms(utc_now()))
        await pipe.execute()
    async with bench.at_work():
        await wait_until(bench.empty, "the queue is empty")


async def test_while_redis_is_away_it_tries_again_and_says_so_once(
    redis: Redis, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = redis.zrangebyscore, [RedisConnectionError("gone"), OSError("gone")]

    async def flaky(*args: Any, **given: Any) -> Any:
        if left:
            raise left.pop(0)
        return await real(*args, **given)

    monkeypatch.setattr(redis, "zrangebyscore", flaky)
    await bench.route("b1")
    with capture_logs() as logs:
        async with bench.at_work():
            await wait_until(lambda: bench.done, "the job is done")

    said = [entry["event"] for entry in logs if entry["event"].startswith("redis_")]
    assert said == ["redis_away", "redis_back"]


async def test_a_stop_ends_the_waiting_for_redis(
    redis: Redis, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "_FIRST_S", 30)

    async def away(*_: Any, **__: Any) -> Any:
        raise RedisConnectionError("gone")

    monkeypatch.setattr(redis, "zrangebyscore", away)
    with capture_logs() as logs:
        async with bench.at_work():
            await wait_until(lambda: logs, "it has noticed")


async def test_a_job_that_redis_left_unfinished_is_said_and_does_not_end_the_worker(
    redis: Redis, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = bench.worker.run_job, [RedisConnectionError("gone")]

    async def flaky(job: str, score: int) -> None:
        if left:
            raise left.pop()
        await real(job, score)

    monkeypatch.setattr(bench.worker, "run_job", flaky)
    await bench.route("b1")
    with capture_logs() as logs:
        async with bench.at_work():
            await wait_until(lambda: logs, "it is said")
            await bench.route("b2")
            await wait_until(lambda: bench.done == ["b2"], "the next one is done")

    assert (logs[0]["event"], logs[0]["job_id"]) == ("job_not_finished", "b1")
    assert await redis.get(in_progress_key_prefix + "b1") == b"w1", "the sweeper will see to it"


async def test_a_mistake_of_ours_in_running_a_job_is_said_and_does_not_end_the_worker(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = bench.worker.run_job, [RuntimeError("a mistake")]

    async def flaky(job: str, score: int) -> None:
        if left:
            raise left.pop()
        await real(job, score)

    monkeypatch.setattr(bench.worker, "run_job", flaky)
    await bench.route("b1")
    with capture_logs() as logs:
        async with bench.at_work():
            await wait_until(lambda: logs, "it is said")
            await bench.route("b2")
            await wait_until(lambda: bench.done == ["b2"], "the next one is done")

    assert (logs[0]["event"], logs[0]["log_level"]) == ("job_broken", "error")


async def test_a_stop_waits_for_what_is_in_hand(redis: Redis, bench: Bench) -> None:
    bench.gate.clear()
    await bench.route("b1")
    main = asyncio.create_task(bench.worker.main())
    await wait_until(lambda: bench.running, "it runs")

    bench.stop.set()
    await main
    asyncio.get_running_loop().call_later(0.05, bench.gate.set)
    await bench.worker.finish_in_hand(5)

    assert bench.done == ["b1"]
    assert await bench.empty()
    assert not await redis.exists(keys.worker("w1"))


async def test_what_takes_longer_than_there_is_time_is_given_back(
    redis: Redis, bench: Bench
) -> None:
    bench.gate.clear()
    await bench.route("b1")
    main = asyncio.create_task(bench.worker.main())
    await wait_until(lambda: bench.running, "it runs")

    bench.stop.set()
    await main
    await bench.worker.finish_in_hand(0.01)

    assert (bench.running, bench.done) == ([], [])
    assert await redis.zscore(keys.QUEUE, "b1") is not None
    assert await redis.exists(job_key_prefix + "b1")
    assert not await redis.exists(in_progress_key_prefix + "b1", keys.worker("w1"))


async def test_the_heartbeat_and_the_listening_survive_redis(
    redis: Redis, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "HEARTBEAT_S", 0.01)
    real_set, real_pubsub = redis.set, redis.pubsub
    left = {"set": 2, "pubsub": 2}

    async def flaky_set(name: Any, *args: Any, **given: Any) -> Any:
        if name == keys.worker("w1") and left["set"]:
            left["set"] -= 1
            raise RedisConnectionError("gone")
        return await real_set(name, *args, **given)

    def flaky_pubsub(**given: Any) -> Any:
        if left["pubsub"]:
            left["pubsub"] -= 1
            raise RedisConnectionError("gone")
        return real_pubsub(**given)

    monkeypatch.setattr(redis, "set", flaky_set)
    monkeypatch.setattr(redis, "pubsub", flaky_pubsub)
    async with bench.at_work():
        await wait_until(lambda: redis.exists(keys.worker("w1")), "the heart beats")

        async def listens() -> Any:
            return await redis.publish(keys.NUDGE, "x")

        await wait_until(listens, "it listens")
        await bench.route("b1")
        await wait_until(bench.empty, "the job is done")
