"""The arq job that routes: a batch of events becomes decisions and one database transaction.

A job is a nudge that carries a batch's id. Whoever runs it takes as many waiting batches as make up
about 512 events and goes on until none waits, so that a backlog of small batches drains as
fast as one of large ones. Only what is committed is taken out of Redis.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import msgpack
import structlog
from arq import Retry
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core import keys, metrics
from router.core.clock import Clock, epoch_ms
from router.core.errors import StoreUnavailableError
from router.core.event import IncomingEvent
from router.core.nudges import nudge_deliveries
from router.core.pending import PendingBatches
from router.core.store import contacts, routing
from router.core.store.engine import Store
from router.core.store.present import due_json
from router.core.store.replays import earlier_runs
from rules.decision import Reason
from workers.apply import (
    Fold,
    Judged,
    State,
    claim_keys,
    closing_keys,
    fold,
    scopes,
    task_keys,
)
from workers.contacts import asked_about
from workers.fields import Row
from workers.in_force import InForce
from workers.judge import judge
from workers.leases import Leases, Taken
from workers.patience import StoppedError, insist
from workers.queries import copies_of
from workers.rules_in_force import RulesInForce

AT_ONCE = 2
"""Batches a worker routes at once: one decides while the other waits for the database."""
_TURN_S = 0.02
"""How long deciding keeps the event loop to itself."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Routed:
    """What is left to say once a batch is committed; `due` says by task id when it is due."""

    rows: list[Row]
    destinations: frozenset[str]
    due: Mapping[str, Row] = field(default_factory=dict)


class Routing:
    """Routes batches for one worker."""

    def __init__(
        self,
        *,
        redis: Redis,
        store: Store,
        rules: RulesInForce,
        worker_id: str,
        clock: Clock,
        stop: asyncio.Event,
    ) -> None:
        self._redis = redis
        self._store = store
        self._rules = rules
        self._clock = clock
        self._stop = stop
        self._pending = PendingBatches(redis)
        self.leases = Leases(redis, self._pending, worker_id)
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def run(self, batch_id: str) -> None:
        """Route a batch, and others that wait.

        Raises:
            Retry: The worker is to stop; the batch is given back.
        """
        async with self._turn:
            first: str | None = batch_id
            while not self._stop.is_set():
                taken = await self._take(first)
                if not taken.ids:
                    return
                await self._route_taken(taken)
                if not taken.full:
                    return
                first = None
        raise Retry(defer=0)

    async def _take(self, first: str | None) -> Taken:
        try:
            return await insist("taking batches", lambda: self.leases.take(first), self._stop)
        except StoppedError:
            raise Retry(defer=0) from None

    async def _route_taken(self, taken: Taken) -> None:
        done = False
        try:
            started = perf_counter()
            events = taken.events()
            if events:
                routed = await self._commit(events, taken)
                await insist("telling of outcomes", lambda: self._tell(events, routed), self._stop)
            await insist(
                "finishing batches", lambda: self._pending.finish_all(taken.ids), self._stop
            )
            self.leases.forget(taken.ids)
            done = True
            metrics.ROUTE_SECONDS.observe(perf_counter() - started)
        except StoppedError:
            raise Retry(defer=0) from None
        finally:
            if not done:
                await asyncio.shield(self.leases.give_back(taken.ids))

    async def _commit(self, events: Sequence[IncomingEvent], taken: Taken) -> Routed:
        """Decide and commit; while the database is away the leases are kept and it is waited for."""
        in_force = await self._rules_for(events)
        batch = await self._judge(events, in_force)

        async def attempt() -> Routed:
            try:
                return await self._settle(batch, in_force)
            except StoreUnavailableError:
                await self.leases.renew(taken.ids)
                raise

        return await insist("committing a batch", attempt, self._stop)

    async def _rules_for(self, events: Sequence[IncomingEvent]) -> InForce:
        """Return the one set of rules that decides a batch, to its commit.

        It is this worker's, unless another worker's is newer and knows a connector that this one does not.
        """
        ours = self._rules.current
        unknown = {event.connector for event in events} - ours.rule_set.connectors.keys()
        if not unknown:
            return ours
        newest = await insist("rules of other workers", self._rules.newest, self._stop)
        return ours if unknown.isdisjoint(newest.rule_set.connectors) else newest

    async def _judge(self, events: Sequence[IncomingEvent], in_force: InForce) -> list[Judged]:
        batch: list[Judged] = []
        turn_ends = perf_counter() + _TURN_S
        for event in events:
            batch.append(judge(event, in_force.rule_set))
            if perf_counter() > turn_ends:
                await asyncio.sleep(0)
                turn_ends = perf_counter() + _TURN_S
        return batch

    async def _settle(self, batch: Sequence[Judged], in_force: InForce) -> Routed:
        """Commit a batch; where the database refuses it, its halves, until what it refuses is alone (P5)."""
        try:
            return await self._transact(batch, in_force)
        except StoreUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  the boundary of a batch: others must not wait for one event
            if len(batch) == 1:
                return await self._fail(batch[0], in_force, error)
            log.warning("batch_split", events=len(batch), reason=str(error))
        middle = len(batch) // 2
        left = await self._settle(batch[:middle], in_force)
        right = await self._settle(batch[middle:], in_force)
        destinations = left.destinations | right.destinations
        return Routed(left.rows + right.rows, destinations, {**left.due, **right.due})

    async def _fail(self, judged: Judged, in_force: InForce, error: Exception) -> Routed:
        event = judged.event
        log.error("event_failed", event_id=event.id, connector=event.connector, exc_info=error)
        reason = Reason("internal", f"it could not be stored: {type(error).__name__}")
        bare = IncomingEvent(
            id=event.id,
            connector=event.connector,
            received_ms=event.received_ms,
            body=event.body,
            headers={},
            query={},
            replay=event.replay,
            forced=event.forced,
        )
        again: Exception = error
        for each in (event, bare):  # with all that came in, if it can be: a replay needs it
            try:
                return await self._transact([Judged(each, None, "failed", reason)], in_force)
            except Exception as refused:  # noqa: BLE001  as in `_settle`
                again = refused
        # It is not the event then, but the store: the batch stays pending until that is put right.
        raise StoreUnavailableError(str(again)) from again

    async def _transact(self, batch: Sequence[Judged], in_force: InForce) -> Routed:
        async with self._store.begin() as conn:
            await routing.lock_scopes(conn, scopes(batch))
            decided = await routing.decided(conn, [judged.event.id for judged in batch])
            open_batch = [
                judged for judged in batch if judged.event.replay or judged.event.id not in decided
            ]
            claims, wanted = claim_keys(open_batch), task_keys(open_batch)
            wanted_contacts = asked_about(
                judged.decision for judged in open_batch if judged.decision
            )
            tasks = await routing.tasks_of_keys(conn, wanted) if wanted else {}
            new_keys = closing_keys(open_batch) - tasks.keys()
            state = State(
                earlier=await self._earlier(conn, open_batch),
                claims=await routing.claims_of(conn, claims) if claims else {},
                tasks=tasks,
                copies=await copies_of(conn, [row["id"] for row in tasks.values()]),
                closings=await routing.closings_of(conn, new_keys) if new_keys else {},
                contacts=await contacts.contacts_of(conn, wanted_contacts - in_force.known_people),
            )
            done = fold(
                open_batch,
                state,
                now_ms=epoch_ms(self._clock()),
                rules_hash=in_force.rule_set.hash,
                statuses=in_force.statuses,
                counting=in_force.counting,
                people=in_force.people,
            )
            if done.contacts:
                kept = await contacts.keep_contacts(conn, done.contacts.values())
                done.settle_contacts(kept)
            if done.new_tasks:
                done.number(await routing.allocate_numbers(conn, len(done.new_tasks)))
            else:
                done.number(())
            await routing.write(conn, _writes(done))
        return Routed(
            done.events,
            frozenset(row["destination"] for row in done.deliveries),
            {task["id"]: due_json(task) for _, task in done.mentions},
        )

    async def _earlier(self, conn: AsyncConnection, batch: Sequence[Judged]) -> dict[str, Row]:
        """Return what replayed events did before; those the database has forgotten are not replayed."""
        replayed = {judged.event.id for judged in batch if judged.event.replay}
        earlier = await earlier_runs(conn, replayed) if replayed else {}
        for event_id in sorted(replayed - earlier.keys()):
            log.warning("replay_forgotten", event_id=event_id)
        return earlier

    async def _tell(self, events: Sequence[IncomingEvent], routed: Routed) -> None:
        """Tell receivers that wait what became of their events, and the deliverers what is due."""
        now_ms = epoch_ms(self._clock())
        rows = {row["id"]: row for row in routed.rows}
        async with self._redis.pipeline(transaction=False) as pipe:
            for event in events:
                row = rows.get(event.id)
                if event.reply_to is not None and row is not None:
                    pipe.publish(
                        keys.outcomes(event.reply_to), msgpack.packb(_outcome(row, routed.due))
                    )
            nudge_deliveries(pipe, routed.destinations, now_ms)
            if pipe.command_stack:
                await pipe.execute()
        _measure(routed.rows, now_ms)


async def route(ctx: dict[str, Any], batch_id: str) -> None:
    """Route a pending batch (arq job `keys.ROUTE_JOB`)."""
    routing_of_worker: Routing = ctx["routing"]
    await routing_of_worker.run(batch_id)


def _writes(done: Fold) -> routing.Writes:
    return routing.Writes(
        events=done.events,
        claims=list(done.claims.values()),
        new_tasks=done.new_tasks,
        changed_tasks=done.changed_tasks,
        history=done.history,
        deliveries=done.deliveries,
        closings=done.closings,
    )


def _outcome(row: Row, due: Mapping[str, Row]) -> dict[str, Any]:
    errors = [error for entry in row["decisions"] for error in entry.get("errors", ())]
    # What is wrong for the event is wrong for each of its items.
    once = {(error["field"], error["code"], error["message"]): error for error in errors}
    return {
        "event_id": row["id"],
        "status": row["status"],
        "reason": row["reason"],
        "code": row["code"],
        "duplicate_of": row["duplicate_of"],
        "tasks": [{**task, **due.get(task["id"], {})} for task in row["tasks"]],
        "errors": list(once.values()),
    }


def _measure(rows: Sequence[Row], now_ms: int) -> None:
    decisions: Counter[tuple[str, str, str]] = Counter()
    replayed: Counter[str] = Counter()
    for row in rows:
        if row["replays"]:
            replayed[row["status"]] += 1
            metrics.REPLAYS.labels(row["connector"]).inc()
        else:
            metrics.EVENT_TO_TASK_SECONDS.observe(max(0, now_ms - row["received_ms"]) / 1000)
        acted = False
        for entry in row["decisions"]:
            if entry["outcome"] is not None:
                acted = True
                decisions[row["connector"], entry["rule"], entry["outcome"]] += 1
        if not acted:
            decisions[row["connector"], "", row["status"]] += 1
        for entry in row["shadow"]:
            decisions[row["connector"], entry["rule"], "shadow"] += 1
    for (connector, rule, outcome), count in decisions.items():
        metrics.DECISIONS.labels(connector, rule, outcome).inc(count)
    if replayed:
        log.info("events_replayed", events=replayed.total(), outcomes=dict(replayed))
