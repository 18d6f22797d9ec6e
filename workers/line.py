"""The deliveries of one destination at work: takes turns, claims due copies, lets each make its trip.

Nothing is claimed without a turn, so a destination that is slow, limited or away keeps its copies
waiting in the database and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any

import structlog

from router.core import metrics
from router.core.clock import Clock, epoch_ms, from_epoch_ms, rfc3339
from router.core.ids import IdSource
from router.core.store import deliveries
from router.core.store.engine import Store
from router.core.store.tasks import get_tasks
from workers import copies
from workers.destinations.destination import Common, Destination, never_omitted
from workers.destinations.outcome import Answer, Kind, Outcome
from workers.destinations.request import Ask, Copy, Ids, Request, marker_of
from workers.destinations.sender import SecretStore, Sender
from workers.fields import Row
from workers.ledger import Ledger
from workers.patience import AWAY, StoppedError, insist
from workers.pauses import CREDENTIALS, RATE_LIMITED, Pause, Pauses, mark_of
from workers.queries import heads_of_events
from workers.trip import Trip
from workers.turns import Ended, Given, Limits, Result, Turn, Turns

LEASE_MARGIN_MS = 30_000
_REQUESTS_A_LEASE = 4
"""A copy may wait for one request of another and takes at most three of its own."""
_LOOKS_A_LEASE = 2
"""Half of it may go into looking for a copy, so that there is time to act on what is found."""
_LONGEST_RUN_S = 120.0
_LOOK_AGAIN_S = 1.0
_WORTH_WAITING_S = 3.0
"""A line that has nothing in hand and must wait longer ends; the sweeper starts it again."""
_SHORTEST_WAIT_S = 0.002

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """What a worker delivers with; no copy is begun any more once `stop` is set."""

    store: Store
    ledger: Ledger
    sender: Sender
    secrets: SecretStore
    pauses: Pauses
    turns: Turns
    worker_id: str
    clock: Clock
    new_id: IdSource
    jitter: copies.Jitter
    stop: asyncio.Event

    def now_ms(self) -> int:
        """Return the time in milliseconds since the epoch."""
        return epoch_ms(self.clock())


@dataclass(slots=True)
class _InHand:
    """What a run has in hand: trips under way, and turns to be given back."""

    trips: set[asyncio.Task[None]] = field(default_factory=set)
    ended: list[Ended] = field(default_factory=list)
    more: bool = True
    """There may be copies that are due."""
    waiting: int = 0
    """Trips that wait for another turn: they go before copies that are not begun."""


class Line:
    """One destination, for as long as it has due copies; no copy is begun any more once it `is_outdated`."""

    def __init__(
        self,
        desk: Desk,
        name: str,
        kind: Destination,
        config: Common,
        *,
        ids: Ids | None = None,
        is_outdated: Callable[[], bool] = lambda: False,
    ) -> None:
        self.desk = desk
        self.name = name
        self.kind = kind
        self.config = config
        self.can = kind.changes_with(config)
        self.by_field = "update" not in self.can or kind.omitted is not never_omitted
        self.policy = copies.Policy(config, kind.on_uncertain(config), desk.jitter)
        self._counts = kind.counts(config)
        self._ids = ids or Ids()
        self._is_outdated = is_outdated
        timeout_s = config.timeout.total_seconds()
        self._lease_ms = int(_REQUESTS_A_LEASE * timeout_s * 1000) + LEASE_MARGIN_MS
        self.look_within_s = _LOOKS_A_LEASE * timeout_s + LEASE_MARGIN_MS / 2000
        self._limits = Limits.of(config)
        self._in_hand = _InHand()
        self.is_paused = False

    async def run(self) -> None:
        """Send until nothing is due, the destination is to be left alone, or the worker stops."""
        hand = self._in_hand
        ends = perf_counter() + _LONGEST_RUN_S
        try:
            while True:
                wait_s = _LOOK_AGAIN_S
                is_over = self._is_over(ends)
                if not is_over and hand.more and not hand.waiting and self._has_room():
                    wait_s = await self._begin()
                elif self._has_news():
                    await self._exchange(0)
                if not hand.trips and (is_over or not hand.more or wait_s > _WORTH_WAITING_S):
                    return
                await self._wait(min(wait_s, _LOOK_AGAIN_S))
        except StoppedError:
            if hand.trips:
                await asyncio.wait(hand.trips)
        finally:
            await self._end_trips()
            await self._give_back()

    def _is_over(self, ends: float) -> bool:
        return (
            self.is_paused
            or self.desk.stop.is_set()
            or perf_counter() > ends
            or self._is_outdated()
        )

    def _has_room(self) -> bool:
        """Tell whether it is worth looking for copies: few statements for many copies."""
        return 2 * (self.config.concurrency - len(self._in_hand.trips)) >= self.config.concurrency

    def _has_news(self) -> bool:
        """Tell whether turns are to be given back at once: others wait, or something went wrong."""
        ended = self._in_hand.ended
        return bool(ended) and (
            self.config.rate is not None or any(one.result is Result.BAD for one in ended)
        )

    async def _begin(self) -> float:
        """Take turns and copies in hand; return in how many seconds there may be more."""
        hand = self._in_hand
        given = await self._exchange(self.config.concurrency - len(hand.trips))
        if not given.turns:
            return _LOOK_AGAIN_S if given.wait_s is None else max(given.wait_s, _SHORTEST_WAIT_S)
        claimed = await self._claim(list(given.turns))
        hand.more = len(claimed) == len(given.turns)
        hand.trips.update(asyncio.create_task(one) for one in claimed)
        if not hand.more:
            await self._exchange(0)  # others may need the turns that nothing was due for
        return _LOOK_AGAIN_S

    async def _wait(self, for_s: float) -> None:
        """Wait until a trip ends or the time is over; without trips also for the stop."""
        hand = self._in_hand
        if not hand.trips:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(for_s):
                    await self.desk.stop.wait()
            return
        done, hand.trips = await asyncio.wait(
            hand.trips, timeout=for_s, return_when=asyncio.FIRST_COMPLETED
        )
        for trip in done:
            trip.result()
        # While one is slow, others may have become due.
        hand.more = hand.more or not done

    async def _exchange(self, want: int) -> Given:
        """Give back what ended and take new turns; while Redis is away it is waited for."""
        ended, self._in_hand.ended = self._in_hand.ended, []
        asked = partial(self.desk.turns.exchange, self.name, self._limits, ended=ended, want=want)
        try:
            given = await insist("taking turns", asked, self.desk.stop)
        except BaseException:
            self._in_hand.ended[:0] = ended
            raise
        self._say(given, ended)
        return given

    def _say(self, given: Given, ended: list[Ended]) -> None:
        if given.opened_for_s is not None:
            reason = next((one.why for one in reversed(ended) if one.result is Result.BAD), "")
            log.warning(
                "breaker_opened",
                destination=self.name,
                reason=reason,
                next_try_in_s=given.opened_for_s,
            )
        elif given.closed:
            log.info("breaker_closed", destination=self.name)

    async def _end_trips(self) -> None:
        """Stop trips under way; each gives back its turn, but what it sent is known by its intent."""
        for trip in self._in_hand.trips:
            trip.cancel()
        if self._in_hand.trips:
            await asyncio.wait(self._in_hand.trips, timeout=_LOOK_AGAIN_S)

    async def _give_back(self) -> None:
        """Give all turns back, if Redis is there; else they end with their lease."""
        if self._in_hand.ended:
            with contextlib.suppress(*AWAY, StoppedError):
                given = await self.desk.turns.exchange(
                    self.name, self._limits, ended=self._in_hand.ended
                )
                self._say(given, self._in_hand.ended)

    async def _claim(self, turns: list[Turn]) -> list[Coroutine[None, None, None]]:
        """Take due copies in hand, one for each turn; return what makes each of them current."""
        try:
            async with self.desk.store.begin() as conn:
                rows = await deliveries.claim_due(
                    conn,
                    self.name,
                    owner=self.desk.worker_id,
                    now_ms=self.desk.now_ms(),
                    lease_ms=self._lease_ms,
                    limit=len(turns),
                )
                tasks = await get_tasks(conn, [row["task_id"] for row in rows])
                sources = [task["source"]["event_id"] for task in tasks.values()]
                events = await heads_of_events(conn, [source for source in sources if source])
        except BaseException:
            self._in_hand.ended += [Ended(turn.id, Result.UNUSED) for turn in turns]
            raise
        self._in_hand.ended += [Ended(turn.id, Result.UNUSED) for turn in turns[len(rows) :]]
        return [
            self._deliver(turn, row, tasks.get(row["task_id"]), events)
            for turn, row in zip(turns, rows, strict=False)
        ]

    async def _deliver(
        self, turn: Turn, row: Row, task: Row | None, events: dict[str, Row]
    ) -> None:
        event = None if task is None else events.get(task["source"]["event_id"])
        trip = Trip(self, turn, row, task, None if event is None else _event(event))
        try:
            result = await trip.make_current()
        finally:
            if trip.turn is not None:
                self._in_hand.ended.append(Ended(trip.turn.id, trip.showed, trip.why))
        if result is None:
            return
        written = await self.desk.ledger.finish({"id": row["id"], **result}, trip.attempts)
        if not written and trip.attempts:
            # Others have had it meanwhile; what we sent may have undone what they sent (Q6).
            log.warning("delivery_lease_lost", delivery_id=row["id"], destination=self.name)
            async with self.desk.store.begin() as conn:
                await deliveries.send_again(conn, [row["id"]], now_ms=self.desk.now_ms())

    async def another_turn(self, trip: Trip) -> bool:
        """Give a trip a turn for its next request; tell whether there is one soon.

        Without a rate the one it has is good for all its requests, which follow each other.
        """
        if trip.turn is not None:
            if self.config.rate is None and not trip.turn.is_over():
                return True
            self._in_hand.ended.append(Ended(trip.turn.id, trip.showed, trip.why))
            trip.turn = None
        ends = perf_counter() + self.config.timeout.total_seconds()
        self._in_hand.waiting += 1
        try:
            while not (self.is_paused or self.desk.stop.is_set()):
                given = await self._exchange(1)
                if given.turns:
                    trip.turn = given.turns[0]
                    return True
                wait_s = _LOOK_AGAIN_S if given.wait_s is None else given.wait_s
                if perf_counter() + wait_s > ends:
                    break
                await asyncio.sleep(max(min(wait_s, _LOOK_AGAIN_S), _SHORTEST_WAIT_S))
        except StoppedError:
            pass
        finally:
            self._in_hand.waiting -= 1
        return False

    def copy_of(self, change: Ask, row: Row, task: Row, shape: Row, event: Row | None) -> Copy:
        """Return what a request is built from."""
        return Copy(
            task=shape,
            key=row["id"]
            if change == "look"
            else copies.attempt_key(row["id"], change, task["version"]),
            destination=self.name,
            delivery_id=row["id"],
            external_id=row["external_id"],
            event=event,
            ids=self._ids,
            marker=marker_of(row["id"]),
        )

    def printed(self, shape: Row) -> Row:
        """Return of a task what the copy can show at all (see `workers.shown`)."""
        return shape if self._counts else {**shape, "occurrences": None}

    async def ask(
        self, ask: Ask, request: Request, *, repeatable: bool
    ) -> tuple[Outcome, Answer | None]:
        """Send one request and say what came of it; the destination is paused where it wants that."""
        started = perf_counter()
        answer = await self.desk.sender.send(request, self.config, repeatable=repeatable)
        outcome = (
            self.kind.classify(self.config, ask, answer, self.desk.clock().timestamp())
            if isinstance(answer, Answer)
            else answer
        )
        looked = ask == "look" and outcome.kind is Kind.DELIVERED
        metrics.DELIVERIES.labels(self.name, "looked" if looked else outcome.kind.value).inc()
        metrics.DELIVERY_SECONDS.observe(perf_counter() - started)
        await self._pause_after(outcome)
        return outcome, answer if isinstance(answer, Answer) else None

    async def _pause_after(self, outcome: Outcome) -> None:
        if outcome.kind is Kind.AUTH:
            self.is_paused = True
            mark = mark_of(self.kind, self.config, self.desk.secrets)
            pause = Pause(CREDENTIALS, outcome.message, mark, self.desk.now_ms())
            await self._put(pause, None)
            log.error("destination_paused", destination=self.name, reason=outcome.message)
        elif outcome.kind is Kind.RATE_LIMITED:
            self.is_paused = True
            wait_s = outcome.retry_after_s
            if wait_s is None:
                wait_s = self.config.retry.first.total_seconds()
            pause = Pause(RATE_LIMITED, outcome.message, since_ms=self.desk.now_ms())
            await self._put(pause, int(wait_s * 1000))
            log.warning("destination_paused", destination=self.name, reason=outcome.message)

    async def _put(self, pause: Pause, for_ms: int | None) -> None:
        """Set the pause; without Redis nothing is begun anyway, and what came of the trip is written."""
        try:
            await self.desk.pauses.put(self.name, pause, for_ms=for_ms)
        except AWAY as error:
            log.warning("pause_not_kept", destination=self.name, reason=type(error).__name__)


def _event(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "connector": row["connector"],
        "type": row["type"],
        "delivery_id": row["delivery_id"],
        "received_at": rfc3339(from_epoch_ms(row["received_ms"])),
    }
