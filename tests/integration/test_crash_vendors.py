"""`kill -9` of a worker in the middle of its requests to the vendors' simulators: no task is there twice.

The worker is killed by the vendor: while it waits for the answer to a request that was carried out, or
was not.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from redis.asyncio import Redis

from router.core.clock import utc_now
from router.core.store.edits import delete_task
from router.core.store.engine import Store, open_store
from router.core.store.migrate import upgrade
from tests.support.batches import put_batch, webhook
from tests.support.hookyard import Hookyard, Process
from tests.support.routes import write_routes
from tests.support.rows import new_id
from tests.support.servers import RedisServer
from tests.support.vendors.offices import OFFICES, Shown
from tests.support.waiting import wait_until
from tests.support.working import rows
from workers.destinations import BY_NAME
from workers.sandbox import site
from workers.sandbox.leadsquared import LeadSquared
from workers.sandbox.simulator import Simulator

pytestmark = [pytest.mark.redis, pytest.mark.timeout(300)]

DESK = """\
version: 1
connector: desk
source: none
defaults: {assignees: [jane]}
deliver: [attio, heffl, leadsquared, todovu, vambe]
match: first
rules:
  - name: close
    when: {body.done: true}
    complete: {key: "{{ body.key }}"}
  - name: open
    task: {key: "{{ body.key }}", title: "Task {{ body.key }}", due: "+1 business day 17:00"}
"""
RATE = "40/5s"
QUICK = {"timeout": "2s", "retry": {"for": "10m", "first": "100ms", "max": "1s"}}
ASKED = {"look_after": "300ms"}
DELETES = [name for name in OFFICES if "delete" in BY_NAME[name].changes]
CLOSES = [name for name in OFFICES if BY_NAME[name].changes != {"create"}]
_KEY = re.compile(r"Task (\w+)")


class Vendors:
    """The five simulators, one of which may kill who asks it."""

    def __init__(self) -> None:
        self.simulators = site.simulators(utc_now)
        self.simulators["leadsquared"] = LeadSquared(utc_now, site.KEY, site.KEY, rate=RATE)
        for simulator in self.simulators.values():
            simulator.around = self._around(simulator)
        self.armed: tuple[str, bool] | None = None
        """The vendor that kills at its next request, and whether it carries that out first."""
        self.kill: Callable[[], None] = lambda: None

    def _around(self, simulator: Simulator) -> Any:
        async def around(
            request: web.Request, answer: Callable[[], web.Response]
        ) -> web.StreamResponse:
            if self.armed is None or self.armed[0] != simulator.name:
                return answer()
            (_, is_carried_out), self.armed = self.armed, None
            made = answer() if is_carried_out else web.Response(status=500)
            self.kill()
            return made

        return around

    def tasks(self, name: str) -> dict[str, Shown]:
        """Return what a vendor has, by the keys; no key is there twice."""
        shown = [OFFICES[name].shown(task) for task in self.simulators[name].tasks_now()]
        found = [(_KEY.search(each.text), each) for each in shown]
        keys = [match[1] for match, _ in found if match is not None]
        assert len(keys) == len(found)
        assert [key for key, times in Counter(keys).items() if times > 1] == [], name
        return dict(zip(keys, shown, strict=True))


@pytest.fixture
async def vendors() -> Vendors:
    return Vendors()


@pytest.fixture
async def hookyard(
    tmp_path: Path, redis_server: RedisServer, sqlite_url: str, vendors: Vendors
) -> AsyncIterator[Hookyard]:
    await upgrade(sqlite_url)
    runner = web.AppRunner(site.application(vendors.simulators), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    files = site.files(f"http://{host}:{port}")
    configured = yaml.safe_load(files["sandbox-destinations.yaml"])
    for name, entry in configured["destinations"].items():
        entry.update(QUICK)
        entry.update({} if name == "todovu" else ASKED)
        entry.update({"on_delete": "delete"} if name in DELETES else {})
        entry.update({"rate": RATE} if name in {"vambe", "leadsquared"} else {})
    routes = write_routes(
        tmp_path / "routes",
        desk=DESK,
        destinations=json.dumps(configured),
        people=files["sandbox-directory.yaml"],
    )
    installation = Hookyard(
        tmp_path / "hookyard",
        routes=routes,
        redis_url=redis_server.url,
        database_url=sqlite_url,
        **{f"secret_{site.KEY_NAME}": site.KEY},
    )
    async with installation as opened:
        yield opened
    await runner.cleanup()


@pytest.fixture
async def store(hookyard: Hookyard) -> AsyncIterator[Store]:
    opened = await open_store(hookyard.database_url)
    yield opened
    await opened.close()


async def say(redis: Redis, *keys: str, done: bool = False) -> None:
    await put_batch(redis, *(webhook("desk", {"key": key, "done": done}) for key in keys))


async def death(worker: Process, vendors: Vendors, name: str, *, is_carried_out: bool) -> None:
    """Wait until a vendor has killed the worker, and start it again."""
    await wait_until(lambda: worker.returncode is not None, f"{name} kills", within_s=30)
    assert vendors.armed is None, (name, is_carried_out, worker.log[-2000:])
    worker.start()


async def settled(store: Store, version: int, number: int) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the deliveries by destination and key once nothing more is sent for any of them."""

    async def found() -> dict[str, dict[str, dict[str, Any]]] | None:
        tasks = {row["id"]: row for row in await rows(store, "tasks")}
        by_name: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in OFFICES}
        for row in await rows(store, "deliveries"):
            by_name[row["destination"]][tasks[row["task_id"]]["key"]] = row
        copies = [copy for each in by_name.values() for copy in each.values()]
        over = [
            copy["state"] == "held"
            or (copy["state"] == "current" and copy["delivered_version"] >= version)
            for copy in copies
        ]
        if len(copies) != number * len(OFFICES) or not all(over):
            raise LookupError(str([copy for copy in copies if copy["state"] != "current"]))
        return by_name

    return await wait_until(found, "all is settled", within_s=60, ignoring=(LookupError,))


def check(
    vendors: Vendors, deliveries: dict[str, dict[str, dict[str, Any]]], *, closed: bool
) -> None:
    """See that each task is there once, and as it is here; of todo.vu nobody can ask that."""
    for name, copies in deliveries.items():
        there = vendors.tasks(name)
        held = {key for key, copy in copies.items() if copy["state"] == "held"}
        assert there.keys() >= copies.keys() - held, name
        if BY_NAME[name].find is None:
            assert {'"uncertain"' in copies[key]["reason"] for key in held} == {True}
            continue
        assert held == set(), (name, copies)
        assert {shown.closed for shown in there.values()} == {closed}, name


async def test_kills_by_each_vendor_leave_each_task_there_once_and_what_is_unsure_held(
    hookyard: Hookyard, redis: Redis, store: Store, vendors: Vendors
) -> None:
    worker = hookyard.process("work", module="tests.support.crashing").start()
    vendors.kill = worker.kill
    kills = [(name, is_carried_out) for name in OFFICES for is_carried_out in (True, False)]
    random.Random(11).shuffle(kills)  # noqa: S311  the same kills each time
    keys = [f"{name}{number}" for number, (name, _) in enumerate(kills)]

    for key, (name, is_carried_out) in zip(keys, kills, strict=True):
        vendors.armed = (name, is_carried_out)
        await say(redis, key)
        await death(worker, vendors, name, is_carried_out=is_carried_out)
    check(vendors, await settled(store, 1, len(keys)), closed=False)

    for name, key in zip(CLOSES[1:3], keys, strict=False):
        vendors.armed = (name, True)
        await say(redis, key, done=True)
        await death(worker, vendors, name, is_carried_out=True)
    await say(redis, *keys, done=True)
    check(vendors, await settled(store, 2, len(keys)), closed=True)

    gone = keys[:1]
    vendors.armed = ("attio", True)
    await delete(store, gone[0])
    await death(worker, vendors, "attio", is_carried_out=True)
    await settled(store, 2, len(keys))
    for name in OFFICES:
        left = keys if name not in DELETES else keys[len(gone) :]
        assert vendors.tasks(name).keys() == set(left) or name == "todovu", name


async def delete(store: Store, key: str) -> None:
    (task,) = [row for row in await rows(store, "tasks") if row["key"] == key]
    async with store.begin() as conn:
        await delete_task(conn, task["id"], actor="api:ci", history_id=new_id(), now_ms=0)
