"""Replays through the routing transaction: decided by the rules in force then, written once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from structlog.testing import capture_logs

from router.core.errors import StoreError
from router.core.event import IncomingEvent
from router.core.replay import replay_of
from router.core.store import routing
from router.core.store.engine import Store
from router.core.store.events import get_event
from router.core.store.schema import Row
from tests.support.batches import is_pending, put_batch, webhook
from tests.support.manual_clock import ManualClock
from tests.support.ruling import rules_in_force
from tests.support.working import rows
from workers.route import Routing

BROKEN = """\
connector: desk
source: none
dedupe: {key: "{{ body.id }}"}
rules:
  - name: note
    task: {title: "{{ body.title }}"}
  - name: urgent
    when: {body.level: {gte: 5}}
    task: {key: "{{ body.title }}", title: "Urgent: {{ body.title }}", on_open: count}
"""
FIXED = BROKEN.replace("{body.level: {gte: 5}}", "{body.level: {in: [5, five]}}")
TABLES = ("events", "tasks", "history", "deliveries")

Desk = Callable[[str], Awaitable[Routing]]


@pytest.fixture
def desk(redis: Redis, store: Store, clock: ManualClock, tmp_path: Path) -> Desk:
    """A worker with rules of its own."""

    numbers = count()

    async def worker(text: str) -> Routing:
        rules = await rules_in_force(tmp_path / f"{next(numbers)}", redis, store, clock, desk=text)
        return Routing(
            redis=redis,
            store=store,
            rules=rules,
            worker_id="w1",
            clock=clock,
            stop=asyncio.Event(),
        )

    return worker


def note(**given: Any) -> IncomingEvent:
    body = {"id": 7, "title": "a", "level": "five"}
    return webhook("desk", body, headers={"x-a": "1"}, query={"b": "2"}, type="note", **given)


async def stored(store: Store, event_id: str) -> Row:
    async with store.connect() as conn:
        row = await get_event(conn, event_id)
    assert row is not None
    return row


async def titles(store: Store) -> list[str]:
    return sorted(row["title"] for row in await rows(store, "tasks"))


async def everything(store: Store) -> list[list[dict[str, Any]]]:
    return [await rows(store, table) for table in TABLES]


def replays() -> float:
    return REGISTRY.get_sample_value("hookyard_replays_total", {"connector": "desk"}) or 0


def times_to_task() -> float:
    return REGISTRY.get_sample_value("hookyard_event_to_task_seconds_count") or 0


async def test_what_a_broken_rule_left_is_done_by_the_rules_in_force_then(
    redis: Redis, store: Store, desk: Desk, clock: ManualClock
) -> None:
    event = note()
    await (await desk(BROKEN)).run(await put_batch(redis, event))
    before = await stored(store, event.id)
    assert (before["status"], await titles(store)) == ("undecided", ["a"])
    clock.forward(60_000)

    with capture_logs() as logs:
        await (await desk(FIXED)).run(await put_batch(redis, replay_of(before)))

    after = await stored(store, event.id)
    assert (after["status"], after["reason"], after["replays"]) == ("routed", None, 1)
    assert after["rules_hash"] != before["rules_hash"]
    assert after["decided_ms"] == before["decided_ms"] + 60_000
    assert await titles(store) == ["Urgent: a", "a"]
    came_in = ("body", "headers", "query", "type", "content_type", "received_ms")
    assert [after[name] for name in came_in] == [before[name] for name in came_in]
    (said,) = [entry for entry in logs if entry["event"] == "events_replayed"]
    assert (said["events"], said["outcomes"]) == (1, {"routed": 1})


async def test_a_replay_that_runs_twice_changes_nothing(
    redis: Redis, store: Store, desk: Desk
) -> None:
    event = note()
    work = await desk(BROKEN)
    await work.run(await put_batch(redis, event))
    fixed = await desk(FIXED)
    for forced in (False, True):
        replay = replay_of(await stored(store, event.id), forced=forced)
        await fixed.run(await put_batch(redis, replay))
        before = await everything(store)

        await fixed.run(await put_batch(redis, replay))

        assert await everything(store) == before


async def test_the_same_replay_in_two_batches_is_one_effect(
    redis: Redis, store: Store, desk: Desk
) -> None:
    event = note()
    await (await desk(BROKEN)).run(await put_batch(redis, event))
    replay = replay_of(await stored(store, event.id))
    batches = [await put_batch(redis, replay) for _ in range(2)]

    await (await desk(FIXED)).run(batches[0])

    assert [await is_pending(redis, one) for one in batches] == [False, False]
    assert await titles(store) == ["Urgent: a", "a"]
    assert len(await rows(store, "history")) == 2
    assert (await stored(store, event.id))["replays"] == 1


async def test_a_forced_replay_counts_again_and_makes_another_task_without_a_key(
    redis: Redis, store: Store, desk: Desk
) -> None:
    event = note()
    work = await desk(FIXED)
    await work.run(await put_batch(redis, event))

    await work.run(await put_batch(redis, replay_of(await stored(store, event.id), forced=True)))

    assert await titles(store) == ["Urgent: a", "a", "a"]
    counted = {row["title"]: row["occurrences"] for row in await rows(store, "tasks")}
    assert counted == {"Urgent: a": 2, "a": 1}
    assert len(await rows(store, "history")) == 4
    assert len(await rows(store, "events")) == 1
    did = (await stored(store, event.id))["tasks"]
    assert [entry.get("forced", False) for entry in did] == [False, False, True, True]


async def test_replays_are_counted_and_are_no_slow_events(
    redis: Redis, store: Store, desk: Desk, clock: ManualClock
) -> None:
    event = note()
    work = await desk(FIXED)
    await work.run(await put_batch(redis, event))
    clock.forward(3_600_000)
    counted, timed = replays(), times_to_task()

    await work.run(await put_batch(redis, replay_of(await stored(store, event.id))))

    assert (replays(), times_to_task()) == (counted + 1, timed)


async def test_a_replay_whose_event_was_removed_meanwhile_does_nothing(
    redis: Redis, store: Store, desk: Desk
) -> None:
    event = note()
    work = await desk(FIXED)
    batch_id = await put_batch(redis, event._replace(replay=1))

    with capture_logs() as logs:
        await work.run(batch_id)

    assert await everything(store) == [[], [], [], []]
    assert not await is_pending(redis, batch_id)
    assert [(entry["event"], entry["event_id"]) for entry in logs] == [
        ("replay_forgotten", event.id)
    ]


async def test_a_replay_without_its_connector_is_held(
    redis: Redis, store: Store, desk: Desk
) -> None:
    event = note()
    await (await desk(BROKEN)).run(await put_batch(redis, event))
    replay = replay_of(await stored(store, event.id))

    await (await desk(FIXED.replace("desk", "other"))).run(await put_batch(redis, replay))

    row = await stored(store, event.id)
    assert (row["status"], row["code"], row["replays"]) == ("held", "no-connector", 1)
    assert [entry["action"] for entry in row["tasks"]] == ["created"], "what was done stays said"


@pytest.mark.parametrize("number", [0, 1])
async def test_an_event_whose_headers_cannot_be_stored_fails_without_them(
    redis: Redis, store: Store, desk: Desk, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    event = note()
    if number:
        await (await desk(BROKEN)).run(await put_batch(redis, event))
    write = routing.write

    async def picky(conn: Any, writes: routing.Writes) -> None:
        if any(row["headers"] for row in writes.events):
            raise StoreError("refused")
        await write(conn, writes)

    monkeypatch.setattr(routing, "write", picky)
    await (await desk(FIXED)).run(await put_batch(redis, event._replace(replay=number)))

    row = await stored(store, event.id)
    assert (row["status"], row["code"], row["replays"]) == ("failed", "internal", number)
    assert row["headers"] == ({"x-a": "1"} if number else {}), "what is stored stays"
    assert len(row["tasks"]) == number


@pytest.mark.parametrize("number", [0, 1])
async def test_what_came_in_is_kept_of_an_event_that_fails(
    redis: Redis, store: Store, desk: Desk, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    event = note()
    if number:
        await (await desk(BROKEN)).run(await put_batch(redis, event))
    write = routing.write

    async def picky(conn: Any, writes: routing.Writes) -> None:
        if writes.new_tasks:
            raise StoreError("refused")
        await write(conn, writes)

    monkeypatch.setattr(routing, "write", picky)
    await (await desk(FIXED)).run(await put_batch(redis, event._replace(replay=number)))

    row = await stored(store, event.id)
    assert (row["status"], row["code"], row["replays"]) == ("failed", "internal", number)
    assert (row["headers"], row["query"], row["type"]) == ({"x-a": "1"}, {"b": "2"}, "note")
    assert json.loads(row["body"])["title"] == "a"
    assert replay_of(row) == event._replace(
        remote=None, headers={"x-a": "1"}, query={"b": "2"}, replay=number + 1
    )
