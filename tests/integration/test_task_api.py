"""The task API through real processes: what a client changes reaches copies, and rules leave it alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from router.core.store.migrate import upgrade
from tests.support.downstream import Downstream
from tests.support.hookyard import Hookyard
from tests.support.routes import destinations, write_routes
from tests.support.senders import ADMIN_TOKEN, Request
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.redis

DESK = """\
connector: desk
source: none
dedupe: off
reply: routed
deliver: [downstream]
rules:
  - name: note
    task: {key: "{{ body.key }}", title: "{{ body.title }}", priority: "{{ body.priority }}"}
"""
DIRECTORY = """\
directory:
  people: {jane: {email: jane@in-house.example}}
  clients: {acme: {domains: [acme.example]}}
  projects: {support: {client: acme, assignees: [jane]}}
"""


def places(url: str) -> str:
    """Return the file of destinations: one that deletes what is deleted here, and one that keeps it."""
    deletes = destinations(url)
    _, _, entry = deletes.partition("destinations:\n")
    keeps = entry.replace("downstream:", "archive:").replace("/tasks", "/archive")
    removal = f"{url}/tasks/{{{{ external_id }}}}"
    return f'{deletes}    on_delete: delete\n    delete: {{url: "{removal}"}}\n{keeps}'


@pytest.fixture
async def downstream() -> AsyncIterator[Downstream]:
    async with Downstream() as server:
        yield server


@pytest.fixture
async def hookyard(
    tmp_path: Path, redis_server: RedisServer, sqlite_url: str, downstream: Downstream
) -> AsyncIterator[Hookyard]:
    """An installation at work."""
    installation = Hookyard(
        tmp_path / "hookyard",
        routes=write_routes(
            tmp_path / "routes", desk=DESK, people=DIRECTORY, places=places(downstream.url)
        ),
        redis_url=redis_server.url,
        database_url=sqlite_url,
    )
    await upgrade(sqlite_url)
    async with installation:
        await installation.serve()
        installation.work()
        await installation.ready()
        yield installation


async def call(hookyard: Hookyard, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """Ask the API as its administrator; return status and answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["Authorization"] = f"Bearer {ADMIN_TOKEN}"
    url = f"/api/v1{path}"
    async with hookyard.session.request(method, url, json=body, headers=named) as answer:
        return answer.status, await answer.json(content_type=None)


async def say(hookyard: Hookyard, **body: Any) -> dict[str, Any]:
    """Let the desk open a task or change it; return the task."""
    content = json.dumps({"key": "a", "priority": None, **body}).encode()
    request = Request("desk", content, {"Content-Type": "application/json"})
    status, answer = await hookyard.send(request)
    assert status == 201, answer
    found: dict[str, Any] = await hookyard.get(f"/tasks/{answer['tasks'][0]['id']}")
    return found


async def current(hookyard: Hookyard, task_id: str) -> None:
    """Wait until the copy of a task is current."""

    async def is_current() -> bool:
        copies = (await hookyard.get(f"/tasks/{task_id}"))["deliveries"]
        return [copy["state"] for copy in copies] == ["current"]

    await wait_until(is_current, "the copy is current", within_s=15)


async def test_a_change_by_a_client_reaches_the_copy_and_no_rule_takes_it_back(
    hookyard: Hookyard, downstream: Downstream
) -> None:
    task = await say(hookyard, title="First")
    await current(hookyard, task["id"])

    status, changed = await call(
        hookyard, "PATCH", f"/tasks/{task['id']}", {"title": "As Jane says"}, If_Match='"1"'
    )
    assert (status, changed["version"]) == (200, 2)
    await current(hookyard, task["id"])
    again = await say(hookyard, title="Second", priority="high")
    await current(hookyard, task["id"])

    assert (again["title"], again["priority"]) == ("As Jane says", "high")
    assert [line["actor"] for line in again["history"]] == [
        "connector:desk",
        "api:admin",
        "connector:desk",
    ]
    assert {call.json["subject"] for call in downstream.calls[1:]} == {"As Jane says"}
    assert [one.method for one in downstream.calls][:2] == ["POST", "PUT"]


async def test_a_task_made_by_a_client_follows_the_directory_and_gets_its_copy(
    hookyard: Hookyard, downstream: Downstream
) -> None:
    body = {"title": "Call", "project": "support", "deliver": ["downstream"], "key": "a"}
    status, made = await call(hookyard, "POST", "/tasks", body)

    assert (status, made["client"], made["assignees"]) == (201, "acme", ["jane"])
    await current(hookyard, made["id"])
    assert [one.json["subject"] for one in downstream.calls] == ["Call"]
    # A connector's key is its own: it is another task's.
    assert (await say(hookyard, title="First"))["id"] != made["id"]
    status, problem = await call(hookyard, "POST", "/tasks", {"title": "x", "assignees": ["bob"]})
    assert (status, problem["errors"][0]["code"]) == (422, "unknown-name")
    people = await hookyard.get("/people")
    assert [one["id"] for one in people["data"]] == ["jane"]
    made = hookyard.run(
        "tasks", "create", "By hand", "--assignee", "jane", "--deliver", "downstream"
    )
    assert made.returncode == 0, made.stderr
    await current(hookyard, made.stdout.split()[1])


async def test_a_deletion_deletes_the_copy_where_that_is_wanted_and_leaves_it_elsewhere(
    hookyard: Hookyard, downstream: Downstream
) -> None:
    body = {"title": "Call", "deliver": ["downstream", "archive"]}
    _, made = await call(hookyard, "POST", "/tasks", body)

    async def shown() -> dict[str, dict[str, Any]]:
        listed = (await hookyard.get(f"/deliveries?task={made['id']}"))["data"]
        return {each["destination"]: each for each in listed}

    async def all_are(version: int) -> bool:
        found = await shown()
        return (
            len(found) == 2
            and all(each["state"] == "current" for each in found.values())
            and all((each["reason"] is None) is (version == 1) for each in found.values())
        )

    await wait_until(lambda: all_are(1), "both copies are there", within_s=15)
    external_id = (await shown())["downstream"]["external_id"]
    status, _ = await call(hookyard, "DELETE", f"/tasks/{made['id']}")
    assert status == 204
    # Within seconds: it is told, and need not be found by the sweeper.
    await wait_until(lambda: all_are(2), "both copies are settled", within_s=15)

    reasons = {name: each["reason"]["code"] for name, each in (await shown()).items()}
    assert reasons == {"downstream": "removed", "archive": "left"}
    (removal,) = downstream.calls_of("DELETE")
    assert (removal.path, removal.body) == (f"/tasks/{external_id}", b"")


async def test_of_many_that_change_what_they_read_none_loses_a_change_unknowingly(
    hookyard: Hookyard,
) -> None:
    task = await say(hookyard, title="First")
    path = f"/tasks/{task['id']}"

    async def add(number: int) -> None:
        while True:
            custom = await hookyard.get(path)
            body = {"custom": {"count": custom["custom"].get("count", 0) + 1}}
            status, _ = await call(hookyard, "PATCH", path, body, If_Match=f'"{custom["version"]}"')
            if status == 200:
                return
            assert status == 412

    await asyncio.gather(*(add(number) for number in range(8)))

    assert (await hookyard.get(path))["custom"] == {"count": 8}
