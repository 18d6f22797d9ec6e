"""The sweeper: finds what a crash left behind and puts it in hand again, trims, refreshes gauges.

arq is never the only keeper: batches (Redis) and delivery rows (database) are the truth, jobs are only a
nudge. Each worker tries; the one that gets the lock sweeps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from time import perf_counter

import structlog
from arq.constants import in_progress_key_prefix, job_key_prefix, retry_key_prefix
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from router.core import keys, metrics
from router.core.arq_job import enqueue
from router.core.clock import Clock, epoch_ms
from router.core.ids import id_time_ms
from router.core.nudges import job_id, nudge_deliveries
from router.core.pending import PendingBatches
from router.core.standing import standings
from router.core.store import deliveries
from router.core.store.engine import Store
from router.core.store.retention import trim
from workers.deliver import Deliveries
from workers.leases import Leases
from workers.patience import AWAY
from workers.queries import end_leases, lease_owners
from workers.rules_in_force import RulesInForce
from workers.worker import HookyardWorker

SWEEP_S = 1.0
TRIM_S = 300.0
COUNT_S = 10.0
_LOCK_MS = 10_000
_PAGE = 500
_ABANDONED_AT_ONCE = 64
_ABANDONED_LEASE_MS = 30_000
_YOUNG_MS = 2_000
"""Batches younger than this are left to their own job."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Batch:
    """What Redis has of a pending batch besides its events."""

    id: str
    lease: str | None
    in_progress: str | None
    is_queued: bool
    has_job: bool


class Sweeper:
    """Sweeps for as long as its worker lives."""

    def __init__(
        self,
        *,
        redis: Redis,
        store: Store,
        rules: RulesInForce,
        worker: HookyardWorker,
        leases: Leases,
        deliveries_of_worker: Deliveries,
        worker_id: str,
        clock: Clock,
        retention: timedelta,
    ) -> None:
        self._redis = redis
        self._store = store
        self._rules = rules
        self._worker = worker
        self._leases = leases
        self._deliveries = deliveries_of_worker
        self._worker_id = worker_id
        self._clock = clock
        self._retention_ms = int(retention.total_seconds() * 1000)
        self._pending = PendingBatches(redis)
        self._after: str | None = None
        self._trimmed_at = float("-inf")
        self._counted_at = float("-inf")
        self._shown: set[str] = set()
        self._unsettled: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Sweep every second until cancelled; while Redis or the database is away, try again."""
        while True:
            try:
                await self.sweep()
            except AWAY as error:
                log.debug("sweep_failed", reason=f"{type(error).__name__}: {error}")
            except Exception:
                # The boundary of a round: what went wrong in one must not end the sweeping.
                log.exception("sweep_broken")
            await asyncio.sleep(SWEEP_S)

    async def sweep(self) -> None:
        """Do one round: what is this worker's own, and what is everybody's if it has the lock."""
        await self._refresh_gauges()
        if await self._has_lock():
            await self._sweep_batches()
            await self._sweep_deliveries()
            if perf_counter() - self._trimmed_at > TRIM_S:
                self._trimmed_at = perf_counter()
                await self._trim()
        await self._count_unsettled()

    async def _has_lock(self) -> bool:
        """Tell whether this worker is the one that sweeps; the lock goes with a dead worker's heartbeat."""
        if await self._redis.set(keys.SWEEPER, self._worker_id, nx=True, px=_LOCK_MS):
            return True
        holder = _text(await self._redis.get(keys.SWEEPER))
        if holder is None:
            return False
        if holder == self._worker_id:
            await self._redis.pexpire(keys.SWEEPER, _LOCK_MS)
            return True
        if not await self._redis.exists(keys.worker(holder)):
            await self._redis.delete(keys.SWEEPER)
        return False

    async def _refresh_gauges(self) -> None:
        metrics.BACKLOG_EVENTS.set(await self._pending.count_events())
        oldest_ms = await self._pending.oldest_ms()
        age_ms = 0 if oldest_ms is None else max(0, epoch_ms(self._clock()) - oldest_ms)
        metrics.BACKLOG_AGE_SECONDS.set(age_ms / 1000)
        names = sorted(self._rules.current.rule_set.destinations)
        stands = await standings(self._redis, names)
        for name in self._shown.union(names):
            metrics.BREAKER_OPEN.labels(name).set(name in stands and stands[name].state != "ok")
        self._shown = set(names)

    async def _count_unsettled(self) -> None:
        if perf_counter() - self._counted_at < COUNT_S:
            return
        self._counted_at = perf_counter()
        async with self._store.connect() as conn:
            counts = await deliveries.unsettled_counts(conn)
        for destination, state in self._unsettled.union(counts):
            gauge = metrics.DELIVERIES_UNSETTLED.labels(destination, state)
            gauge.set(counts.get((destination, state), 0))
        self._unsettled = set(counts)

    async def _sweep_batches(self) -> None:
        """Look at the oldest batches, and at a page of the others in turn."""
        page = await self._pending.oldest(_PAGE)
        if len(page) == _PAGE:
            more = await self._pending.oldest(_PAGE, after=self._after or page[-1])
            self._after = more[-1] if len(more) == _PAGE else None
            page = list(dict.fromkeys([*page, *more]))
        if page:
            await self._put_in_hand(await self._look_at(page))

    async def _look_at(self, batch_ids: list[str]) -> list[_Batch]:
        async with self._redis.pipeline(transaction=False) as pipe:
            for one in batch_ids:
                pipe.get(keys.lease(one))
                pipe.get(in_progress_key_prefix + one)
                pipe.zscore(keys.QUEUE, one)
                pipe.exists(job_key_prefix + one)
            answers = await pipe.execute()
        return [
            _Batch(one, _text(lease), _text(running), score is not None, bool(job))
            for one, lease, running, score, job in zip(
                batch_ids, answers[::4], answers[1::4], answers[2::4], answers[3::4], strict=True
            )
        ]

    async def _put_in_hand(self, batches: list[_Batch]) -> None:
        """Break what dead workers hold, and enqueue what has no live job."""
        gone = await self._gone({name for one in batches for name in (one.lease, one.in_progress)})
        now_ms = epoch_ms(self._clock())
        mended = 0
        async with self._redis.pipeline(transaction=False) as pipe:
            for batch in batches:
                lease_dead = batch.lease is not None and (
                    batch.lease in gone or self._is_mine_and_dropped(batch)
                )
                run_dead = self._is_run_dead(batch, gone)
                if lease_dead:
                    pipe.delete(keys.lease(batch.id))
                if run_dead:
                    pipe.delete(in_progress_key_prefix + batch.id, retry_key_prefix + batch.id)
                is_held = batch.lease is not None and not lease_dead
                is_lost = not (batch.is_queued and batch.has_job)
                is_young = now_ms - id_time_ms(batch.id) < _YOUNG_MS
                if is_lost and not is_held and not is_young:
                    enqueue(pipe, keys.ROUTE_JOB, batch.id, (batch.id,), now_ms=now_ms)
                mended += lease_dead or run_dead
            if pipe.command_stack:
                pipe.publish(keys.NUDGE, keys.ROUTE_JOB)
                await pipe.execute()
        if mended:
            log.warning("batches_taken_over", batches=mended, workers=sorted(gone))

    def _is_mine_and_dropped(self, batch: _Batch) -> bool:
        return batch.lease == self._worker_id and batch.id not in self._leases.held

    def _is_run_dead(self, batch: _Batch, gone: Collection[str]) -> bool:
        if batch.in_progress is None:
            return False
        if batch.in_progress == self._worker_id:
            return batch.id not in self._worker.in_hand
        return batch.in_progress in gone

    async def _gone(self, workers: Iterable[str | None]) -> set[str]:
        """Return those workers that have no heartbeat any more."""
        named = sorted({name for name in workers if name is not None} - {self._worker_id})
        if not named:
            return set()
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in named:
                pipe.exists(keys.worker(name))
            alive = await pipe.execute()
        return {name for name, lives in zip(named, alive, strict=True) if not lives}

    async def _sweep_deliveries(self) -> None:
        """Take over copies that dead workers had in hand, and nudge every destination with due ones."""
        now_ms = epoch_ms(self._clock())
        async with self._store.connect() as conn:
            owners = await lease_owners(conn)
            due = set(await deliveries.due_destinations(conn, now_ms))
        gone = await self._gone(owners)
        if owners:
            due |= await self._take_over(gone, now_ms)
        await self._deliveries.resume_changed()
        if due:
            await self._nudge(due, now_ms)

    async def _take_over(self, gone: set[str], now_ms: int) -> set[str]:
        async with self._store.begin() as conn:
            if gone and (ended := await end_leases(conn, gone, now_ms)):
                log.warning("deliveries_taken_over", deliveries=ended, workers=sorted(gone))
            abandoned = await deliveries.abandoned_intents(
                conn,
                owner=self._worker_id,
                now_ms=now_ms,
                lease_ms=_ABANDONED_LEASE_MS,
                limit=_ABANDONED_AT_ONCE,
            )
        return await self._deliveries.settle_abandoned(abandoned)

    async def _nudge(self, destinations: set[str], now_ms: int) -> None:
        """Enqueue a job for each destination that has none; free those whose worker is gone."""
        names = sorted(destinations)
        async with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.get(in_progress_key_prefix + job_id(name))
                pipe.zscore(keys.QUEUE, job_id(name))
            answers = await pipe.execute()
        running = [_text(value) for value in answers[::2]]
        gone = await self._gone(running)
        async with self._redis.pipeline(transaction=False) as pipe:
            for name, owner, score in zip(names, running, answers[1::2], strict=True):
                self._nudge_one(pipe, name, owner, gone, now_ms, is_queued=score is not None)
            if pipe.command_stack:
                await pipe.execute()

    def _nudge_one(
        self,
        pipe: Pipeline,
        name: str,
        owner: str | None,
        gone: set[str],
        now_ms: int,
        *,
        is_queued: bool,
    ) -> None:
        is_ours = owner == self._worker_id and job_id(name) not in self._worker.in_hand
        if owner is not None and (owner in gone or is_ours):
            pipe.delete(in_progress_key_prefix + job_id(name))
            pipe.publish(keys.NUDGE, keys.DELIVER_JOB)
        if not is_queued:
            nudge_deliveries(pipe, [name], now_ms)

    async def _trim(self) -> None:
        """Remove what is older than the retention, a little at a time."""
        before_ms = epoch_ms(self._clock()) - self._retention_ms
        removed = 0
        while True:
            async with self._store.begin() as conn:
                count = await trim(conn, before_ms)
            if not count:
                break
            removed += count
            await asyncio.sleep(0)
        if removed:
            log.info("trimmed", rows=removed)


def _text(value: object) -> str | None:
    return value.decode() if isinstance(value, bytes) else None
