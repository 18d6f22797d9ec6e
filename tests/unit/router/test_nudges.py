"""Nudges: one job a destination, before all routing."""

from __future__ import annotations

from arq.constants import job_key_prefix
from redis.asyncio import Redis

from router.core import keys
from router.core.arq_job import deserialize
from router.core.clock import epoch_ms, utc_now
from router.core.nudges import destination_of, job_id, nudge_deliveries
from tests.support.batches import put_batch, webhook
from tests.support.rows import NOW_MS


def test_a_job_tells_its_destination() -> None:
    assert destination_of(job_id("crm")) == "crm"
    assert destination_of("01a2138f-fdbc-7b25-985e-f50cc984eff8") is None


async def test_a_destination_has_one_job_however_often_it_is_nudged(redis: Redis) -> None:
    for _ in range(3):
        async with redis.pipeline() as pipe:
            nudge_deliveries(pipe, ["crm", "chat"], NOW_MS)
            await pipe.execute()

    assert await redis.zrange(keys.QUEUE, 0, -1) == [b"deliver:chat", b"deliver:crm"]
    stored = deserialize(await redis.get(job_key_prefix + "deliver:crm"))
    assert (stored["f"], stored["a"]) == (keys.DELIVER_JOB, ["crm"])


async def test_nudges_go_before_whatever_is_to_be_routed(redis: Redis) -> None:
    batch_id = await put_batch(redis, webhook("open"))
    async with redis.pipeline() as pipe:
        nudge_deliveries(pipe, ["crm"], epoch_ms(utc_now()))
        await pipe.execute()

    assert await redis.zrange(keys.QUEUE, 0, -1) == [b"deliver:crm", batch_id.encode()]
