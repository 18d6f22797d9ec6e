"""The sweeper: what a crash left behind is in hand again, and what is somebody's is left to them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from arq.constants import in_progress_key_prefix, job_key_prefix
from arq.worker import func
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from router.core import keys, metrics
from router.core.arq_job import deserialize, serialize
from router.core.clock import epoch_ms, utc_now
from router.core.nudges import job_id
from router.core.pending import PendingBatches
from router.core.store import deliveries as store_deliveries
from router.core.store import retries
from router.core.store.engine import Row, Store
from router.core.store.routing import Writes, write
from tests.support.batches import OLD, give_to, lose_job, put_batch, webhook
from tests.support.delivering import Office
from tests.support.routes import write_routes
from tests.support.rows import NOW_MS, event_row
from tests.support.ruling import rules_in_force
from tests.support.waiting import wait_until
from tests.support.working import rows
from workers import maintenance
from workers.deliver import Deliveries
from workers.leases import Leases
from workers.maintenance import Sweeper
from workers.pauses import Pause
from workers.worker import HookyardWorker

DESTINATIONS = """\
destinations:
  crm: {type: http, url: "https://helpdesk.example/tasks"}
"""


class Yard:
    """A sweeper of worker `w1` and what it looks after; the clock is the real one."""

    def __init__(self, redis: Redis, store: Store) -> None:
        self.redis = redis
        self.store = store
        self.office = Office(store, redis)
        self.office.clock.now_ms = epoch_ms(utc_now())

    async def open(self, directory: Path) -> None:
        self.rules = await rules_in_force(
            directory, self.redis, self.store, destinations=DESTINATIONS
        )
        self.worker = HookyardWorker(
            [func(_nothing, name=keys.ROUTE_JOB)],
            redis=self.redis,
            worker_id="w1",
            clock=self.office.clock,
            stop=asyncio.Event(),
            job_serializer=serialize,
            job_deserializer=deserialize,
        )
        self.sweeper = self.sweeper_of("w1")
        self.leases = self.sweeper._leases

    def sweeper_of(self, worker_id: str) -> Sweeper:
        return Sweeper(
            redis=self.redis,
            store=self.store,
            rules=self.rules,
            worker=self.worker,
            leases=Leases(self.redis, PendingBatches(self.redis), worker_id),
            deliveries_of_worker=Deliveries(self.office.desk, self.rules),
            worker_id=worker_id,
            clock=self.office.clock,
            retention=timedelta(days=1),
        )

    async def batch(self, **given: Any) -> str:
        return await put_batch(self.redis, webhook("open", {"title": "a"}), **given)

    async def lost_batch(self) -> str:
        batch_id = await self.batch(age=OLD)
        await lose_job(self.redis, batch_id)
        return batch_id

    async def is_queued(self, job: str) -> bool:
        score = await self.redis.zscore(keys.QUEUE, job)
        return score is not None and bool(await self.redis.exists(job_key_prefix + job))

    async def holder(self, job: str) -> bytes | None:
        name: bytes | None = await self.redis.get(in_progress_key_prefix + job)
        return name

    async def lease(self, batch_id: str) -> bytes | None:
        name: bytes | None = await self.redis.get(keys.lease(batch_id))
        return name


async def _nothing(ctx: dict[str, Any], what: str) -> None:
    """Stand for any job."""


@pytest.fixture
async def yard(redis: Redis, store: Store, tmp_path: Path) -> Yard:
    made = Yard(redis, store)
    await made.open(tmp_path)
    return made


async def test_a_batch_without_a_job_gets_one(yard: Yard) -> None:
    batch_id = await yard.lost_batch()

    await yard.sweeper.sweep()

    assert await yard.is_queued(batch_id)


@pytest.mark.parametrize("what", ["job", "place in the queue"])
async def test_half_a_job_is_none(yard: Yard, what: str) -> None:
    batch_id = await yard.batch(age=OLD)
    if what == "job":
        await yard.redis.delete(job_key_prefix + batch_id)
    else:
        await yard.redis.zrem(keys.QUEUE, batch_id)

    await yard.sweeper.sweep()

    assert await yard.is_queued(batch_id)


async def test_a_young_batch_is_left_to_its_own_job(yard: Yard) -> None:
    batch_id = await yard.batch()
    await lose_job(yard.redis, batch_id)

    await yard.sweeper.sweep()

    assert not await yard.is_queued(batch_id)


async def test_what_a_dead_worker_holds_is_set_free(yard: Yard) -> None:
    batch_id = await yard.batch(age=OLD)
    await give_to(yard.redis, batch_id, "dead")

    with capture_logs() as logs:
        await yard.sweeper.sweep()

    assert (await yard.lease(batch_id), await yard.holder(batch_id)) == (None, None)
    assert await yard.is_queued(batch_id)
    assert [(entry["event"], entry["batches"]) for entry in logs] == [("batches_taken_over", 1)]


async def test_a_batch_that_a_dead_worker_leased_gets_a_job_if_it_has_none(yard: Yard) -> None:
    batch_id = await yard.lost_batch()
    await give_to(yard.redis, batch_id, "dead")

    await yard.sweeper.sweep()

    assert await yard.is_queued(batch_id)


async def test_what_a_living_worker_holds_is_left_to_it(yard: Yard) -> None:
    batch_id = await yard.lost_batch()
    await give_to(yard.redis, batch_id, "w2")
    await yard.redis.set(keys.worker("w2"), "1")

    with capture_logs() as logs:
        await yard.sweeper.sweep()

    assert (await yard.lease(batch_id), await yard.holder(batch_id)) == (b"w2", b"w2")
    assert not await yard.is_queued(batch_id)
    assert logs == []


async def test_what_this_worker_dropped_without_giving_it_back_is_set_free(yard: Yard) -> None:
    batch_id = await yard.batch(age=OLD)
    await give_to(yard.redis, batch_id, "w1")

    await yard.sweeper.sweep()

    assert (await yard.lease(batch_id), await yard.holder(batch_id)) == (None, None)


async def test_what_this_worker_has_in_hand_it_keeps(yard: Yard) -> None:
    batch_id = await yard.batch(age=OLD)
    await give_to(yard.redis, batch_id, "w1")
    yard.leases.held.add(batch_id)
    yard.worker.tasks[batch_id] = asyncio.create_task(asyncio.sleep(0))

    await yard.sweeper.sweep()

    assert (await yard.lease(batch_id), await yard.holder(batch_id)) == (b"w1", b"w1")


async def test_batches_beyond_the_first_page_are_looked_at_in_turn(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "_PAGE", 2)
    batches = [await yard.lost_batch() for _ in range(7)]

    queued = []
    for _ in range(4):
        await yard.sweeper.sweep()
        queued.append([await yard.is_queued(one) for one in batches])

    assert [sum(seen) for seen in queued] == [4, 6, 7, 7]


async def test_one_worker_sweeps_at_a_time(yard: Yard) -> None:
    await yard.redis.set(keys.worker("w1"), "1")
    await yard.sweeper.sweep()
    batch_id = await yard.lost_batch()

    await yard.sweeper_of("w2").sweep()

    assert await yard.redis.get(keys.SWEEPER) == b"w1"
    assert not await yard.is_queued(batch_id)
    await yard.sweeper.sweep()
    assert await yard.is_queued(batch_id)


async def test_a_sweeper_keeps_its_lock_as_long_as_it_sweeps(yard: Yard) -> None:
    await yard.sweeper.sweep()
    await yard.redis.pexpire(keys.SWEEPER, 10)

    await yard.sweeper.sweep()

    assert await yard.redis.pttl(keys.SWEEPER) > 5_000


async def test_the_lock_of_a_dead_sweeper_goes_to_another_one(yard: Yard) -> None:
    await yard.redis.set(keys.SWEEPER, "dead")
    batch_id = await yard.lost_batch()

    await yard.sweeper.sweep()
    await yard.sweeper.sweep()

    assert await yard.redis.get(keys.SWEEPER) == b"w1"
    assert await yard.is_queued(batch_id)


async def test_a_lock_that_ends_just_now_is_nobodys(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ended(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr(yard.redis, "set", ended)

    assert not await yard.sweeper._has_lock()


async def test_each_worker_shows_the_backlog(yard: Yard) -> None:
    await yard.redis.set(keys.SWEEPER, "w2")
    await yard.redis.set(keys.worker("w2"), "1")
    await yard.batch(age=timedelta(seconds=30))

    await yard.sweeper.sweep()
    assert REGISTRY.get_sample_value("hookyard_backlog_events") == 1
    assert (REGISTRY.get_sample_value("hookyard_backlog_age_seconds") or 0) >= 29

    await yard.redis.flushall()
    await yard.sweeper.sweep()
    assert REGISTRY.get_sample_value("hookyard_backlog_events") == 0
    assert REGISTRY.get_sample_value("hookyard_backlog_age_seconds") == 0


async def test_a_destination_with_due_copies_is_nudged(yard: Yard) -> None:
    await yard.office.copy()
    await yard.office.copy("later", number=2, next_attempt_ms=yard.office.clock.now_ms + 60_000)

    await yard.sweeper.sweep()

    assert await yard.is_queued(job_id("crm"))
    assert not await yard.is_queued(job_id("later"))


async def test_a_destination_that_has_its_job_is_not_nudged_again(yard: Yard) -> None:
    await yard.office.copy()
    await yard.sweeper.sweep()
    before = await yard.redis.zscore(keys.QUEUE, job_id("crm"))
    yard.office.clock.forward(5_000)

    await yard.sweeper.sweep()

    assert await yard.redis.zscore(keys.QUEUE, job_id("crm")) == before


@pytest.mark.parametrize(
    ("holder", "alive", "in_hand", "freed"),
    [
        ("dead", False, False, True),
        ("w2", True, False, False),
        ("w1", True, False, True),
        ("w1", True, True, False),
    ],
)
async def test_the_job_of_a_destination_is_freed_if_nobody_runs_it(
    yard: Yard, holder: str, *, alive: bool, in_hand: bool, freed: bool
) -> None:
    await yard.office.copy()
    await yard.redis.set(in_progress_key_prefix + job_id("crm"), holder)
    if alive:
        await yard.redis.set(keys.worker(holder), "1")
    if in_hand:
        yard.worker.tasks[job_id("crm")] = asyncio.create_task(asyncio.sleep(0))

    await yard.sweeper.sweep()

    assert (await yard.holder(job_id("crm")) is None) == freed
    assert await yard.is_queued(job_id("crm"))


async def claimed_by(yard: Yard, owner: str, kind: str | None = None) -> Row:
    """Return a copy that a worker has in hand, about to send if there is a kind of request."""
    row = await yard.office.copy()
    now_ms = yard.office.clock.now_ms
    async with yard.store.begin() as conn:
        await store_deliveries.claim_due(
            conn, "crm", owner=owner, now_ms=now_ms, lease_ms=3_600_000, limit=1
        )
        if kind is not None:
            intent = {"id": row["id"], "intent": {"kind": kind, "version": 1, "at_ms": now_ms}}
            await store_deliveries.set_intents(conn, [intent], owner=owner, now_ms=now_ms)
    return row


async def test_a_copy_that_a_dead_worker_had_in_hand_is_due_again(yard: Yard) -> None:
    row = await claimed_by(yard, "dead")

    with capture_logs() as logs:
        await yard.sweeper.sweep()
        await yard.sweeper.sweep()

    stored = await yard.office.stored(row)
    assert (stored["state"], stored["intent"]) == ("pending", None)
    assert stored["lease_until_ms"] <= yard.office.clock.now_ms
    assert await yard.is_queued(job_id("crm"))
    assert [entry["event"] for entry in logs] == ["deliveries_taken_over"]


async def test_a_creation_that_a_dead_worker_was_about_to_send_is_held(yard: Yard) -> None:
    row = await claimed_by(yard, "dead", "create")

    await yard.sweeper.sweep()

    stored = await yard.office.stored(row)
    assert (stored["state"], stored["reason"]["code"]) == ("held", "uncertain")
    assert stored["lease_owner"] is None


async def test_a_copy_that_a_living_worker_has_in_hand_is_left_to_it(yard: Yard) -> None:
    await yard.redis.set(keys.worker("w2"), "1")
    row = await claimed_by(yard, "w2", "create")

    await yard.sweeper.sweep()

    stored = await yard.office.stored(row)
    assert (stored["lease_owner"], stored["intent"]["kind"]) == ("w2", "create")


async def test_a_lease_that_ended_is_settled_though_its_worker_lives(yard: Yard) -> None:
    await yard.redis.set(keys.worker("w2"), "1")
    row = await claimed_by(yard, "w2", "update")
    yard.office.clock.forward(3_600_000)

    await yard.sweeper.sweep()

    stored = await yard.office.stored(row)
    assert (stored["state"], stored["lease_owner"]) == ("pending", None)


async def test_what_is_older_than_the_retention_is_removed_now_and_then(yard: Yard) -> None:
    now_ms = yard.office.clock.now_ms
    day_ms = 86_400_000
    old = [event_row(received_ms=now_ms - day_ms - 1) for _ in range(3)]
    kept = event_row(received_ms=now_ms - day_ms)
    await add_events(yard, *old, kept)

    with capture_logs() as logs:
        await yard.sweeper.sweep()
    assert [row["id"] for row in await rows(yard.store, "events")] == [kept["id"]]
    assert [(entry["event"], entry["rows"]) for entry in logs] == [("trimmed", 3)]

    await add_events(yard, event_row(received_ms=NOW_MS - 10**12))
    await yard.sweeper.sweep()
    assert len(await rows(yard.store, "events")) == 2, "not again so soon"


async def add_events(yard: Yard, *events: Row) -> None:
    async with yard.store.begin() as conn:
        await write(conn, Writes(events=list(events)))


@pytest.mark.parametrize(
    ("error", "event", "level"),
    [
        (RedisConnectionError("gone"), "sweep_failed", "debug"),
        (RuntimeError("a mistake"), "sweep_broken", "error"),
    ],
)
async def test_a_round_that_fails_is_not_the_last_one(
    yard: Yard, monkeypatch: pytest.MonkeyPatch, error: Exception, event: str, level: str
) -> None:
    monkeypatch.setattr(maintenance, "SWEEP_S", 0.001)
    rounds = 0

    async def sweep() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise error

    monkeypatch.setattr(yard.sweeper, "sweep", sweep)
    with capture_logs() as logs:
        running = asyncio.create_task(yard.sweeper.run())
        await wait_until(lambda: rounds >= 3, "it goes on")
        running.cancel()
        await asyncio.wait([running])

    assert [(entry["event"], entry["log_level"]) for entry in logs] == [(event, level)]


async def test_metrics_tell_which_destinations_are_paused(yard: Yard) -> None:
    await yard.office.pauses.put("crm", Pause("credentials", "answered 401"))

    await yard.sweeper.sweep()

    assert 'hookyard_breaker_open{destination="crm"} 1.0' in metrics.render()[0].decode()
    await yard.office.pauses.end("crm")
    await yard.sweeper.sweep()
    assert 'hookyard_breaker_open{destination="crm"} 0.0' in metrics.render()[0].decode()


async def test_a_destination_that_the_rules_no_longer_have_is_shown_as_paused_no_more(
    yard: Yard,
) -> None:
    await yard.office.pauses.put("crm", Pause("credentials", "answered 401"))
    await yard.sweeper.sweep()
    write_routes(yard.rules.files.directory, destinations=DESTINATIONS.replace("crm", "desk"))
    await yard.rules.reload(await yard.rules.files.load(after_quiet=False), asyncio.Event())

    await yard.sweeper.sweep()

    assert 'hookyard_breaker_open{destination="crm"} 0.0' in metrics.render()[0].decode()


async def test_what_is_in_trouble_is_counted_now_and_then_by_destination_and_state(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown(destination: str, state: str) -> float | None:
        labels = {"destination": destination, "state": state}
        return REGISTRY.get_sample_value("hookyard_deliveries_unsettled", labels)

    row = await yard.office.copy(state="failed")
    await yard.office.copy(number=2, state="held")
    await yard.office.copy(number=3, state="current")
    await yard.sweeper.sweep()
    assert (shown("crm", "failed"), shown("crm", "held")) == (1, 1)

    async with yard.store.begin() as conn:
        await retries.retry(conn, [row["id"]], now_ms=2**50)
    await yard.sweeper.sweep()
    assert shown("crm", "failed") == 1, "not each second"
    monkeypatch.setattr(maintenance, "COUNT_S", 0.0)
    await yard.sweeper.sweep()
    assert (shown("crm", "failed"), shown("crm", "held")) == (0, 1)
