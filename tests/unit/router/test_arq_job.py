from __future__ import annotations

from typing import Any

import fakeredis
import pytest
from arq import worker as arq_worker
from arq.connections import ArqRedis
from arq.constants import job_key_prefix, result_key_prefix
from arq.worker import Worker, func
from redis.asyncio import Redis

from router.core import keys
from router.core.arq_job import KEPT_MS, deserialize, enqueue, serialize
from router.core.clock import epoch_ms, utc_now
from router.core.ids import id_source
from router.core.intake import Intake
from router.core.pending import PendingBatches
from tests.support.batches import webhook

Runs = list[tuple[str, tuple[Any, ...]]]
HOUR_MS = 3_600_000


@pytest.fixture(autouse=True)
def _no_info(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Redis in memory has no INFO, which a worker writes to its log as it starts."""

    async def log_redis_info(*_: object) -> None: ...

    monkeypatch.setattr(arq_worker, "log_redis_info", log_redis_info)


@pytest.fixture
def redis() -> Redis:
    return fakeredis.FakeAsyncRedis(server=fakeredis.FakeServer())


async def _work(redis: Redis, *, fails: bool = False) -> Runs:
    """Have a real arq worker run what is due; return the jobs it ran and their arguments."""
    ran: Runs = []

    async def route(context: dict[str, Any], *args: Any) -> str:
        ran.append((context["job_id"], args))
        if fails:
            raise ValueError("quotes what must not be stored")
        return "done"

    worker = Worker(
        [func(route, name=keys.ROUTE_JOB, keep_result=60)],  # type: ignore[arg-type]  # its protocol has fixed names
        redis_pool=ArqRedis(redis.connection_pool),
        queue_name=keys.QUEUE,
        burst=True,
        poll_delay=0.01,
        handle_signals=False,
        job_serializer=serialize,
        job_deserializer=deserialize,
    )
    await worker.main()
    return ran


async def _enqueue(
    redis: Redis, *args: Any, job_id: str = "job", due_ms: int | None = None
) -> None:
    now_ms = epoch_ms(utc_now())
    async with redis.pipeline() as pipe:
        enqueue(pipe, keys.ROUTE_JOB, job_id, args, now_ms=now_ms, due_ms=due_ms)
        await pipe.execute()


async def test_a_real_worker_runs_a_job_once_with_its_arguments(redis: Redis) -> None:
    await _enqueue(redis, "batch-1", 2, None, job_id="job-1")

    assert await _work(redis) == [("job-1", ("batch-1", 2, None))]
    assert await _work(redis) == []
    assert await redis.exists(job_key_prefix + "job-1") == 0


async def test_a_real_worker_runs_the_job_that_the_intake_wrote(redis: Redis) -> None:
    intake = Intake(redis, new_id=id_source(), clock=utc_now, max_requests=9, max_bytes=9999)
    await intake.put(webhook("shop"))
    (batch_id,) = await PendingBatches(redis).oldest(2)

    assert await _work(redis) == [(batch_id, (batch_id,))]


async def test_a_job_that_is_put_again_runs_once(redis: Redis) -> None:
    await _enqueue(redis, "old")
    await _enqueue(redis, "new")

    assert await _work(redis) == [("job", ("new",))]


async def test_a_job_that_is_due_later_waits_and_is_kept_so_much_longer(redis: Redis) -> None:
    due_ms = epoch_ms(utc_now()) + HOUR_MS

    await _enqueue(redis, "later", due_ms=due_ms)

    assert await redis.zrange(keys.QUEUE, 0, -1, withscores=True) == [(b"job", due_ms)]
    assert await redis.pttl(job_key_prefix + "job") > KEPT_MS + HOUR_MS - 60_000


async def test_a_job_that_was_due_is_kept_as_long_as_any(redis: Redis) -> None:
    await _enqueue(redis, "late", due_ms=epoch_ms(utc_now()) - 400 * HOUR_MS)

    assert KEPT_MS - 60_000 < await redis.pttl(job_key_prefix + "job") <= KEPT_MS
    assert await _work(redis) == [("job", ("late",))]


async def test_idle_workers_hear_of_a_job(redis: Redis) -> None:
    async with redis.pubsub(ignore_subscribe_messages=True) as heard:
        await heard.subscribe(keys.NUDGE)
        await heard.get_message(timeout=1)

        await _enqueue(redis, "batch")
        message = await heard.get_message(timeout=1)

    assert message is not None
    assert message["data"] == keys.ROUTE_JOB.encode()


async def test_of_an_error_its_type_is_stored_and_nothing_of_its_message(redis: Redis) -> None:
    await _enqueue(redis, "batch")

    await _work(redis, fails=True)

    stored = await redis.get(result_key_prefix + "job")
    result = deserialize(stored or b"")
    assert (result["s"], result["r"]) == (False, "ValueError")
    assert b"quotes" not in (stored or b"")


def test_tuples_come_back_as_lists() -> None:
    assert deserialize(serialize({"a": (1, "b", None, b"\x00")})) == {"a": [1, "b", None, b"\x00"]}
