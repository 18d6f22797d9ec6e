"""A batch of events becomes decisions and one transaction; only what is committed leaves Redis."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgpack
import pytest
from arq import Retry
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from router.core import keys, metrics
from router.core.errors import StoreError, StoreUnavailableError
from router.core.event import IncomingEvent
from router.core.nudges import job_id
from router.core.store import routing
from router.core.store.engine import Store
from tests.support.batches import is_pending, put_batch, webhook
from tests.support.manual_clock import ManualClock
from tests.support.routes import OPEN_DOOR, destinations, write_routes
from tests.support.ruling import rules_in_force
from tests.support.waiting import wait_until
from tests.support.working import rows
from workers import patience
from workers import route as route_module
from workers.route import Routing, route
from workers.rules_in_force import RulesInForce

DESK = """\
connector: desk
source: none
dedupe: {key: "{{ body.id | default(event.id) }}"}
deliver: [downstream]
rules:
  - name: note
    when: {body.title: {exists: true}}
    task: {title: "{{ body.title }}"}
otherwise: {drop: nothing to do}
"""

STATUSES = """\
directory:
  statuses: [{id: todo, kind: initial}, {id: finished, kind: done}]
"""


SHOP = """\
connector: shop
source: none
contact: {email: "{{ body.from }}"}
rules: [{name: note, task: {title: "{{ body.title }}"}}]
"""
SUPPORT = """\
connector: support
source: none
contact: {email: "{{ body.from }}", unknown: reject}
rules: [{name: note, for_each: body.items, task: {title: "{{ item }}"}}]
"""


TRIAL = """\
connector: trial
source: none
dedupe: off
rules:
  - {name: would, mode: shadow, task: {title: "{{ body.n }}"}}
  - {name: would close, mode: shadow, when: {body.live: true}, complete: {key: a}}
  - {name: would not, mode: shadow, when: {body.n: 3}, task: {title: a}}
  - {name: live, when: {body.live: true}, task: {title: "{{ body.n }}"}}
"""


@pytest.fixture
async def rules(redis: Redis, store: Store, clock: ManualClock, tmp_path: Path) -> RulesInForce:
    given = {"desk": DESK, "shop": SHOP, "support": SUPPORT}
    given["destinations"] = destinations("https://helpdesk.example")
    return await rules_in_force(tmp_path, redis, store, clock, **given)


@pytest.fixture
def stop() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def work(
    redis: Redis,
    store: Store,
    rules: RulesInForce,
    clock: ManualClock,
    stop: asyncio.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> Routing:
    monkeypatch.setattr(patience, "_FIRST_S", 0.002)
    return Routing(redis=redis, store=store, rules=rules, worker_id="w1", clock=clock, stop=stop)


def note(title: str, **given: Any) -> IncomingEvent:
    return webhook("open", {"title": title}, **given)


def counted(connector: str) -> dict[tuple[str, str], float]:
    """Return how many decisions of a connector were counted, by rule and outcome."""
    (family,) = metrics.DECISIONS.collect()
    return {
        (each.labels["rule"], each.labels["outcome"]): each.value
        for each in family.samples
        if each.name.endswith("_total") and each.labels["connector"] == connector
    }


async def outcomes(store: Store) -> list[tuple[str, str | None]]:
    return [(row["status"], row["code"]) for row in await rows(store, "events")]


async def titles(store: Store) -> list[str]:
    return sorted(row["title"] for row in await rows(store, "tasks"))


async def nothing_is_left(redis: Redis) -> bool:
    left = [name async for name in redis.scan_iter(f"{keys.PREFIX}*:*")]
    return not [name for name in left if b":batch:" in name or b":lease:" in name]


def break_writes(
    monkeypatch: pytest.MonkeyPatch, wrong: Callable[[routing.Writes], Exception | None]
) -> None:
    """Let the database refuse what is wrong."""
    write = routing.write

    async def picky(conn: Any, writes: routing.Writes) -> None:
        if (error := wrong(writes)) is not None:
            raise error
        await write(conn, writes)

    monkeypatch.setattr(routing, "write", picky)


async def test_events_become_tasks_and_the_batch_is_gone(
    redis: Redis, store: Store, work: Routing
) -> None:
    batch_id = await put_batch(redis, note("a"), webhook("desk", {"title": "b"}))

    await route({"routing": work}, batch_id)

    assert await titles(store) == ["a", "b"]
    assert await outcomes(store) == [("routed", None)] * 2
    assert not await is_pending(redis, batch_id)
    assert await nothing_is_left(redis)
    assert work.leases.held == set()
    assert sorted(row["number"] for row in await rows(store, "tasks")) == [1, 2]


async def test_what_rules_decide_is_counted_also_of_those_that_only_would_act(
    redis: Redis, store: Store, clock: ManualClock, stop: asyncio.Event, tmp_path: Path
) -> None:
    rules = await rules_in_force(tmp_path, redis, store, clock, trial=TRIAL)
    work = Routing(redis=redis, store=store, rules=rules, worker_id="w1", clock=clock, stop=stop)
    batch_id = await put_batch(
        redis, webhook("trial", {"n": 1}), webhook("trial", {"n": 2, "live": True})
    )

    await route({"routing": work}, batch_id)

    assert counted("trial") == {
        ("would", "shadow"): 2,
        ("would close", "shadow"): 1,
        ("live", "created"): 1,
        ("", "dropped"): 1,
    }


async def test_a_batch_without_new_tasks_takes_no_number(
    redis: Redis, store: Store, work: Routing
) -> None:
    await work.run(await put_batch(redis, webhook("desk", {})))

    assert await outcomes(store) == [("dropped", "dropped")]
    assert await rows(store, "tasks") == []


async def test_running_it_twice_changes_nothing(redis: Redis, store: Store, work: Routing) -> None:
    event = note("once")
    await work.run(await put_batch(redis, event))
    before = [await rows(store, table) for table in ("events", "tasks", "history")]

    await work.run(await put_batch(redis, event))

    assert [await rows(store, table) for table in ("events", "tasks", "history")] == before


async def test_a_claim_of_an_earlier_batch_is_seen(
    redis: Redis, store: Store, work: Routing
) -> None:
    for _ in range(2):
        await work.run(await put_batch(redis, webhook("desk", {"id": 7, "title": "same"})))

    assert [status for status, _ in await outcomes(store)] == ["routed", "duplicate"]
    assert await titles(store) == ["same"]


async def test_what_waits_besides_is_routed_too_until_nothing_waits(
    redis: Redis, store: Store, work: Routing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.leases.MAX_EVENTS", 3)
    batches = [await put_batch(redis, note(f"{number}")) for number in range(12)]

    await work.run(batches[0])

    assert len(await titles(store)) == 12
    assert await redis.zcard(keys.PENDING) == 0


async def test_what_is_to_be_delivered_is_nudged(redis: Redis, store: Store, work: Routing) -> None:
    await work.run(await put_batch(redis, webhook("desk", {"title": "a"})))

    assert await redis.zscore(keys.QUEUE, job_id("downstream")) is not None
    (delivery,) = await rows(store, "deliveries")
    assert (delivery["destination"], delivery["state"]) == ("downstream", "pending")


async def test_receivers_that_wait_are_told_the_outcome(redis: Redis, work: Routing) -> None:
    asked, silent = note("asked", reply_to="receiver-1"), note("silent")
    async with redis.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(keys.outcomes("receiver-1"))

        await work.run(await put_batch(redis, asked, silent))

        message = await wait_until(lambda: channel.get_message(timeout=0.01), "the outcome is told")
        assert await channel.get_message(timeout=0.01) is None
    told = msgpack.unpackb(message["data"])
    assert (told["event_id"], told["status"], told["reason"]) == (asked.id, "routed", None)
    assert [(task["action"], task["rule"]) for task in told["tasks"]] == [("created", "note")]
    assert told["errors"] == []


async def test_whom_events_are_from_is_kept_once_and_shown_on_their_tasks(
    redis: Redis, store: Store, work: Routing
) -> None:
    for emails in (["ada@acme.example", "ADA@acme.example"], ["Ada@acme.example"]):
        batch = [webhook("shop", {"title": "a", "from": email}) for email in emails]
        await work.run(await put_batch(redis, *batch))

    (contact,) = await rows(store, "contacts")
    assert (contact["address"], contact["email"]) == ("ada@acme.example", "ada@acme.example")
    shown = {"id": contact["id"], "email": "ada@acme.example", "name": None}
    assert [json.loads(task["contact"]) for task in await rows(store, "tasks")] == [shown] * 3


async def test_what_is_wrong_with_each_item_is_told_once(redis: Redis, work: Routing) -> None:
    stranger = webhook("support", {"items": ["a", "b"], "from": "x@y.example"}, reply_to="r1")
    async with redis.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(keys.outcomes("r1"))
        await work.run(await put_batch(redis, stranger))
        message = await wait_until(lambda: channel.get_message(timeout=0.01), "the outcome is told")
    told = msgpack.unpackb(message["data"])
    assert (told["status"], told["code"]) == ("refused", "unknown-contact")
    assert [error["field"] for error in told["errors"]] == ["contact.email"]


async def test_an_event_without_its_connector_is_held(
    redis: Redis, store: Store, work: Routing
) -> None:
    await work.run(await put_batch(redis, webhook("gone", {}), note("a")))

    assert sorted(await outcomes(store)) == [("held", "no-connector"), ("routed", None)]


async def test_an_event_that_cannot_be_read_fails_alone(
    redis: Redis, store: Store, work: Routing
) -> None:
    await work.run(await put_batch(redis, webhook("open", b"{"), note("a")))

    assert sorted(await outcomes(store)) == [("failed", "unparseable"), ("routed", None)]


async def test_deciding_leaves_the_event_loop_to_others_in_between(
    redis: Redis, work: Routing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route_module, "_TURN_S", -1.0)
    events: Sequence[IncomingEvent] = [note(f"{number}") for number in range(5)]
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count())
    await work._judge(events, work._rules.current)
    other.cancel()

    assert turns >= 4


async def test_what_the_database_refuses_is_found_by_halves_and_fails_alone(
    redis: Redis, store: Store, work: Routing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(writes: routing.Writes) -> Exception | None:
        bad = any(row["title"] == "bad" for row in writes.new_tasks)
        return StoreError("refused") if bad else None

    break_writes(monkeypatch, wrong)
    batch = [note(title) for title in ("a", "b", "bad", "c", "d")]
    with capture_logs() as logs:
        await work.run(await put_batch(redis, *batch))

    assert await titles(store) == ["a", "b", "c", "d"]
    by_id = {row["id"]: row for row in await rows(store, "events")}
    failed = by_id[batch[2].id]
    assert (failed["status"], failed["code"]) == ("failed", "internal")
    assert "StoreError" in failed["reason"]
    assert sorted(row["status"] for row in by_id.values()) == ["failed", *["routed"] * 4]
    assert [entry["event"] for entry in logs].count("event_failed") == 1
    assert {entry["event"] for entry in logs} == {"batch_split", "event_failed"}


async def test_an_event_of_which_nothing_can_be_stored_waits_for_the_store(
    redis: Redis,
    store: Store,
    work: Routing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = 5

    def wrong(_: routing.Writes) -> Exception | None:
        nonlocal left
        left -= 1
        return StoreError("no such table") if left > 0 else None

    break_writes(monkeypatch, wrong)
    await work.run(await put_batch(redis, note("a")))

    assert await outcomes(store) == [("failed", "internal")]
    assert await redis.zcard(keys.PENDING) == 0


async def test_while_the_database_is_away_the_leases_are_kept(
    redis: Redis, store: Store, work: Routing, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = await put_batch(redis, note("a"))
    seen: list[int] = []
    errors = [StoreUnavailableError("away")] * 3

    def wrong(_: routing.Writes) -> Exception | None:
        return errors.pop() if errors else None

    async def renew(batch_ids: Sequence[str]) -> None:
        seen.append(len(batch_ids))

    break_writes(monkeypatch, wrong)
    monkeypatch.setattr(work.leases, "renew", renew)
    with capture_logs() as logs:
        await work.run(batch_id)

    assert seen == [1, 1, 1]
    assert [entry["event"] for entry in logs] == ["waiting", "going_on"]
    assert await titles(store) == ["a"]


async def test_a_stop_while_the_database_is_away_gives_the_batch_back(
    redis: Redis,
    store: Store,
    work: Routing,
    stop: asyncio.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch_id = await put_batch(redis, note("a"))

    def wrong(_: routing.Writes) -> Exception:
        stop.set()
        return StoreUnavailableError("away")

    break_writes(monkeypatch, wrong)
    with pytest.raises(Retry):
        await work.run(batch_id)

    assert await is_pending(redis, batch_id)
    assert not await redis.exists(keys.lease(batch_id))
    assert work.leases.held == set()
    assert await rows(store, "events") == []


async def test_after_the_stop_no_batch_is_taken(
    redis: Redis, work: Routing, stop: asyncio.Event
) -> None:
    batch_id = await put_batch(redis, note("a"))
    stop.set()

    with pytest.raises(Retry):
        await work.run(batch_id)

    assert await is_pending(redis, batch_id)
    assert not await redis.exists(keys.lease(batch_id))


async def test_a_batch_that_is_committed_is_finished_however_long_redis_is_away(
    redis: Redis, store: Store, work: Routing, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = await put_batch(redis, webhook("desk", {"title": "a"}))
    real, left = work._pending.finish_all, [RedisConnectionError("gone"), OSError("gone")]

    async def flaky(batch_ids: Sequence[str]) -> int:
        if left:
            raise left.pop()
        return await real(batch_ids)

    monkeypatch.setattr(work._pending, "finish_all", flaky)
    await work.run(batch_id)

    assert await titles(store) == ["a"]
    assert not await is_pending(redis, batch_id)


async def test_a_job_that_is_cancelled_gives_the_batch_back(
    redis: Redis, work: Routing, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = await put_batch(redis, note("a"))
    begun = asyncio.Event()

    async def hangs(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(work, "_commit", hangs)
    running = asyncio.create_task(work.run(batch_id))
    await begun.wait()
    running.cancel()
    await asyncio.wait([running])

    assert running.cancelled()
    assert await is_pending(redis, batch_id)
    assert not await redis.exists(keys.lease(batch_id))


async def test_a_batch_that_is_finished_already_is_no_trouble(
    redis: Redis, store: Store, work: Routing
) -> None:
    batch_id = await put_batch(redis, note("a"))
    await redis.delete(keys.batch(batch_id))

    await work.run(batch_id)

    assert await rows(store, "events") == []
    assert not await is_pending(redis, batch_id)


async def test_a_batch_in_hand_is_decided_by_the_set_it_began_with(
    redis: Redis,
    store: Store,
    work: Routing,
    rules: RulesInForce,
    stop: asyncio.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rules are reloaded after its events were judged and before they are committed, in two tries."""
    before = rules.current
    transact = work._transact
    tries = 0

    async def reloaded_before(*given: Any) -> Any:
        nonlocal tries
        tries += 1
        text = OPEN_DOOR.replace("title: ", f"description: new {tries}, title: ")
        write_routes(rules.files.directory, open=text, people=STATUSES)
        await rules.reload(await rules.files.load(after_quiet=False), stop)
        if tries == 1:
            raise StoreUnavailableError
        return await transact(*given)

    monkeypatch.setattr(work, "_transact", reloaded_before)
    await work.run(await put_batch(redis, note("a"), note("b")))

    assert tries == 2
    assert rules.current.rule_set.hash != before.rule_set.hash
    hashes = {row["rules_hash"] for row in await rows(store, "events")}
    assert hashes == {before.rule_set.hash}
    tasks = await rows(store, "tasks")
    assert [(task["description"], task["status"]) for task in tasks] == [(None, "open")] * 2

    monkeypatch.setattr(work, "_transact", transact)
    await work.run(await put_batch(redis, note("c")))
    (after,) = [row for row in await rows(store, "tasks") if row["title"] == "c"]
    assert (after["description"], after["status"]) == ("new 2", "todo")


async def test_a_connector_that_only_another_workers_newer_rules_know_is_decided_by_those(
    redis: Redis, store: Store, clock: ManualClock, work: Routing, tmp_path: Path
) -> None:
    """Workers see a new file one after the other, and receivers have heard of it already."""
    late = OPEN_DOOR.replace("connector: open", "connector: late")
    ahead = await rules_in_force(tmp_path / "ahead", redis, store, clock, late=late)

    await work.run(await put_batch(redis, webhook("late", {"title": "a"}), note("b")))

    found = await rows(store, "events")
    assert {row["status"] for row in found} == {"routed"}
    assert {row["rules_hash"] for row in found} == {ahead.current.rule_set.hash}, "one set, a batch"


async def test_a_connector_that_nobody_knows_is_held_by_its_own_rules(
    redis: Redis,
    store: Store,
    clock: ManualClock,
    work: Routing,
    rules: RulesInForce,
    tmp_path: Path,
) -> None:
    await rules_in_force(tmp_path / "ahead", redis, store, clock, late=DESK)

    await work.run(await put_batch(redis, webhook("gone", {})))

    (row,) = await rows(store, "events")
    assert (row["status"], row["code"]) == ("held", "no-connector")
    assert row["rules_hash"] == rules.current.rule_set.hash
