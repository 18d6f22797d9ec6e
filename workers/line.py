"""The deliveries of one destination at work: claims due copies, sends, writes what became of them.

The intent is the last thing written before a request leaves, so a crash leaves behind only those
copies of which a request may have left (decision V28).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from time import perf_counter

import structlog

from router.core import metrics
from router.core.clock import Clock, epoch_ms, from_epoch_ms, rfc3339
from router.core.ids import IdSource
from router.core.store import deliveries
from router.core.store.engine import Store
from router.core.store.present import task_json
from router.core.store.tasks import get_tasks
from workers import copies
from workers.destinations.destination import Common, Destination
from workers.destinations.outcome import Answer, Kind, Outcome
from workers.destinations.request import BuildError, Change, Copy, Request
from workers.destinations.sender import SecretStore, Sender
from workers.fields import Row
from workers.ledger import Ledger
from workers.pauses import CREDENTIALS, RATE_LIMITED, Pause, Pauses, mark_of
from workers.queries import heads_of_events

LEASE_MARGIN_MS = 30_000
_REQUESTS_A_LEASE = 4
"""A copy may wait for one request of another and takes at most three of its own."""
_LONGEST_RUN_S = 120.0
_LOOK_AGAIN_S = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a worker delivers with; no copy is begun any more once `stop` is set."""

    store: Store
    ledger: Ledger
    sender: Sender
    secrets: SecretStore
    pauses: Pauses
    worker_id: str
    clock: Clock
    new_id: IdSource
    jitter: copies.Jitter
    stop: asyncio.Event

    def now_ms(self) -> int:
        """Return the time in milliseconds since the epoch."""
        return epoch_ms(self.clock())


class Line:
    """One destination, for as long as it has due copies; no copy is begun any more once it `is_outdated`."""

    def __init__(
        self,
        desk: Desk,
        name: str,
        kind: Destination,
        config: Common,
        *,
        is_outdated: Callable[[], bool] = lambda: False,
    ) -> None:
        self._desk = desk
        self._name = name
        self._kind = kind
        self._config = config
        self._on_uncertain = kind.on_uncertain(config)
        self._can_complete = kind.can_complete(config)
        self._is_outdated = is_outdated
        self._paused = False

    async def run(self) -> None:
        """Send until nothing is due, the destination wants a pause, or the worker stops."""
        active: set[asyncio.Task[None]] = set()
        ends = perf_counter() + _LONGEST_RUN_S
        more = True
        try:
            while active or more:
                more = more and not self._is_over(ends)
                free = self._config.concurrency - len(active)
                if more and 2 * free >= self._config.concurrency:
                    claimed = await self._claim(free)
                    more = len(claimed) == free
                    active.update(asyncio.create_task(one) for one in claimed)
                if active:
                    done, active = await asyncio.wait(
                        active, timeout=_LOOK_AGAIN_S, return_when=asyncio.FIRST_COMPLETED
                    )
                    for task in done:
                        task.result()
                    # While one is slow, others may have become due.
                    more = more or not done
        finally:
            for task in active:
                task.cancel()

    def after_failure(self, delivery: Row, change: Change, outcome: Outcome) -> Row:
        """Return the columns of a delivery after an attempt that did not make its copy current."""
        return copies.after_failure(
            delivery,
            change,
            outcome,
            config=self._config,
            on_uncertain=self._on_uncertain,
            now_ms=self._desk.now_ms(),
            jitter=self._desk.jitter,
        )

    def _is_over(self, ends: float) -> bool:
        return (
            self._paused or self._desk.stop.is_set() or perf_counter() > ends or self._is_outdated()
        )

    async def _claim(self, limit: int) -> list[Coroutine[None, None, None]]:
        """Take due copies in hand; return what makes each of them current."""
        timeout_ms = int(self._config.timeout.total_seconds() * 1000)
        async with self._desk.store.begin() as conn:
            rows = await deliveries.claim_due(
                conn,
                self._name,
                owner=self._desk.worker_id,
                now_ms=self._desk.now_ms(),
                lease_ms=_REQUESTS_A_LEASE * timeout_ms + LEASE_MARGIN_MS,
                limit=limit,
            )
            tasks = await get_tasks(conn, [row["task_id"] for row in rows])
            sources = [task["source"]["event_id"] for task in tasks.values()]
            events = await heads_of_events(conn, [source for source in sources if source])
        return [self._deliver(row, tasks.get(row["task_id"]), events) for row in rows]

    async def _deliver(self, row: Row, task: Row | None, events: dict[str, Row]) -> None:
        if self._paused:
            async with self._desk.store.begin() as conn:
                await deliveries.give_back(conn, [row["id"]], owner=self._desk.worker_id)
            return
        trip = Trip(self, self._desk, row, task, events)
        result = await trip.make_current()
        if result is None:
            return
        written = await self._desk.ledger.finish({"id": row["id"], **result}, trip.attempts)
        if not written and trip.attempts:
            # Others have had it meanwhile; what we sent may have undone what they sent (Q6).
            log.warning("delivery_lease_lost", delivery_id=row["id"], destination=self._name)
            async with self._desk.store.begin() as conn:
                await deliveries.send_again(conn, [row["id"]], now_ms=self._desk.now_ms())

    def changes_for(self, delivery: Row, task: Row) -> list[Change]:
        """Return what is to be sent for a copy, in order."""
        return copies.next_changes(delivery, task, can_complete=self._can_complete)

    def version_after_create(self, sent_version: int, task: Row) -> int:
        """Return the version a copy has once it is created."""
        return copies.version_after_create(sent_version, task, can_complete=self._can_complete)

    def build(self, change: Change, delivery: Row, task: Row, event: Row | None) -> Request | None:
        """Return the request for a change; None where the destination has none for it."""
        copy = Copy(
            task=task_json(task),
            key=copies.attempt_key(delivery["id"], change, task["version"]),
            destination=self._name,
            delivery_id=delivery["id"],
            external_id=delivery["external_id"],
            event=None if event is None else _event(event),
        )
        return self._kind.build(self._config, change, copy)

    async def attempt(self, change: Change, request: Request) -> Outcome:
        """Send one request and say what came of it; the destination is paused where it wants that."""
        started = perf_counter()
        repeatable = change != "create" or self._on_uncertain == "repeat"
        answer = await self._desk.sender.send(request, self._config, repeatable=repeatable)
        outcome = (
            self._kind.classify(self._config, change, answer, self._desk.clock().timestamp())
            if isinstance(answer, Answer)
            else answer
        )
        metrics.DELIVERIES.labels(self._name, outcome.kind.value).inc()
        metrics.DELIVERY_SECONDS.observe(perf_counter() - started)
        await self._pause_after(outcome)
        return outcome

    async def _pause_after(self, outcome: Outcome) -> None:
        if outcome.kind is Kind.AUTH:
            self._paused = True
            mark = mark_of(self._kind, self._config, self._desk.secrets)
            await self._desk.pauses.put(self._name, Pause(CREDENTIALS, outcome.message, mark))
            log.error("destination_paused", destination=self._name, reason=outcome.message)
        elif outcome.kind is Kind.RATE_LIMITED:
            self._paused = True
            wait_s = outcome.retry_after_s
            if wait_s is None:
                wait_s = self._config.retry.first.total_seconds()
            pause = Pause(RATE_LIMITED, outcome.message)
            await self._desk.pauses.put(self._name, pause, for_ms=int(wait_s * 1000))
            log.warning("destination_paused", destination=self._name, reason=outcome.message)


class Trip:
    """One copy on its way to being current; `attempts` records each request."""

    def __init__(
        self, line: Line, desk: Desk, row: Row, task: Row | None, events: dict[str, Row]
    ) -> None:
        self._line = line
        self._desk = desk
        self._task = task
        self._event = None if task is None else events.get(task["source"]["event_id"])
        self.attempts: list[Row] = []
        self._row = dict(row)
        if row["state"] == "pending":
            self._row |= {"attempts": 0, "first_attempt_ms": None}
        self._progress: Row = {}

    async def make_current(self) -> Row | None:
        """Send what is needed; return the columns to finish with, None if the copy left our hands."""
        task = self._task
        if task is None or task["deleted_ms"] is not None:
            # A deleted task leaves its copies alone (V32).
            return {"state": "current", "delivered_version": self._row["wanted_version"]}
        shown = True
        while changes := self._line.changes_for(self._row, task):
            for change in changes:
                try:
                    kept = self._row["create_request"] if change == "create" else None
                    version = task["version"] if kept is None else kept["version"]
                    request = (
                        self._line.build(change, self._row, task, self._event)
                        if kept is None
                        else Request.from_json(kept)
                    )
                except BuildError as error:
                    return self._stop(change, Outcome(Kind.REJECTED, error.code, str(error)))
                if request is None:
                    shown = False
                    continue
                outcome = await self._send(change, request, version)
                if outcome is None:
                    return None
                if outcome.kind is not Kind.DELIVERED:
                    return self._stop(change, outcome)
                self._note_success(change, outcome, version, task)
            if changes != ["create"]:
                self._go_on(delivered_version=task["version"])
        return {
            **self._progress,
            **copies.after_success(task, shown=shown, now_ms=self._desk.now_ms()),
            "delivered_version": self._row["delivered_version"],
        }

    async def _send(self, change: Change, request: Request, version: int) -> Outcome | None:
        now_ms = self._desk.now_ms()
        self._row["attempts"] += 1
        self._row["first_attempt_ms"] = self._row["first_attempt_ms"] or now_ms
        intent = {
            "id": self._row["id"],
            **self._progress,
            "attempts": self._row["attempts"],
            "first_attempt_ms": self._row["first_attempt_ms"],
            "intent": {"kind": change, "version": version, "at_ms": now_ms},
        }
        if change == "create":
            intent["create_request"] = {**request.as_json(), "version": version}
        if not await self._desk.ledger.intend(intent):
            return None
        started = perf_counter()
        outcome = await self._line.attempt(change, request)
        self.attempts.append(
            {
                "id": self._desk.new_id(),
                "delivery_id": self._row["id"],
                "at_ms": now_ms,
                "kind": change,
                "outcome": outcome.kind.value,
                "status": outcome.status,
                "message": outcome.message or None,
                "duration_ms": int((perf_counter() - started) * 1000),
            }
        )
        self._go_on(last_answer={"status": outcome.status, "message": outcome.message})
        return outcome

    def _note_success(self, change: Change, outcome: Outcome, version: int, task: Row) -> None:
        if change == "create":
            self._go_on(
                external_id=outcome.external_id,
                delivered_version=self._line.version_after_create(version, task),
                create_request=None,
            )

    def _stop(self, change: Change, outcome: Outcome) -> Row:
        after = self._line.after_failure(self._row, change, outcome)
        return {**self._progress, "attempts": self._row["attempts"], **after}

    def _go_on(self, **columns: object) -> None:
        """Note columns that are written with the next intent or the end, whichever comes first."""
        self._row |= columns
        self._progress |= columns


def _event(row: Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "connector": row["connector"],
        "type": row["type"],
        "delivery_id": row["delivery_id"],
        "received_at": rfc3339(from_epoch_ms(row["received_ms"])),
    }
