"""After the fix of a broken rule, a replay does what is missing and nothing twice; also by the command."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from router.cli import replaying
from router.cli.main import run
from router.core import keys
from router.core.clock import epoch_ms, rfc3339, utc_now
from router.core.event import IncomingEvent
from router.core.ids import id_time_ms
from router.core.pending import PendingBatches
from router.core.store.engine import Store, open_store
from router.core.store.migrate import upgrade
from router.core.store.routing import Writes, lock_scopes, write
from router.core.store.schema import Row
from tests.support.batches import put_batch, webhook
from tests.support.hookyard import Hookyard
from tests.support.routes import OPEN_DOOR, write_routes
from tests.support.rows import HOUR_MS, event_row, new_id
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until
from tests.support.working import Workplace, another_worker, outcome_of, rows

pytestmark = pytest.mark.redis

BROKEN = """\
version: 1
connector: desk
source: none
dedupe: {key: "{{ body.id }}"}
rules:
  - name: note
    task: {title: "Note {{ body.id }}"}
  - name: seen
    when: {body.level: {gte: 5}}
    task: {key: all, title: Seen, on_open: count}
"""
FIXED = BROKEN.replace("{body.level: {gte: 5}}", "{body.level: {in: [5, five]}}")


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Awaitable[Ran]]


@pytest.fixture
async def place(tmp_path: Path, redis_server: RedisServer, database_url: str) -> Workplace:
    """Workers on real Redis and each kind of database, whose rules are broken at first."""
    await upgrade(database_url)
    routes = write_routes(tmp_path / "routes", desk=BROKEN, open=OPEN_DOOR)
    return Workplace(routes=routes, redis_url=redis_server.url, database_url=database_url)


@pytest.fixture
async def store(place: Workplace) -> AsyncIterator[Store]:
    opened = await open_store(place.database_url)
    yield opened
    await opened.close()


@pytest.fixture
def events(
    place: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """`hookyard events …`, in a thread of its own."""
    monkeypatch.setenv("HOOKYARD_REDIS_URL", place.redis_url)
    monkeypatch.setenv("HOOKYARD_DATABASE_URL", place.database_url)
    monkeypatch.setenv("HOOKYARD_LOG_LEVEL", "error")

    async def call(*arguments: str) -> Ran:
        capsys.readouterr()
        code = await asyncio.to_thread(run, ["events", *arguments])
        return Ran(code, *capsys.readouterr())

    return call


def note(number: int, level: object = "five") -> IncomingEvent:
    return webhook("desk", {"id": number, "level": level})


def fix(place: Workplace) -> None:
    write_routes(place.routes, desk=FIXED)


async def left_undecided(place: Workplace, redis: Redis, store: Store, count: int) -> list[str]:
    """Have events decided by the broken rules; return their ids."""
    batch = [note(number) for number in range(count)]
    async with place.worker():
        await put_batch(redis, *batch)
        for event in batch:
            assert (await outcome_of(store, event.id))["status"] == "undecided"
    return [event.id for event in batch]


async def add(store: Store, **given: Any) -> str:
    """Write an event that came an hour ago and is undecided; return its id."""
    at = {"received_ms": epoch_ms(utc_now()) - HOUR_MS}
    row = event_row(**{"connector": "desk", "status": "undecided", **at, **given})
    async with store.begin() as conn:
        await write(conn, Writes(events=[row]))
    return str(row["id"])


async def replays_of(redis: Redis) -> list[IncomingEvent]:
    """Return the replays that wait, in order."""
    pending = PendingBatches(redis)
    loaded = await pending.load_all(await pending.oldest(1000))
    return [event for events in loaded.values() for event in events if event.replay]


async def seen(store: Store) -> list[int]:
    """Return how often the task was counted that all events share."""
    return [row["occurrences"] for row in await rows(store, "tasks") if row["key"] == "all"]


async def notes(store: Store) -> list[str]:
    return sorted(row["title"] for row in await rows(store, "tasks") if row["key"] is None)


async def replayed(store: Store, event_id: str, number: int) -> Row:
    """Return an event once it is replayed so often."""

    async def is_over() -> Row | None:
        row = await outcome_of(store, event_id)
        return row if row["replays"] >= number else None

    return await wait_until(is_over, f"replay {number} of {event_id} is done", within_s=20)


async def test_after_the_fix_exactly_what_was_missing_is_done(
    place: Workplace, redis: Redis, store: Store, events: Command
) -> None:
    await left_undecided(place, redis, store, 3)
    assert (await notes(store), await seen(store)) == (["Note 0", "Note 1", "Note 2"], [])
    fix(place)

    async with place.worker():
        ran = await events("replay", "--status", "undecided", "--wait")
        again = await events("replay", "--status", "routed", "--wait")

    assert (ran.code, ran.err) == (0, "3 events are queued to be replayed.\n")
    assert ran.out == ("3 replayed: 3 routed\nactions: 3 done before, 2 counted, 1 created\n")
    assert again.out == "3 replayed: 3 routed\nactions: 6 done before\n"
    assert (await notes(store), await seen(store)) == (["Note 0", "Note 1", "Note 2"], [3])
    assert {row["replays"] for row in await rows(store, "events")} == {2}
    assert len(await rows(store, "history")) == 6


async def test_what_is_still_undecided_is_said_with_the_reason_and_the_rule(
    place: Workplace, redis: Redis, store: Store, events: Command
) -> None:
    (event_id,) = await left_undecided(place, redis, store, 1)

    async with place.worker():
        ran = await events("replay", event_id, "--wait")
    listed = await events("list", "--status", "undecided")
    shown = await events("show", event_id)

    assert ran.code == 1
    assert "1 replayed: 1 undecided" in ran.out
    for said in (ran, listed, shown):
        assert event_id in said.out
        assert "desk.yaml:9:" in said.out
        assert "body.level" in said.out
        assert "found a string" in said.out
    assert "rule          seen" in shown.out
    assert "replays       1" in shown.out
    assert "condition: " in shown.out


@pytest.mark.parametrize("forced", [False, True])
async def test_a_replay_whose_worker_was_killed_and_that_is_asked_for_again_is_done_once(
    place: Workplace, redis: Redis, store: Store, events: Command, tmp_path: Path, *, forced: bool
) -> None:
    how = ("--force",) if forced else ()
    ids = await left_undecided(place, redis, store, 2)
    fix(place)
    async with Hookyard(
        tmp_path / "hookyard",
        routes=place.routes,
        redis_url=place.redis_url,
        database_url=place.database_url,
    ) as hookyard:
        victim = hookyard.work()
        await another_worker(redis, ())
        os.kill(victim.pid, signal.SIGSTOP)
        assert (await events("replay", *ids, *how)).code == 0
        (batch_id,) = await PendingBatches(redis).oldest(2)
        async with store.begin() as conn:
            await lock_scopes(conn, ["desk"])  # nothing of the connector is committed meanwhile
            os.kill(victim.pid, signal.SIGCONT)
            await wait_until(lambda: redis.exists(keys.lease(batch_id)), "it is in hand")
            victim.kill()
    assert (await events("replay", *ids, *how)).code == 0

    async with place.worker():
        for event_id in ids:
            assert (await replayed(store, event_id, 1))["status"] == "routed"
        assert (await events("replay", "--status", "routed", "--wait")).code == 0

    made = ["Note 0", "Note 1"]
    assert await notes(store) == (sorted(made * 2) if forced else made)
    assert await seen(store) == [2]
    assert len(await rows(store, "history")) == (6 if forced else 4)


async def test_asked_for_many_times_at_once_of_two_workers_it_is_done_once(
    place: Workplace, redis: Redis, store: Store, events: Command
) -> None:
    ids = await left_undecided(place, redis, store, 3)
    fix(place)
    for _ in range(5):
        assert (await events("replay", *ids)).code == 0
    assert len(await replays_of(redis)) == 15

    async with place.worker(), place.worker():
        for event_id in ids:
            await replayed(store, event_id, 1)
        await wait_until(lambda: _nothing_waits(redis), "nothing waits")

    assert await seen(store) == [3]
    assert [row["replays"] for row in await rows(store, "events")] == [1, 1, 1]
    assert len(await rows(store, "history")) == 6


async def _nothing_waits(redis: Redis) -> bool:
    return not await redis.zcard(keys.PENDING)


async def test_a_forced_replay_acts_again(
    place: Workplace, redis: Redis, store: Store, events: Command
) -> None:
    fix(place)
    event = note(0)
    async with place.worker():
        await put_batch(redis, event)
        await outcome_of(store, event.id)

        ran = await events("replay", event.id, "--force", "--wait")

    assert (ran.code, ran.out) == (0, "1 replayed: 1 routed\nactions: 1 created, 1 counted\n")
    assert (await notes(store), await seen(store)) == (["Note 0", "Note 0"], [2])


async def test_the_oldest_go_first_and_no_more_than_so_many(
    place: Workplace, redis: Redis, store: Store, events: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "_AT_ONCE", 2)
    ids = [await add(store) for _ in range(7)]

    ran = await events("replay", "--status", "undecided", "--limit", "5")

    assert ran.code == 0
    assert [event.id for event in await replays_of(redis)] == ids[:5]
    assert [line.split()[0] for line in ran.out.splitlines()[1:]] == ids[:5]
    assert ran.err == "5 events are queued to be replayed.\n"


async def test_a_filter_narrows_what_is_replayed_and_listed(
    place: Workplace, redis: Redis, store: Store, events: Command
) -> None:
    await add(store, connector="open")
    await add(store, status="routed")
    border = utc_now() - timedelta(hours=2)
    old = await add(store, received_ms=epoch_ms(border) - 1000)
    wanted = await add(store)
    narrow = ("--status", "undecided", "--connector", "desk")

    for times, found in (
        (("--since", rfc3339(border)), wanted),
        (("--since", "2h"), wanted),
        (("--until", rfc3339(border)), old),
        (("--since", "3h", "--until", "2h"), old),
    ):
        listed = await events("list", *narrow, *times, "--json")
        assert [event["id"] for event in listed.json["data"]] == [found]
        ran = await events("replay", *narrow, *times, "--dry-run", "--json")
        assert ran.json["queued"] == [{"event_id": found, "replay": 1}]
    assert await replays_of(redis) == []


async def test_those_that_wait_are_listed_by_the_time_they_came(
    place: Workplace, redis: Redis, store: Store, events: Command
) -> None:
    event = note(0)
    await put_batch(redis, event)

    for arguments, found in ((("--since", "1h"), [event.id]), (("--until", "1h"), [])):
        listed = await events("list", *arguments, "--json")
        assert [one["id"] for one in listed.json["data"]] == found


async def test_a_dry_run_shows_what_would_be_replayed_and_queues_nothing(
    place: Workplace, redis: Redis, store: Store, events: Command
) -> None:
    event_id = await add(store, reason="no number", code="condition")

    ran = await events("replay", "--status", "undecided", "--dry-run", "--force", "--wait")

    assert ran.code == 0
    assert ran.out.split() == [
        *("id", "connector", "type", "status", "code", "reason", "rule"),
        *(event_id, "desk", "undecided", "condition", "no", "number"),
    ]
    assert ran.err == "1 event would be replayed.\n"
    assert await replays_of(redis) == []


async def test_what_cannot_be_replayed_is_said_and_the_others_are(
    place: Workplace, redis: Redis, store: Store, events: Command
) -> None:
    async with place.worker():
        pass  # so that it is known which connectors there are
    good, gone = await add(store), await add(store, connector="gone", status="held")
    duplicate = await add(store, status="duplicate", duplicate_of=good)
    # One process's ids are in order; those of the test's events and batches are not within a millisecond.
    waiting, unknown = note(0), new_id()
    await wait_until(lambda: epoch_ms(utc_now()) > id_time_ms(waiting.id), "a millisecond is over")
    await put_batch(redis, waiting)

    ran = await events("replay", good, gone, duplicate, waiting.id, unknown, "1", good)

    assert ran.code == 1
    assert [event.id for event in await replays_of(redis)] == [good]
    for event_id, words in (
        (gone, "there is no connector gone any more; put its file back first"),
        (duplicate, f"it is a duplicate of {good}"),
        (waiting.id, "it waits to be decided for the first time"),
        (unknown, "there is no such event"),
        ("1", "there is no such event"),
    ):
        assert f"{event_id} is not replayed: {words}" in ran.err
    told = (await events("replay", gone, "--json")).json
    assert told["queued"] == []
    assert [(one["event_id"], one["code"]) for one in told["passed_over"]] == [
        (gone, "no-connector")
    ]


async def test_many_that_cannot_be_replayed_are_one_line(
    place: Workplace, redis: Redis, store: Store, events: Command
) -> None:
    async with place.worker():
        pass  # so that it is known which connectors there are
    ids = [await add(store, connector="gone", status="held") for _ in range(7)]

    ran = await events("replay", "--status", "held")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        f"7 events are not replayed, {ids[0]} and others: there is no connector gone any more; "
        "put its file back first.\n"
    )


async def test_with_nothing_to_replay_it_says_so(
    place: Workplace, store: Store, events: Command
) -> None:
    for arguments in ((), ("--wait",), ("--dry-run",)):
        ran = await events("replay", "--status", "failed", *arguments)
        assert (ran.code, ran.out) == (0, "")
        assert ran.err == "There is nothing to replay.\n"
    told = (await events("replay", "--status", "failed", "--json")).json
    assert told == {"queued": [], "passed_over": [], "outcomes": None, "events": None}


async def test_what_came_of_each_can_be_had_as_json(
    place: Workplace, redis: Redis, store: Store, events: Command
) -> None:
    (event_id,) = await left_undecided(place, redis, store, 1)
    fix(place)

    async with place.worker():
        told = (await events("replay", "--status", "undecided", "--wait", "--json")).json

    assert told["queued"] == [{"event_id": event_id, "replay": 1}]
    assert told["outcomes"] == {"routed": 1}
    (event,) = told["events"]
    assert (event["id"], event["status"], event["replays"]) == (event_id, "routed", 1)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("answer", ["y", "n"])
async def test_somebody_at_a_terminal_is_asked_before_many_are_replayed(
    place: Workplace,
    redis: Redis,
    store: Store,
    events: Command,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
) -> None:
    for connector in ("desk", "desk", "open"):
        await add(store, connector=connector)
    monkeypatch.setattr(sys, "stdin", _Terminal(f"{answer}\n"))

    ran = await events("replay", "--status", "undecided", "--limit", "2", "--force")

    asked = "3 events are undecided (desk 2, open 1). Replay 2 and do again what they did before?"
    assert asked in ran.err
    assert ran.code == (0 if answer == "y" else 1)
    assert len(await replays_of(redis)) == (2 if answer == "y" else 0)


async def test_where_nobody_can_be_asked_force_needs_a_yes(
    place: Workplace, redis: Redis, store: Store, events: Command
) -> None:
    await add(store)
    many = ("replay", "--status", "undecided", "--force")

    refused = await events(*many)

    assert refused.code == 2
    assert "say --yes" in refused.err
    assert await replays_of(redis) == []
    assert (await events(*many, "--yes")).code == 0
    assert [event.forced for event in await replays_of(redis)] == [True]


async def test_while_nothing_is_decided_it_does_not_wait_for_ever(
    place: Workplace, redis: Redis, store: Store, events: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "PATIENCE_S", 0.2)
    event_id = await add(store)

    ran = await events("replay", event_id, "--wait")

    assert ran.code == 2
    assert "1 replay is queued, and nothing was decided for" in ran.err
    assert "is a worker running?" in ran.err
    assert [event.id for event in await replays_of(redis)] == [event_id]


async def test_what_is_removed_while_it_waits_is_waited_for_no_longer(
    place: Workplace, redis: Redis, store: Store, events: Command
) -> None:
    event_id = await add(store)

    running = asyncio.ensure_future(events("replay", event_id, "--wait"))
    await wait_until(lambda: replays_of(redis), "the replay is queued")
    async with store.begin() as conn:
        await conn.execute(text("DELETE FROM events"))
    ran = await running

    assert ran.code == 0
    assert "All of them were removed meanwhile" in ran.err


async def test_without_redis_nothing_is_replayed(
    place: Workplace, store: Store, events: Command, redis_server: RedisServer
) -> None:
    event_id = await add(store)
    redis_server.kill()

    ran = await events("replay", event_id)

    assert ran.code == 2
    assert "Traceback" not in ran.err
