"""`kill -9` of a worker at each step of a delivery: in the end each task is there once, in its last state."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from router.core.store.engine import Store, open_store
from router.core.store.migrate import upgrade
from tests.support.askable import answer_to
from tests.support.batches import put_batch, webhook
from tests.support.crashing import STEPS
from tests.support.downstream import ANSWER_LOST, HANG, Answer, Call, Downstream
from tests.support.hookyard import Hookyard, Process
from tests.support.routes import destinations, write_routes
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until
from tests.support.working import rows

pytestmark = [pytest.mark.redis, pytest.mark.timeout(120)]

DESK = """\
version: 1
connector: desk
source: none
deliver: [downstream]
match: first
rules:
  - name: close
    when: {body.done: true}
    complete: {key: "{{ body.key }}"}
  - name: open
    task: {key: "{{ body.key }}", title: "Task {{ body.key }}", labels: "{{ body.labels }}"}
"""
ASKABLE = """\
version: 1
destinations:
  downstream:
    type: askable
    base_url: "{url}"
    allow_private: true
    look_after: 200ms
    timeout: 2s
    retry: {{for: 10m, first: 100ms, max: 1s}}
"""
KINDS = ("asked", "keyed")


class Api:
    """A server of somebody else: one that can be asked, or one that honours idempotency keys."""

    def __init__(self, downstream: Downstream, kind: str) -> None:
        self.downstream = downstream
        self.kind = kind
        self.kept: dict[str, Any] = {}
        if kind == "asked":
            downstream.decide = self._answer

    def _answer(self, call: Call) -> Answer:
        return Answer(body=json.dumps(answer_to(call, self.kept)).encode())

    def configuration(self) -> str:
        """Return the file of destinations."""
        if self.kind == "asked":
            return ASKABLE.format(url=self.downstream.url)
        body = (
            '{ref: "{{ task.key }}", labels: "{{ task.labels }}", done: "{{ task.status_kind }}"}'
        )
        lines = destinations(self.downstream.url).splitlines(keepends=True)
        return "".join(
            f"    body: {body}\n    timeout: 2s\n" if line.startswith("    body:") else line
            for line in lines
        )

    def tasks(self) -> list[tuple[str, list[str], bool]]:
        """Return what it has: key, labels, whether it is done; sorted."""
        if self.kind == "asked":
            found = [
                (task["title"].removeprefix("Task "), task.get("labels", []), "done" in task)
                for task in self.kept.values()
            ]
        else:
            found = [
                (task["ref"], task["labels"], task["done"] == "done")
                for task in self.downstream.tasks.values()
            ]
        return sorted(found)


@pytest.fixture
async def downstream() -> AsyncIterator[Downstream]:
    async with Downstream() as server:
        yield server


@pytest.fixture(params=KINDS)
def api(downstream: Downstream, request: pytest.FixtureRequest) -> Api:
    return Api(downstream, request.param)


@pytest.fixture
async def hookyard(
    tmp_path: Path, redis_server: RedisServer, sqlite_url: str, api: Api
) -> AsyncIterator[Hookyard]:
    await upgrade(sqlite_url)
    routes = write_routes(tmp_path / "routes", desk=DESK, destinations=api.configuration())
    installation = Hookyard(
        tmp_path / "hookyard",
        routes=routes,
        redis_url=redis_server.url,
        database_url=sqlite_url,
    )
    async with installation as opened:
        yield opened


@pytest.fixture
async def store(hookyard: Hookyard) -> AsyncIterator[Store]:
    opened = await open_store(hookyard.database_url)
    yield opened
    await opened.close()


def worker(hookyard: Hookyard, step: str = "") -> Process:
    """Start a worker that dies at a step, or none."""
    process = hookyard.process("work", module="tests.support.crashing", HOOKYARD_TEST_CRASH=step)
    return process.start()


async def say(redis: Redis, *bodies: dict[str, Any]) -> None:
    full = [{"labels": [], "done": False, **body} for body in bodies]
    await put_batch(redis, *(webhook("desk", body) for body in full))


async def all_current(store: Store, count: int, version: int) -> None:
    async def are_there() -> bool:
        found = [
            (row["state"], row["delivered_version"]) for row in await rows(store, "deliveries")
        ]
        if found != [("current", version)] * count:
            raise LookupError(str(found))
        return True

    await wait_until(are_there, "all copies are current", within_s=60, ignoring=(LookupError,))


async def died(process: Process) -> None:
    await wait_until(lambda: process.returncode is not None, "the worker is dead", within_s=30)
    assert process.returncode == -9, process.log[-2000:]


@pytest.mark.parametrize("step", STEPS)
async def test_a_worker_that_dies_at_any_step_leaves_each_task_there_once(
    hookyard: Hookyard, redis: Redis, store: Store, api: Api, step: str
) -> None:
    victim = worker(hookyard, step)
    await say(redis, {"key": "a"})
    await died(victim)

    worker(hookyard)
    await all_current(store, 1, 1)
    assert api.tasks() == [("a", [], False)]

    await say(redis, {"key": "a", "labels": ["late"]}, {"key": "a", "done": True})
    await all_current(store, 1, 3)
    assert api.tasks() == [("a", ["late"], True)]


@pytest.mark.parametrize("answer", [ANSWER_LOST, HANG], ids=["carried out", "not carried out"])
async def test_a_worker_that_dies_while_it_waits_for_the_answer_makes_no_second_task(
    hookyard: Hookyard, redis: Redis, store: Store, api: Api, answer: Answer
) -> None:
    victim = worker(hookyard)
    if answer is HANG:
        api.downstream.script.append(HANG)
    else:
        # It is carried out, and then the connection stays silent.
        decide = api.downstream.decide
        answers = iter([True])

        def late(call: Call) -> Answer | None:
            made = decide(call)
            return (
                Answer(how="late", body=made.body if made else None) if next(answers, 0) else made
            )

        api.downstream.decide = late
    await say(redis, {"key": "a"})
    await wait_until(lambda: api.downstream.calls, "the request has arrived", within_s=30)
    victim.kill()
    api.downstream.release()

    worker(hookyard)
    await all_current(store, 1, 1)
    assert api.tasks() == [("a", [], False)]


async def test_kills_at_random_moments_leave_each_task_there_once_and_in_its_last_state(
    hookyard: Hookyard, redis: Redis, store: Store, api: Api
) -> None:
    chance = random.Random(7)  # noqa: S311  the same kills each time
    workers = [worker(hookyard), worker(hookyard)]
    names = [f"t{number:02}" for number in range(40)]
    await say(redis, *({"key": name} for name in names))
    for round_number in range(5):
        goal = 8 * (round_number + 1) + chance.randrange(8)
        arrived = partial(_have_arrived, api, goal)
        await wait_until(arrived, "some arrived", within_s=60)
        victim = chance.choice(workers)
        victim.kill()
        victim.start()
        await say(redis, *({"key": name, "labels": [str(round_number)]} for name in names[::4]))

    await wait_until(lambda: _all_have(store, ["4"], 10), "all changes are routed", within_s=60)
    await say(redis, *({"key": name, "done": True} for name in names))
    for name in names:
        await settled(store, name)

    wanted = [(name, ["4"] if name in names[::4] else [], True) for name in names]
    assert api.tasks() == wanted


def _have_arrived(api: Api, number: int) -> bool:
    return len(api.downstream.calls) >= number


async def _all_have(store: Store, labels: list[str], number: int) -> bool:
    found = [json.loads(row["labels"]) for row in await rows(store, "tasks")]
    return found.count(labels) == number


async def settled(store: Store, key: str) -> None:
    """Wait until the copy of a task shows its last version, and that it is done."""

    async def is_current() -> bool:
        tasks = {row["id"]: row for row in await rows(store, "tasks")}
        (copy,) = [
            row for row in await rows(store, "deliveries") if tasks[row["task_id"]]["key"] == key
        ]
        task = tasks[copy["task_id"]]
        is_there = copy["state"] == "current" and copy["delivered_version"] == task["version"]
        if not (is_there and task["status_kind"] == "done"):
            raise LookupError(str(copy))
        return True

    await wait_until(
        is_current, f"{key} is current", within_s=60, ignoring=(LookupError, ValueError)
    )
