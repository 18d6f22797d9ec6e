"""Copies of tasks in somebody else's API: made current, under trouble too, and never made twice."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from router.cli.audit import done
from router.core import again, keys
from router.core.store.engine import Store, open_store
from router.core.store.migrate import upgrade
from tests.support.batches import put_batch, webhook
from tests.support.downstream import ANSWER_LOST, HANG, LATE, RESET, Answer, Downstream, retry_after
from tests.support.hookyard import Hookyard
from tests.support.routes import SHOP, delivering, destinations, write_routes
from tests.support.senders import order, shopify
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until
from tests.support.working import Workplace, another_worker, rows

pytestmark = pytest.mark.redis

DESK = """\
version: 1
connector: desk
source: none
deliver: [downstream]
rules:
  - name: close
    when: {body.done: true}
    complete: {key: "{{ body.key }}"}
  - name: open
    when: {body.done: false}
    task: {key: "{{ body.key }}", title: "{{ body.title }}"}
"""
OTHER = DESK.replace("connector: desk", "connector: other").replace("downstream", "elsewhere")

Row = dict[str, Any]


@pytest.fixture
async def downstream() -> AsyncIterator[Downstream]:
    async with Downstream() as server:
        yield server


@pytest.fixture
async def place(
    tmp_path: Path, redis_server: RedisServer, sqlite_url: str, downstream: Downstream
) -> Workplace:
    """Workers whose connector `desk` delivers to `downstream`, which takes idempotency keys."""
    await upgrade(sqlite_url)
    configuration = destinations(downstream.url)
    routes = write_routes(tmp_path / "routes", desk=DESK, destinations=configuration)
    return Workplace(routes, redis_server.url, sqlite_url)


@pytest.fixture
async def store(place: Workplace) -> AsyncIterator[Store]:
    """The database that the workers write to."""
    opened = await open_store(place.database_url)
    yield opened
    await opened.close()


def configure(place: Workplace, *changed: tuple[str, str]) -> None:
    """Change texts of the file of destinations."""
    file = place.routes / "destinations.yaml"
    words = file.read_text()
    for old, new in changed:
        assert old in words, old
        words = words.replace(old, new)
    file.write_text(words)


WITHOUT_KEYS = ("    idempotency_header: Idempotency-Key\n", "")
"""The destination takes no idempotency keys."""
IMPATIENT = ("    retry:", "    timeout: 300ms\n    retry:")


async def say(redis: Redis, key: str, title: str = "", **body: Any) -> None:
    """Let the desk open a task or change it."""
    await put_batch(redis, webhook("desk", {"key": key, "title": title, "done": False, **body}))


async def copy_is(store: Store, state: str, *, number: int = 1, **also: Any) -> Row:
    """Wait until the one copy (or the one with that number) is in a state, and return its row."""

    async def found() -> Row | None:
        copies = await rows(store, "deliveries")
        if len(copies) < number:
            raise LookupError("there is no copy yet")
        row = copies[number - 1]
        is_so = row["state"] == state and all(row[name] == also[name] for name in also)
        if not is_so:
            raise LookupError(str(row))
        return row

    return await wait_until(found, f"the copy is {state}", ignoring=(LookupError,))


def code(row: Row) -> str | None:
    reason = json.loads(row["reason"] or "null")
    return None if reason is None else reason["code"]


async def kinds(store: Store) -> list[tuple[str, str, int | None]]:
    """Return the attempts there were, in order."""
    found = await rows(store, "attempts")
    return [(row["kind"], row["outcome"], row["status"]) for row in found]


async def test_a_copy_is_created_changed_and_completed(
    place: Workplace, redis: Redis, store: Store, downstream: Downstream
) -> None:
    async with place.worker():
        await say(redis, "a", "First")
        created = await copy_is(store, "current", delivered_version=1)
        await say(redis, "a", "Second")
        await copy_is(store, "current", delivered_version=2)
        await say(redis, "a", done=True)
        done = await copy_is(store, "current", delivered_version=3)

    assert [(call.method, call.path) for call in downstream.calls] == [
        ("POST", "/tasks"),
        ("PUT", "/tasks/ext-1"),
        ("PUT", "/tasks/ext-1"),  # without `complete:` a completion is an update
    ]
    assert [call.json["subject"] for call in downstream.calls] == ["First", "Second", "Second"]
    assert downstream.calls[0].json["ref"] == created["task_id"]
    assert (done["external_id"], done["reason"], done["attempts"]) == ("ext-1", None, 1)
    assert await kinds(store) == [
        ("create", "delivered", 200),
        ("update", "delivered", 200),
        ("update", "delivered", 200),
    ]


async def test_a_completion_has_its_own_request_after_what_else_changed(
    place: Workplace, redis: Redis, store: Store, downstream: Downstream
) -> None:
    complete = (
        f'    complete: {{method: POST, url: "{downstream.url}/done/{{{{ external_id }}}}"}}\n'
    )
    configure(place, ("    retry:", f"{complete}    retry:"))
    async with place.worker():
        await say(redis, "a", "First")
        await copy_is(store, "current")
        await put_batch(
            redis,
            webhook("desk", {"key": "a", "title": "Second", "done": False}),
            webhook("desk", {"key": "a", "title": "", "done": True}),
        )
        await copy_is(store, "current", delivered_version=3)

    assert [(call.method, call.path) for call in downstream.calls] == [
        ("POST", "/tasks"),
        ("PUT", "/tasks/ext-1"),
        ("POST", "/done/ext-1"),
    ]
    assert downstream.calls[1].json["subject"] == "Second"


async def test_an_attempt_without_effect_is_repeated_after_a_back_off(
    place: Workplace, redis: Redis, store: Store, downstream: Downstream
) -> None:
    downstream.script.extend([Answer(409, b"busy"), Answer(425), Answer(408)])

    async with place.worker():
        await say(redis, "a", "Patience")
        row = await copy_is(store, "current")

    assert row["attempts"] == 4
    assert [status for _, _, status in await kinds(store)] == [409, 425, 408, 200]
    assert len({call.headers["Idempotency-Key"] for call in downstream.calls}) == 1


async def test_retry_after_is_obeyed_and_holds_back_the_whole_destination(
    place: Workplace, redis: Redis, store: Store, downstream: Downstream
) -> None:
    arrivals: list[float] = []
    downstream.decide = lambda _: arrivals.append(time.monotonic())
    downstream.script.append(retry_after(2))

    async with place.worker():
        await say(redis, "a", "First")
        await wait_until(lambda: redis.get(keys.pause("downstream")), "it is paused")
        asked = time.monotonic()
        await say(redis, "b", "Second")
        await copy_is(store, "current", number=1)
        await copy_is(store, "current", number=2)

    assert min(arrivals) - asked > 1.5, "nothing is sent before the time is over"
    assert len(downstream.calls) == 3


async def test_refused_credentials_hold_every_copy_until_the_secret_is_another(
    place: Workplace, redis: Redis, store: Store, downstream: Downstream
) -> None:
    token = "    headers: {Authorization: {secret: token, prefix: 'Bearer '}}\n    retry:"
    configure(place, ("    retry:", token))
    place.secrets["token"] = "the-old-one"
    downstream.decide = lambda call: (
        None if call.headers["Authorization"] == "Bearer the-new-one" else Answer(401, b"who?")
    )

    async with place.worker():
        await say(redis, "a", "First")
        first = await copy_is(store, "held")
        await say(redis, "b", "Second")
        second = await copy_is(store, "held", number=2)
        assert (code(first), code(second)) == ("credentials", "credentials")
        assert len(downstream.calls) == 1, "nothing more is sent"

        place.secrets["token"] = "the-new-one"
        await copy_is(store, "current", number=1)
        await copy_is(store, "current", number=2)

    assert len(downstream.tasks) == 2
    assert "the-old-one" not in str(await rows(store, "deliveries"))


async def test_where_the_other_end_corrected_its_mistake_a_retry_of_one_lets_all_go_on(
    place: Workplace, redis: Redis, store: Store, downstream: Downstream
) -> None:
    downstream.decide = lambda _: Answer(403, b"locked")
    async with place.worker():
        await say(redis, "a", "First")
        await copy_is(store, "held")
        await say(redis, "b", "Second")
        held = await copy_is(store, "held", number=2)
        downstream.decide = lambda _: None
        await again.send_again(store, redis, [held["id"]], now_ms=held["updated_ms"], done=done)
        await copy_is(store, "current", number=1)
        await copy_is(store, "current", number=2)

    assert [row["attempts"] for row in await rows(store, "deliveries")] == [1, 1]


async def test_a_creation_that_may_have_worked_is_held_for_a_person(
    place: Workplace, redis: Redis, store: Store, downstream: Downstream
) -> None:
    configure(place, WITHOUT_KEYS)
    downstream.script.append(ANSWER_LOST)

    async with place.worker():
        await say(redis, "a", "Perhaps")
        row = await copy_is(store, "held")
        await say(redis, "a", "Changed meanwhile")
        await copy_is(store, "held", wanted_version=2)
        await say(redis, "b", "Another")
        await copy_is(store, "current", number=2)

    assert code(row) == "uncertain"
    assert [call.json["subject"] for call in downstream.calls] == ["Perhaps", "Another"]


async def test_silence_counts_as_an_attempt_that_may_have_worked(
    place: Workplace, redis: Redis, store: Store, downstream: Downstream
) -> None:
    configure(place, WITHOUT_KEYS, IMPATIENT)
    downstream.script.append(HANG)

    async with place.worker():
        await say(redis, "a", "Perhaps")
        row = await copy_is(store, "held")

    assert code(row) == "uncertain"
    assert len(downstream.calls) == 1


async def test_with_an_idempotency_key_a_creation_is_repeated_byte_for_byte(
    place: Workplace, redis: Redis, store: Store, downstream: Downstream
) -> None:
    configure(place, IMPATIENT, ("first: 100ms", "first: 2s"))
    downstream.script.extend([ANSWER_LOST, Answer(500), HANG, RESET])

    async with place.worker():
        await say(redis, "a", "As it was")
        await wait_until(lambda: downstream.calls, "the first attempt has been made")
        await say(redis, "a", "As it is")
        await copy_is(store, "current", delivered_version=2)

    *creations, update = downstream.calls
    assert [call.method for call in creations] == ["POST"] * 5
    assert len({call.body for call in creations}) == 1
    assert len({call.headers["Idempotency-Key"] for call in creations}) == 1
    assert creations[0].json["subject"] == "As it was"
    assert (update.method, update.json["subject"]) == ("PUT", "As it is")
    assert update.headers["Idempotency-Key"] != creations[0].headers["Idempotency-Key"]
    assert len(downstream.created) == 1


async def test_a_change_that_may_have_worked_is_simply_sent_again(
    place: Workplace, redis: Redis, store: Store, downstream: Downstream
) -> None:
    configure(place, WITHOUT_KEYS)
    async with place.worker():
        await say(redis, "a", "First")
        await copy_is(store, "current")
        downstream.script.extend([ANSWER_LOST, Answer(503)])
        await say(redis, "a", "Second")
        await copy_is(store, "current", delivered_version=2)

    assert [call.method for call in downstream.calls] == ["POST", "PUT", "PUT", "PUT"]
    assert downstream.tasks["ext-1"]["subject"] == "Second"


async def test_a_refusal_is_final_and_keeps_nobody_else_waiting(
    place: Workplace, redis: Redis, store: Store, downstream: Downstream
) -> None:
    downstream.script.append(Answer(422, b"the subject is too long"))

    async with place.worker():
        await say(redis, "a", "Too long")
        failed = await copy_is(store, "failed")
        await say(redis, "b", "Short")
        await copy_is(store, "current", number=2)

    assert code(failed) == "rejected"
    assert "the subject is too long" in failed["reason"]


async def test_a_copy_that_is_gone_is_a_permanent_failure(
    place: Workplace, redis: Redis, store: Store, downstream: Downstream
) -> None:
    async with place.worker():
        await say(redis, "a", "First")
        await copy_is(store, "current")
        downstream.script.append(Answer(404))
        await say(redis, "a", "Second")
        row = await copy_is(store, "failed")

    assert code(row) == "gone"
    assert len(downstream.calls) == 2


async def test_an_attempt_that_never_works_is_given_up_in_the_end(
    place: Workplace, redis: Redis, store: Store, downstream: Downstream
) -> None:
    configure(place, ("for: 10m", "for: 3s"), ("max: 1s", "max: 100ms"))
    downstream.decide = lambda _: Answer(409)

    async with place.worker():
        await say(redis, "a", "Never")
        row = await copy_is(store, "failed")

    assert code(row) == "gave-up"
    assert len(downstream.calls) == row["attempts"] > 2


async def test_the_trouble_of_one_destination_is_not_that_of_another(
    place: Workplace, redis: Redis, store: Store, downstream: Downstream
) -> None:
    elsewhere = destinations(downstream.url).partition("destinations:\n")[2]
    elsewhere = elsewhere.replace("downstream:", "elsewhere:").replace("/tasks", "/other")
    configuration = place.routes / "destinations.yaml"
    configuration.write_text(configuration.read_text() + elsewhere)
    write_routes(place.routes, other=OTHER)
    downstream.decide = lambda call: HANG if call.path == "/tasks" else None

    async with place.worker():
        for number in range(12):  # more than are sent at once
            await say(redis, f"slow {number}", "Slow")
        await wait_until(lambda: len(downstream.calls) >= 8, "all places are taken")
        await put_batch(redis, webhook("other", {"key": "a", "title": "Fast", "done": False}))
        await wait_until(
            lambda: any(call.path == "/other" for call in downstream.calls), "the other is served"
        )
        downstream.decide = lambda _: None
        downstream.release()


async def test_changes_that_come_quickly_arrive_in_order_and_the_last_one_stays(
    place: Workplace, redis: Redis, store: Store, downstream: Downstream
) -> None:
    configure(place, ("{{ task.title }}", "{{ task.version }}"))
    async with place.worker(), place.worker():
        for number in range(30):
            await say(redis, "a", f"Change {number}")
        await copy_is(store, "current", wanted_version=30, delivered_version=30)

    seen = [call.json["subject"] for call in downstream.calls]
    assert seen == sorted(set(seen))
    assert seen[-1] == 30
    assert [call.method for call in downstream.calls].count("POST") == 1


async def test_many_tasks_are_delivered_once_each_by_two_workers(
    place: Workplace, redis: Redis, store: Store, downstream: Downstream
) -> None:
    async with place.worker(), place.worker():
        events = [
            webhook("desk", {"key": f"{number}", "title": f"Task {number}", "done": False})
            for number in range(100)
        ]
        await put_batch(redis, *events)

        async def all_current() -> bool:
            copies = await rows(store, "deliveries")
            return len(copies) == 100 and {row["state"] for row in copies} == {"current"}

        await wait_until(all_current, "all copies are current", within_s=30)

    assert len(downstream.calls) == len(downstream.created) == 100


@pytest.mark.parametrize("keyed", [True, False], ids=["with a key", "without keys"])
async def test_a_kill_between_intent_and_answer_repeats_nothing_blindly(
    place: Workplace,
    redis: Redis,
    store: Store,
    downstream: Downstream,
    tmp_path: Path,
    *,
    keyed: bool,
) -> None:
    if not keyed:
        configure(place, WITHOUT_KEYS)
    downstream.script.append(HANG)
    async with Hookyard(
        tmp_path / "hookyard",
        routes=place.routes,
        redis_url=place.redis_url,
        database_url=place.database_url,
    ) as hookyard:
        victim = hookyard.work()
        await another_worker(redis, ())
        await say(redis, "a", "Perhaps")
        await wait_until(lambda: downstream.calls, "the request has left")
        victim.kill()

    async with place.worker():
        row = await copy_is(store, "current" if keyed else "held")

    assert len(downstream.calls) == (2 if keyed else 1)
    assert len({call.headers.get("Idempotency-Key") for call in downstream.calls}) == 1
    assert len({call.body for call in downstream.calls}) == 1
    assert code(row) == (None if keyed else "uncertain")


async def test_a_stop_waits_for_the_answers_of_what_was_sent(
    place: Workplace, redis: Redis, store: Store, downstream: Downstream
) -> None:
    downstream.script.append(LATE)
    async with place.worker() as stop:
        await say(redis, "a", "In hand")
        await wait_until(lambda: downstream.calls, "the request has left")
        stop.set()
        downstream.release()

    row = await copy_is(store, "current")
    assert (row["attempts"], len(downstream.calls)) == (1, 1)


@pytest.mark.e2e
async def test_a_webhook_arrives_downstream_through_the_real_processes(
    tmp_path: Path, redis_server: RedisServer, sqlite_url: str, downstream: Downstream
) -> None:
    routes = write_routes(
        tmp_path / "routes", shop=delivering(SHOP), destinations=destinations(downstream.url)
    )
    await upgrade(sqlite_url)
    async with Hookyard(
        tmp_path / "hookyard",
        routes=routes,
        redis_url=redis_server.url,
        database_url=sqlite_url,
    ) as hookyard:
        await hookyard.serve()
        hookyard.work()
        await hookyard.ready()
        await hookyard.send(shopify(order(1001), "delivery-a"))
        await wait_until(lambda: downstream.tasks, "it is there")
        (task,) = (await hookyard.get("/tasks"))["data"]

        async def is_current() -> list[Row] | None:
            found: list[Row] = (await hookyard.get(f"/tasks/{task['id']}/deliveries"))["data"]
            return found if found[0]["state"] == "current" else None

        (delivery,) = await wait_until(is_current, "the copy is current")

    assert downstream.tasks == {"ext-1": {"subject": "Order 1001", "ref": task["id"]}}
    assert (delivery["destination"], delivery["external_id"]) == ("downstream", "ext-1")
