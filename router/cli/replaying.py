"""Queues replays and waits for them: what `hookyard events replay` does once it is told what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic

from pydantic import ValidationError
from redis.asyncio import Redis

from router.cli.audit import done
from router.cli.failures import CommandError
from router.cli.parts import redis_of, store_of
from router.core.clock import utc_now
from router.core.errors import NotDurableError
from router.core.event import IncomingEvent
from router.core.ids import id_source, is_id
from router.core.intake import Intake
from router.core.intake_table import fetch
from router.core.pending import PendingBatches
from router.core.replay import STILL_ACCEPTED, Hindrance, hindrance, replay_of
from router.core.settings import Settings
from router.core.store import audit
from router.core.store.engine import Store
from router.core.store.events import EventFilter
from router.core.store.replays import oldest_events, short_events, whole_events
from router.core.store.schema import Row

PATIENCE_S = 60.0
"""How long is waited while nothing at all is decided."""

_AT_ONCE = 100
_LOOK_AT = 500
_LOOK_AT_FIRST = 20
"""Of those that are waited for, the first tell whether it is time to look at more."""

_KEPT = ("id", "connector", "type", "status", "code", "reason", "replays")
_POLL_S = 0.1
_MAX_BYTES = 2**40
"""Pages of events are small enough: nothing is refused for its size."""

_UNKNOWN = Hindrance("not-found", "there is no such event; those older than the retention are gone")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events: those with these ids, or those a filter finds, at most `limit`, the oldest first."""

    ids: tuple[str, ...] = ()
    wanted: EventFilter = field(default_factory=EventFilter)
    limit: int | None = None
    forced: bool = False


@dataclass(slots=True)
class Queued:
    """What was queued (or would be), and what was passed over and why."""

    events: list[Row] = field(default_factory=list)
    """What is shown of them, as they were before."""
    passed_over: list[tuple[str, Hindrance]] = field(default_factory=list)

    @property
    def numbers(self) -> dict[str, int]:
        """By id: what `replays` of an event is once it is done."""
        return {row["id"]: row["replays"] + 1 for row in self.events}


async def queue(settings: Settings, selection: Selection, *, only_look: bool = False) -> Queued:
    """Queue replays through the same durable path as webhooks; `only_look`: queue nothing.

    Raises:
        CommandError: Redis took some of them at most.
    """
    queued = Queued()
    async with redis_of(settings) as redis, store_of(settings) as store:
        connectors = await _connectors(redis)
        async with _intake(redis) as intake:
            async for rows in _pages(store, redis, selection, queued):
                events: list[IncomingEvent] = []
                for row in rows:
                    why = hindrance(row, forced=selection.forced, connectors=connectors)
                    if why is not None:
                        queued.passed_over.append((row["id"], why))
                        continue
                    events.append(replay_of(row, forced=selection.forced))
                    queued.events.append(_kept(row))
                if not only_look:
                    await _note(store, events)
                    await _put(intake, events, queued)
    return queued


async def _note(store: Store, events: Collection[IncomingEvent]) -> None:
    """Say in the audit log who has events decided again."""
    async with store.begin() as conn:
        await audit.note(
            conn,
            *(
                done("event-replayed", event.id, replay=event.replay, force=event.forced)
                for event in events
            ),
        )


async def wait(settings: Settings, numbers: dict[str, int]) -> dict[str, Row]:
    """Return the events, without their bodies, once they are all decided again.

    Those that are forgotten meanwhile, older than the retention, are left out.

    Raises:
        CommandError: Nothing is decided at all for a minute.
    """
    waiting, done = dict(numbers), {}
    async with redis_of(settings) as redis, store_of(settings) as store:
        pending = PendingBatches(redis)
        oldest, since = None, monotonic()
        over: list[str] = []
        while waiting:
            looked_at = list(islice(waiting, _LOOK_AT if over else _LOOK_AT_FIRST))
            async with store.connect() as conn:
                rows = await short_events(conn, looked_at)
            over = [one for one in looked_at if one not in rows or _is_done(rows[one], numbers)]
            for one in over:
                del waiting[one]
                if one in rows:
                    done[one] = {**rows[one], "decisions": _without_why(rows[one]["decisions"])}
            now_oldest = await pending.oldest(1)
            if over or now_oldest != oldest:
                oldest, since = now_oldest, monotonic()
            elif monotonic() - since > PATIENCE_S:
                left = "1 replay is" if len(waiting) == 1 else f"{len(waiting)} replays are"
                raise CommandError(
                    f"{left} queued, and nothing was decided for {PATIENCE_S:.0f} s: is a worker "
                    "running? What is queued is done as soon as one is"
                )
            if not over:
                await asyncio.sleep(_POLL_S)
    return done


def _kept(row: Row) -> Row:
    """Return what is shown of an event; there may be very many."""
    blamed = [one for one in row["decisions"] if one["outcome"] in {"undecided", "refused"}]
    return {name: row[name] for name in _KEPT} | {"decisions": _without_why(blamed[:1])}


def _without_why(decisions: list[Row]) -> list[Row]:
    return [{name: one[name] for name in one if name != "why"} for one in decisions]


def _is_done(row: Row, numbers: dict[str, int]) -> bool:
    return bool(row["replays"] >= numbers[row["id"]])


async def _connectors(redis: Redis) -> Collection[str] | None:
    """Return the connectors in force; None if that is not known, then the worker finds out."""
    try:
        table = await fetch(redis)
    except ValidationError:  # of another release
        return None
    return None if table is None else table.connectors


@asynccontextmanager
async def _intake(redis: Redis) -> AsyncIterator[Intake]:
    intake = Intake(
        redis,
        new_id=id_source(),
        clock=utc_now,
        max_requests=_AT_ONCE,
        max_bytes=_MAX_BYTES,
    )
    try:
        yield intake
    finally:
        await intake.close()


async def _put(intake: Intake, events: Sequence[IncomingEvent], queued: Queued) -> None:
    stored = await asyncio.gather(*map(intake.put, events), return_exceptions=True)
    for error in stored:
        if isinstance(error, NotDurableError):
            sure = len(queued.events) - sum(isinstance(one, NotDurableError) for one in stored)
            raise CommandError(
                f"Redis did not confirm all replays, {sure} of them are queued; run it again: "
                "what is done already is not done twice"
            ) from error
        if error is not None:
            raise error


async def _pages(
    store: Store, redis: Redis, selection: Selection, queued: Queued
) -> AsyncIterator[list[Row]]:
    if not selection.ids:
        async for rows in _found(store, selection):
            yield rows
        return
    ids = list(dict.fromkeys(selection.ids))
    for start in range(0, len(ids), _AT_ONCE):
        page = ids[start : start + _AT_ONCE]
        async with store.connect() as conn:
            by_id = await whole_events(conn, [one for one in page if is_id(one)])
        for one in page:
            if one not in by_id:
                queued.passed_over.append((one, await _why_not_there(redis, one)))
        yield [by_id[one] for one in page if one in by_id]


async def _found(store: Store, selection: Selection) -> AsyncIterator[list[Row]]:
    after: str | None = None
    left = selection.limit
    while left is None or left > 0:
        size = _AT_ONCE if left is None else min(left, _AT_ONCE)
        async with store.connect() as conn:
            rows = await oldest_events(conn, selection.wanted, limit=size, after=after)
        if not rows:
            return
        yield rows
        after = rows[-1]["id"]
        left = None if left is None else left - len(rows)


async def _why_not_there(redis: Redis, event_id: str) -> Hindrance:
    if is_id(event_id) and await PendingBatches(redis).find_event(event_id) is not None:
        return STILL_ACCEPTED
    return _UNKNOWN
