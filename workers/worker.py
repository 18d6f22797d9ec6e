"""The arq worker with a main loop of its own.

arq's loop polls every half second, ends at a Redis error and knows no owner of a job in progress. This
one looks at once when a nudge is published, survives Redis, and writes its name on the jobs it has in
hand, so that those of a dead worker are found.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import Any

import structlog
from arq.constants import in_progress_key_prefix, job_key_prefix, retry_key_prefix
from arq.worker import Worker
from redis.asyncio import Redis
from redis.exceptions import RedisError

from router.core import keys
from router.core.clock import Clock, epoch_ms
from router.core.ending import end
from router.core.nudges import destination_of
from workers.patience import Backoff, StoppedError

POLL_S = 0.25
HEARTBEAT_S = 1.0
HEARTBEAT_MS = 4000
"""How long a worker that says nothing counts as alive."""
_READ = 256
_ROUTE_SLOTS = 2
_NUDGE_WAIT_S = 5.0

_FINISH = """
redis.call('DEL', KEYS[2])
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) == tonumber(ARGV[2]) then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('DEL', KEYS[3], KEYS[4])
end
"""
"""KEYS: queue, and the job's in-progress, job and retry keys. ARGV: job id and the score it was
started with. A job that was queued again while it ran has another score, and stays."""

log = structlog.get_logger(__name__)


class HookyardWorker(Worker):
    """Runs jobs until `stop` is set, then as long as those in hand need, up to a deadline."""

    def __init__(
        self,
        functions: list[Any],
        *,
        redis: Redis,
        worker_id: str,
        clock: Clock,
        stop: asyncio.Event,
        **options: Any,
    ) -> None:
        super().__init__(
            functions,
            queue_name=keys.QUEUE,
            redis_pool=redis,  # type: ignore[arg-type]  # of ArqRedis only `enqueue_job` would be used, by cron jobs
            handle_signals=False,
            keep_result=0,
            max_tries=1_000_000,
            log_results=False,
            **options,
        )
        self._redis = redis
        self._worker_id = worker_id
        self._clock = clock
        self._stop = stop
        self._nudged = asyncio.Event()
        self._scores: dict[str, int] = {}
        self._finish = redis.register_script(_FINISH)

    @property
    def in_hand(self) -> set[str]:
        """Ids of the jobs that run here."""
        return set(self.tasks)

    async def main(self) -> None:
        """Pick jobs until the stop; whatever Redis does, go on."""
        self.ctx["redis"] = self._redis
        helpers = [
            asyncio.create_task(self._beat()),
            asyncio.create_task(self._listen()),
            asyncio.create_task(self._wake_at_stop()),
        ]
        try:
            await self._pick_until_stopped()
        finally:
            await end(*helpers)

    async def finish_in_hand(self, within_s: float) -> None:
        """Wait for the jobs in hand; those that take longer are cancelled, which gives them back."""
        if self.tasks:
            _, late = await asyncio.wait(self.tasks.values(), timeout=within_s)
            for job in list(self.job_tasks.values()):
                job.cancel()
            if late:
                await asyncio.wait(late, timeout=3)
        with contextlib.suppress(RedisError, OSError):
            await self._redis.delete(keys.worker(self._worker_id))

    async def _pick_until_stopped(self) -> None:
        backoff = Backoff(self._stop)
        failing = False
        while not self._stop.is_set():
            try:
                await self._pick()
            except (RedisError, OSError) as error:
                if not failing:
                    failing = True
                    log.warning("redis_away", reason=f"{type(error).__name__}: {error}")
                with contextlib.suppress(StoppedError):
                    await backoff.wait()
                continue
            if failing:
                failing = False
                log.info("redis_back")
            backoff.reset()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._nudged.wait()
            self._nudged.clear()

    async def _pick(self) -> None:
        """Start jobs that are due: two that route, one for each destination."""
        self._forget_done()
        now_ms = epoch_ms(self._clock())
        queued = await self._redis.zrangebyscore(
            keys.QUEUE, float("-inf"), now_ms, start=0, num=_READ, withscores=True
        )
        jobs = [(job_id.decode(), int(score)) for job_id, score in queued]
        if not self._choose(jobs):
            return
        chosen = self._choose(await self._without_those_in_hand(jobs))
        if not chosen:
            return
        async with self._redis.pipeline(transaction=False) as pipe:
            for job_id, _ in chosen:
                key = in_progress_key_prefix + job_id
                pipe.set(key, self._worker_id, nx=True, px=int(self.in_progress_timeout_s * 1000))
                pipe.zscore(keys.QUEUE, job_id)
            answers = await pipe.execute()
        gone: list[str] = []
        for (job_id, score), is_ours, still in zip(
            chosen, answers[::2], answers[1::2], strict=True
        ):
            if is_ours and still is None:
                gone.append(in_progress_key_prefix + job_id)
            elif is_ours:
                self._scores[job_id] = score
                self.tasks[job_id] = asyncio.create_task(self._run(job_id, score))
        if gone:
            await self._redis.delete(*gone)

    async def _without_those_in_hand(self, jobs: list[tuple[str, int]]) -> list[tuple[str, int]]:
        """Return those jobs that no worker has in hand: what another one has takes no place here."""
        holders = await self._redis.mget([in_progress_key_prefix + job_id for job_id, _ in jobs])
        return [job for job, holder in zip(jobs, holders, strict=True) if holder is None]

    def _choose(self, queued: list[tuple[str, int]]) -> list[tuple[str, int]]:
        """Return which jobs to try; which destinations and how much routing is in hand decides."""
        running = Counter(destination_of(job_id) for job_id in self.tasks)
        chosen: list[tuple[str, int]] = []
        for job_id, score in queued:
            line = destination_of(job_id)
            if job_id in self.tasks or running[line] >= (_ROUTE_SLOTS if line is None else 1):
                continue
            running[line] += 1
            chosen.append((job_id, score))
        return chosen

    async def _run(self, job_id: str, score: int) -> None:
        try:
            await self.run_job(job_id, score)
        except (RedisError, OSError) as error:
            # The job itself is in Redis still; the sweeper sees that its owner no longer runs it.
            log.warning(
                "job_not_finished", job_id=job_id, reason=f"{type(error).__name__}: {error}"
            )
        finally:
            self._nudged.set()

    def _forget_done(self) -> None:
        for job_id, task in list(self.tasks.items()):
            if task.done():
                del self.tasks[job_id]
                self._scores.pop(job_id, None)
                if not task.cancelled() and (error := task.exception()) is not None:
                    log.error("job_broken", job_id=job_id, exc_info=error)

    async def finish_job(
        self,
        job_id: str,
        finish: bool,  # noqa: FBT001  arq's signature
        result_data: bytes | None,
        result_timeout_s: float | None,
        keep_result_forever: bool,  # noqa: FBT001  arq's signature
        incr_score: int | None,
        keep_in_progress: float | None,
    ) -> None:
        """Take a job off the queue, unless it was queued again while it ran."""
        if not finish:
            await super().finish_job(
                job_id,
                finish,
                result_data,
                result_timeout_s,
                keep_result_forever,
                incr_score,
                keep_in_progress,
            )
            return
        await self._take_off(job_id)

    async def finish_failed_job(self, job_id: str, result_data: bytes | None) -> None:
        """Take a job off the queue that could not be run at all; the sweeper makes a new one."""
        del result_data
        await self._take_off(job_id)

    async def _take_off(self, job_id: str) -> None:
        names = [
            keys.QUEUE,
            in_progress_key_prefix + job_id,
            job_key_prefix + job_id,
            retry_key_prefix + job_id,
        ]
        await self._finish(keys=names, args=[job_id, self._scores.get(job_id, 0)])

    async def _beat(self) -> None:
        while True:
            with contextlib.suppress(RedisError, OSError):
                await self._redis.set(keys.worker(self._worker_id), b"1", px=HEARTBEAT_MS)
            await asyncio.sleep(HEARTBEAT_S)

    async def _listen(self) -> None:
        """Set `_nudged` whenever something is enqueued; without Redis the polling goes on alone."""
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as channel:
                    await channel.subscribe(keys.NUDGE)
                    while True:
                        if await channel.get_message(timeout=_NUDGE_WAIT_S) is not None:
                            self._nudged.set()
            except (RedisError, OSError):
                await asyncio.sleep(POLL_S)

    async def _wake_at_stop(self) -> None:
        await self._stop.wait()
        self._nudged.set()
