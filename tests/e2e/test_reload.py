"""Rules that are edited under load: every event is decided once, by one set, and says by which.

The rules are written in two files that belong together. Each version of them leaves its number in a task
twice: its title's note comes from the connector (decided first), its status from the directory (looked
up when the batch is committed). An event that were decided half by one set would show it.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from router.core.store.engine import Store
from tests.support.hookyard import Hookyard
from tests.support.oracle import Oracle
from tests.support.routes import OPEN_DOOR, SHOP, write_routes
from tests.support.senders import ALERTS_TOKEN, Request
from tests.support.traffic import Traffic
from tests.support.waiting import wait_until
from tests.support.working import another_worker, workers_of

pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.timeout(240)]

EDITS = 14
IN_FORCE_WITHIN_S = 5
LATE = OPEN_DOOR.replace("connector: open", "connector: late")
STATUSES = """\
directory:
  statuses:
    - {{id: open-{version}, kind: initial}}
    - {{id: done-{version}, kind: done}}
"""
_VERSION = re.compile(r"edit (\d+)")


def shop(version: int) -> str:
    title = 'title: "Order {{ body.id }}"}'
    assert title in SHOP
    return SHOP.replace(title, title.replace('}}"}', f'}}}}", description: edit {version}}}'))


def edit(routes: Path, version: int) -> None:
    write_routes(routes, shop=shop(version), people=STATUSES.format(version=version))


def spoil(routes: Path, version: int) -> None:
    """Write what would be another version if one of its files had no mistake."""
    edit(routes, version)
    (routes / "people.yaml").write_text("directory: {statusses: []}\n")


@pytest.fixture
def routes(hookyard: Hookyard) -> Path:
    found = Path(hookyard.env["HOOKYARD_ROUTES"])
    edit(found, 0)
    return found


async def rules_of(hookyard: Hookyard) -> dict[str, Any]:
    async with hookyard.session.get("/readyz") as answer:
        assert answer.status == 200, await answer.text()
        said: dict[str, Any] = (await answer.json())["rules"]
        return said


async def in_force(hookyard: Hookyard, before: str) -> dict[str, Any]:
    """Wait until other rules than those before are in force, and nothing is said against the files."""

    async def changed() -> dict[str, Any] | None:
        said = await rules_of(hookyard)
        return said if said["state"] == "ok" and said["hash"] != before else None

    return await wait_until(changed, "the edit is in force", within_s=IN_FORCE_WITHIN_S)


async def refused(hookyard: Hookyard) -> dict[str, Any]:
    async def stale() -> dict[str, Any] | None:
        said = await rules_of(hookyard)
        return said if said["state"] == "stale" else None

    return await wait_until(stale, "the edit is refused", within_s=IN_FORCE_WITHIN_S)


async def test_edits_under_load_lose_nothing_and_split_no_event(
    hookyard: Hookyard, truth: Store, redis: Redis, routes: Path
) -> None:
    await hookyard.serve()
    worker = hookyard.work()
    await hookyard.ready()
    oracle = Oracle()
    chance = random.Random(11)  # noqa: S311  the same load each time
    seen = {(await rules_of(hookyard))["hash"]}
    async with Traffic(hookyard, oracle, seed=11):
        for number in range(1, EDITS + 1):
            before = (await rules_of(hookyard))["hash"]
            if number % 2:
                spoil(routes, number)
                said = await refused(hookyard)
                assert said["hash"] == before
                assert f"{routes}/people.yaml:1:13: R011" in said["problems"][0]
            else:
                edit(routes, number)
                seen.add((await in_force(hookyard, before))["hash"])
            if number % 5 == 0:
                await asyncio.sleep(0.3 * chance.random())
                others = await workers_of(redis)
                worker.kill()
                worker.start()
                await another_worker(redis, others)
        await hookyard.ready()
    assert len(seen) == 1 + EDITS // 2
    await oracle.settled(truth, redis, within_s=45)
    await oracle.check(truth, redis)
    assert await versions_of(truth) == {f"edit {number}" for number in range(0, EDITS + 1, 2)}


async def test_connectors_come_change_and_go_while_requests_come_in(
    hookyard: Hookyard, truth: Store, redis: Redis, routes: Path
) -> None:
    await hookyard.serve()
    hookyard.work()
    await hookyard.ready()
    oracle = Oracle()
    accepted: list[str] = []

    async def answers(request: Request, expected: int) -> None:
        """Wait until a request is answered so; before it is, it must be answered as it was."""

        async def is_so() -> bool:
            status, answer = await hookyard.send(request)
            if status == 202:
                accepted.append(answer["event_id"])
            assert status in {202, 401, 404}
            return status == expected

        await wait_until(is_so, f"{request.path} answers {expected}", within_s=IN_FORCE_WITHIN_S)

    plain = Request("late", b'{"title": "a"}', {"Content-Type": "application/json"})
    proven = plain.with_headers(authorization=f"Bearer {ALERTS_TOKEN}")
    async with Traffic(hookyard, oracle, seed=3) as traffic:
        await answers(plain, 404)
        write_routes(routes, late=LATE)
        await answers(plain, 202)
        write_routes(
            routes,
            late=LATE.replace("none", "{bearer: true}\nsecrets: [alerts_token]\ndedupe: off"),
        )
        await answers(plain, 401)
        await answers(proven, 202)
        (routes / "late.yaml").rename(routes / "later.yaml.off")
        await answers(proven, 404)
    assert set(traffic.statuses) == {202}
    await oracle.settled(truth, redis, within_s=30)
    for event_id in accepted:
        # What was accepted in the last moment before its connector went is held, to be replayed.
        event = await hookyard.outcome(event_id)
        assert event["status"] in {"routed", "held"}
    assert (await hookyard.outcome(accepted[0]))["status"] == "routed"
    await oracle_without(oracle, truth, redis, accepted)


async def oracle_without(oracle: Oracle, truth: Store, redis: Redis, others: list[str]) -> None:
    """Check what the oracle knows of; the events of others are none of its business."""
    async with truth.begin() as conn:
        for event_id in others:
            await conn.execute(text("DELETE FROM events WHERE id = :id"), {"id": event_id})
        await conn.execute(text("DELETE FROM tasks WHERE title = 'a'"))
    await oracle.check(truth, redis)


async def versions_of(truth: Store) -> set[str]:
    """Return which versions made orders; each must be of one version, that of its event's rules."""
    async with truth.connect() as conn:
        sets = {row.hash: row.files for row in await conn.execute(text("SELECT * FROM rule_sets"))}
        events = {
            row.id: row.rules_hash
            for row in await conn.execute(text("SELECT id, rules_hash FROM events"))
        }
        tasks = list(
            await conn.execute(text("SELECT title, description, status, source FROM tasks"))
        )
    orders = [task for task in tasks if task.description is not None]
    for task in orders:
        version = _version_of(_parsed(sets[events[_parsed(task.source)["event_id"]]]))
        shown = (task.description, task.status)
        assert shown == (f"edit {version}", f"open-{version}"), task
    return {task.description for task in orders}


def _parsed(stored: Any) -> Any:
    return json.loads(stored) if isinstance(stored, str) else stored


def _version_of(files: dict[str, str]) -> str:
    (found,) = _VERSION.findall("".join(files.values()))
    return str(found)
