"""Whom tasks are from, through real processes: made once, shown on tasks, let in or not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.clock import utc_now
from router.core.store import contacts
from router.core.store.engine import Store, open_store
from router.core.store.migrate import upgrade
from router.core.store.schema import Row
from tests.support.batches import put_batch, webhook
from tests.support.hookyard import Hookyard
from tests.support.routes import write_routes
from tests.support.ruling import rules_in_force
from tests.support.senders import Request
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until
from tests.support.working import Workplace, outcome_of, rows
from workers.route import Routing

pytestmark = pytest.mark.redis


def connector(name: str, unknown: str = "create") -> str:
    return f"""\
connector: {name}
source: none
dedupe: off
reply: routed
contact: {{email: "{{{{ body.from }}}}", name: "{{{{ body.name | default(none) }}}}", unknown: {unknown}}}
rules:
  - name: note
    when: {{body.about: {{exists: true}}}}
    task: {{title: "{{{{ body.about }}}}"}}
otherwise: {{drop: not about anything}}
"""


DIRECTORY = """\
directory:
  people: {jane: {name: Jane Roe, email: jane@in-house.example}, amir: }
  clients: {acme: {domains: [acme.example]}, in-house: }
  projects: {acme/support: {client: acme, assignees: [amir]}, inbox: {client: in-house}}
  routing:
    - {when: {contact.email: {ends_with: "@acme.example"}}, set: {project: acme/support}}
    - {when: {contact.email: {exists: false}}, set: {project: inbox, assignees: [jane]}}
"""
ROUTES = {
    "shop": connector("shop"),
    "desk": connector("desk"),
    "support": connector("support", "reject"),
    "alerts": connector("alerts", "connector"),
    "people": DIRECTORY,
}


@pytest.fixture
async def hookyard(
    tmp_path: Path, redis_server: RedisServer, sqlite_url: str
) -> AsyncIterator[Hookyard]:
    """An installation at work."""
    installation = Hookyard(
        tmp_path / "hookyard",
        routes=write_routes(tmp_path / "routes", **ROUTES),
        redis_url=redis_server.url,
        database_url=sqlite_url,
    )
    await upgrade(sqlite_url)
    async with installation:
        await installation.serve()
        installation.work()
        await installation.ready()
        yield installation


async def _send(hookyard: Hookyard, connector: str, **body: Any) -> tuple[int, dict[str, Any]]:
    request = Request(connector, json.dumps(body).encode(), {"Content-Type": "application/json"})
    found: tuple[int, dict[str, Any]] = await hookyard.send(request)
    return found


async def _task(hookyard: Hookyard, connector: str, **body: Any) -> dict[str, Any]:
    status, answer = await _send(hookyard, connector, **body)
    assert status == 201, answer
    task: dict[str, Any] = await hookyard.get(f"/tasks/{answer['tasks'][0]['id']}")
    return task


async def test_a_stranger_is_refused_until_another_connector_knows_them(
    hookyard: Hookyard,
) -> None:
    ada = {"from": "Ada@Acme.example", "about": "a broken lamp"}
    status, answer = await _send(hookyard, "support", **ada)
    assert (status, answer["code"]) == (422, "refused")
    assert answer["errors"] == [
        {
            "field": "contact.email",
            "code": "unknown-contact",
            "message": "nobody with this address is known here",
        }
    ]
    assert (await hookyard.get("/tasks"))["data"] == []
    assert (await hookyard.get(f"/events/{answer['event_id']}"))["status"] == "refused"

    bought = await _task(hookyard, "shop", name="Ada", **ada)
    assert bought["contact"] == {
        "id": bought["contact"]["id"],
        "email": "Ada@Acme.example",
        "name": "Ada",
    }
    assert bought["creator"] == {"type": "contact", "id": bought["contact"]["id"]}
    assert (bought["client"], bought["project"]) == ("acme", "acme/support")
    assert bought["assignees"] == ["amir"]

    asked = await _task(hookyard, "support", **{**ada, "from": "ADA@ACME.EXAMPLE"})
    assert asked["contact"] == bought["contact"]


async def test_people_are_let_in_and_strangers_are_left_out_where_the_connector_says_so(
    hookyard: Hookyard,
) -> None:
    task = await _task(hookyard, "support", **{"from": "Jane@In-House.example"}, about="x")
    assert task["contact"] == {
        "id": "jane",
        "email": "jane@in-house.example",
        "name": "Jane Roe",
    }
    assert task["creator"] == {"type": "person", "id": "jane"}
    assert (task["client"], task["project"], task["assignees"]) == (None, None, [])

    task = await _task(hookyard, "alerts", **{"from": "cron@backup"}, about="x")
    assert task["contact"] is None
    assert task["creator"] == {"type": "connector", "id": "alerts"}
    assert (task["client"], task["project"]) == ("in-house", "inbox")
    assert task["assignees"] == ["jane"]


async def test_what_is_no_address_is_refused_and_what_is_missing_undecided(
    hookyard: Hookyard,
) -> None:
    status, answer = await _send(hookyard, "shop", **{"from": "ada at acme"}, about="x")
    assert (status, [(e["field"], e["code"]) for e in answer["errors"]]) == (
        422,
        [("contact.email", "not-an-address")],
    )
    status, answer = await _send(hookyard, "shop", about="x")
    assert (status, answer["status"]) == (202, "undecided")
    status, answer = await _send(hookyard, "shop", **{"from": "ada at acme"})
    assert (status, answer["status"]) == (200, "dropped")


async def test_a_sender_cannot_inject_templates_through_a_contact(hookyard: Hookyard) -> None:
    name = "{{ event.id }}{% for x in range(9) %}x{% endfor %}"
    sent = {"from": "{{7*7}}@acme.example", "name": name}
    task = await _task(hookyard, "shop", **sent, about=name)
    assert (task["contact"]["email"], task["contact"]["name"]) == (sent["from"], name)
    assert task["title"] == name


@pytest.mark.postgresql
async def test_two_workers_that_meet_somebody_new_at_once_make_one_contact(
    postgres_url: str, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have looked and found nobody before either of them writes."""
    await upgrade(postgres_url)
    store = await open_store(postgres_url)
    rules = await rules_in_force(tmp_path, redis, store, utc_now, **ROUTES)
    both_looked = asyncio.Barrier(2)
    keep = contacts.keep_contacts

    async def together(conn: AsyncConnection, new: Collection[Row]) -> dict[str, Row]:
        async with asyncio.timeout(20):
            await both_looked.wait()
        return await keep(conn, new)

    monkeypatch.setattr(contacts, "keep_contacts", together)
    workers = [
        Routing(
            redis=redis,
            store=store,
            rules=rules,
            worker_id=f"w{number}",
            clock=utc_now,
            stop=asyncio.Event(),
        )
        for number in range(2)
    ]
    first = webhook("shop", {"from": "ada@acme.example", "about": "a"})
    second = webhook("desk", {"from": "ADA@acme.example", "name": "Ada", "about": "b"})
    async with asyncio.TaskGroup() as group:
        group.create_task(workers[0].run(await put_batch(redis, first)))
        await wait_until(lambda: both_looked.n_waiting, "the first one has looked")
        group.create_task(workers[1].run(await put_batch(redis, second)))

    (contact,) = await rows(store, "contacts")
    tasks = await rows(store, "tasks")
    assert {each["contact"]["id"] for each in tasks} == {contact["id"]}
    assert {each["creator"]["id"] for each in tasks} == {contact["id"]}
    assert contact["name"] == "Ada"
    await store.close()


async def test_however_many_workers_and_events_everybody_is_one_contact(
    database_url: str, store: Store, redis: Redis, redis_server: RedisServer, tmp_path: Path
) -> None:
    place = Workplace(
        routes=write_routes(tmp_path / "routes", **ROUTES),
        redis_url=redis_server.url,
        database_url=database_url,
    )
    people = [f"p{number}@acme.example" for number in range(5)]
    events = [
        webhook(name, {"from": email.upper() if n % 2 else email, "about": f"{name} {n}"})
        for n in range(8)
        for name in ("shop", "desk")
        for email in people
    ]  # fmt: skip
    for start in range(0, len(events), 4):
        await put_batch(redis, *events[start : start + 4])

    async with place.worker(), place.worker():
        for event in events:
            assert (await outcome_of(store, event.id))["status"] == "routed"

    known = await rows(store, "contacts")
    assert sorted(each["address"] for each in known) == people
    ids = {each["address"]: each["id"] for each in known}
    tasks = await rows(store, "tasks")
    assert len(tasks) == len(events)
    for task in tasks:
        contact = task["contact"]
        shown = json.loads(contact) if isinstance(contact, str) else contact
        assert shown["id"] == ids[shown["email"].lower()]
