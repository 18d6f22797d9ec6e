"""Tasks from code, through real processes: made, refused with everything that is wrong, limited."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from router.core.code_samples import LANGUAGES
from router.core.store.migrate import upgrade
from tests.support.hookyard import Hookyard
from tests.support.routes import write_routes
from tests.support.samples import run_sample
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.redis

KEY = "key-of-the-support-form-0d1f"

ROUTES = {
    "form": """\
connector: support-form
source: task
secrets: [support_form_key]
reply: routed
contact: {email: "{{ body.contact.email }}", unknown: reject}
fixed: {project: in-house/support, due: tomorrow}
""",
    "script": """\
connector: script
source: task
secrets: [support_form_key]
reply: routed
defaults: {priority: medium}
""",
    "desk": """\
connector: desk
source: task
secrets: [support_form_key]
reply: routed
""",
    "hotline": """\
connector: hotline
source: task
secrets: [support_form_key]
reply: routed
contact:
  email: "{{ body.contact.email | default(none) }}"
  phone: "{{ body.contact.phone | default(none) }}"
  external_id: "{{ body.contact.external_id | default(none) }}"
  unknown: reject
""",
    "rare": """\
connector: rare
source: task
secrets: [support_form_key]
reply: routed
limits: {rate: 1/30h}
""",
    "people": """\
directory:
  people: {jane: {name: Jane Roe, email: jane@in-house.example}, amir: }
  clients: {in-house: }
  projects: {in-house/support: {client: in-house, assignees: [amir]}}
""",
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
        secret_support_form_key=KEY,
    )
    await upgrade(sqlite_url)
    async with installation:
        await installation.serve()
        installation.work()
        await installation.ready()
        yield installation


async def post(
    hookyard: Hookyard, connector: str, body: Any, **headers: str
) -> tuple[int, dict[str, Any], dict[str, str]]:
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    shown = shown or {"Authorization": f"Bearer {KEY}"}
    content = json.dumps(body).encode()
    shown["Content-Type"] = "application/json"
    async with hookyard.session.post(f"/hooks/{connector}", data=content, headers=shown) as answer:
        return answer.status, await answer.json(content_type=None), dict(answer.headers)


async def test_a_task_is_made_and_the_answer_says_which_and_when_it_is_due(
    hookyard: Hookyard,
) -> None:
    body = {
        "title": "A lamp flickers",
        "contact": {"email": "JANE@in-house.example"},
        "cf_room": "2.14",
    }
    status, answer, headers = await post(hookyard, "support-form", body)

    assert (status, answer["status"]) == (201, "routed")
    (made,) = answer["tasks"]
    assert (made["action"], made["rule"], made["number"]) == ("created", "task", 1)
    assert headers["Location"] == made["url"] == f"{hookyard.url}/api/v1/tasks/{made['id']}"
    task = await hookyard.get(f"/tasks/{made['id']}")
    assert task["title"] == "A lamp flickers"
    assert task["creator"] == {"type": "person", "id": "jane"}
    assert (task["project"], task["client"]) == ("in-house/support", "in-house")
    assert task["assignees"] == ["amir"]
    assert task["custom"] == {"cf_room": "2.14"}
    said = ("due_at", "due_date", "due_time", "all_day", "timezone")
    assert {name: made[name] for name in said} == {name: task[name] for name in said}
    assert (made["all_day"], made["timezone"]) == (True, "UTC")


async def test_whoever_is_known_by_number_or_id_is_let_in_and_nobody_else(
    hookyard: Hookyard,
) -> None:
    async def ask(**contact: Any) -> tuple[int, dict[str, Any]]:
        status, answer, _ = await post(hookyard, "hotline", {"title": "Call", "contact": contact})
        return status, answer

    ada = {"phone": "+44 20 7946 0018", "external_id": 1042, "name": "Ada"}
    status, answer, _ = await post(hookyard, "desk", {"title": "Hello", "contact": ada})
    first = await hookyard.get(f"/tasks/{answer['tasks'][0]['id']}")

    assert status == 201
    for contact in ({"phone": "0044 (0)20 7946-0018"}, {"external_id": "1042"}):
        status, answer = await ask(**contact)
        assert status == 201
        task = await hookyard.get(f"/tasks/{answer['tasks'][0]['id']}")
        assert task["contact"] == first["contact"]
        assert task["creator"] == {"type": "contact", "id": first["contact"]["id"]}
    refused = [
        ({"phone": "+15550100199"}, "contact.phone", "unknown-contact"),
        ({"external_id": "1043"}, "contact.external_id", "unknown-contact"),
        ({"phone": "020 7946 0018"}, "contact.phone", "not-a-phone-number"),
        ({}, "contact.email", "blank"),
    ]
    for contact, field, code in refused:
        status, answer = await ask(**contact)
        assert status == 422
        assert [(e["field"], e["code"]) for e in answer["errors"]] == [(field, code)]


async def test_a_payload_is_refused_with_everything_that_is_wrong_and_can_be_replayed(
    hookyard: Hookyard,
) -> None:
    body = {"titel": "x", "due_date": "2026-11-24", "priority": "High", "assignees": "jane"}
    status, answer, headers = await post(hookyard, "support-form", body)

    assert (status, answer["code"]) == (422, "refused")
    assert headers["Content-Type"] == "application/problem+json"
    assert {(e["field"], e["code"], e.get("pointer")) for e in answer["errors"]} == {
        ("titel", "unknown-field", "#/titel"),
        ("title", "missing", "#/title"),
        ("due_date", "fixed", "#/due_date"),
        ("priority", "not-a-choice", "#/priority"),
        ("assignees", "wrong-type", "#/assignees"),
        ("contact.email", "missing", None),
    }
    assert all(error["message"] for error in answer["errors"])
    event = await hookyard.get(f"/events/{answer['event_id']}")
    assert event["status"] == "refused"
    assert (await hookyard.get("/tasks"))["data"] == []

    stranger = {"title": "x", "contact": {"email": "ada@acme.example"}}
    status, answer, _ = await post(hookyard, "support-form", stranger)
    assert (status, [error["code"] for error in answer["errors"]]) == (422, ["unknown-contact"])


async def test_the_same_key_changes_the_task_that_has_it(hookyard: Hookyard) -> None:
    _, first, _ = await post(hookyard, "script", {"title": "Back up", "key": "backup"})
    _, again, _ = await post(hookyard, "script", {"title": "Back up again", "key": "backup"})

    (made,), (changed,) = first["tasks"], again["tasks"]
    assert (made["id"], made["action"]) == (changed["id"], "created")
    assert changed["action"] == "updated"
    task = await hookyard.get(f"/tasks/{made['id']}")
    assert (task["title"], task["priority"], task["version"]) == ("Back up again", "medium", 2)


async def test_the_key_is_shown_in_one_of_three_ways_and_nothing_else_opens(
    hookyard: Hookyard,
) -> None:
    body = {"title": "x"}
    good = [
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": f"bearer {KEY}"},
        {"Authorization": KEY},
        {"X_Api_Key": KEY},
    ]
    bad = [
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": KEY[:-1]},
        {"X_Api_Key": f"Bearer {KEY}"},
        {"X_Api_Key": KEY, "Authorization": KEY},
        {"X_Other": KEY},
    ]
    for headers in good:
        assert (await post(hookyard, "script", body, **headers))[0] == 201, headers
    for headers in bad:
        status, answer, _ = await post(hookyard, "script", body, **headers)
        assert (status, answer["code"]) == (401, "not-proven"), headers
        assert KEY not in json.dumps(answer)
    (event, *_) = (await hookyard.get("/events"))["data"]
    shown = await hookyard.get(f"/events/{event['id']}")
    assert KEY not in json.dumps(shown)


async def test_a_limit_is_said_with_every_answer_and_kept(hookyard: Hookyard) -> None:
    status, _, headers = await post(hookyard, "rare", {"title": "x"})
    assert status == 201
    assert headers["RateLimit-Limit"] == "1"
    assert headers["RateLimit-Remaining"] == "0"
    assert 107_900 < int(headers["RateLimit-Reset"]) <= 108_000
    assert headers["RateLimit-Policy"] == "1;w=108000;burst=1"

    status, answer, headers = await post(hookyard, "rare", {"title": "y"})
    assert (status, answer["code"]) == (429, "rate-limited")
    assert 107_900 < int(headers["Retry-After"]) <= 108_000
    assert (headers["RateLimit-Limit"], headers["RateLimit-Remaining"]) == ("1", "0")
    assert len((await hookyard.get("/tasks"))["data"]) == 1


@pytest.mark.parametrize("lang", list(LANGUAGES))
async def test_printed_code_makes_a_task_as_it_is(
    hookyard: Hookyard, lang: str, tmp_path: Path, interpreter_of: Callable[[str], Path]
) -> None:
    interpreter = interpreter_of(lang)
    for name in ("support-form", "script"):
        printed = hookyard.run("connectors", "code", name, "--lang", lang)
        assert printed.returncode == 0, printed.stderr
        shown = await hookyard.get(f"/connectors/{name}/code?lang={lang}")
        assert shown["code"] == printed.stdout
        program = tmp_path / f"{name}.{lang}"
        program.write_text(printed.stdout, "utf-8")

        good = await run_sample(interpreter, program, KEY)
        wrong = await run_sample(interpreter, program, "another key")

        answer = json.loads(good.stdout)
        assert (good.returncode, answer["status"]) == (0, "routed"), good
        task = await hookyard.get(f"/tasks/{answer['tasks'][0]['id']}")
        assert task["title"] == shown["body"]["title"] == "Call Ada back"
        assert task["assignees"] == shown["body"]["assignees"]
        assert "project" in shown["body"] or name == "support-form"
        assert wrong.returncode != 0
        assert json.loads(wrong.stdout)["code"] == "not-proven"


async def test_activity_says_what_came_and_what_became_of_it(hookyard: Hookyard) -> None:
    await post(hookyard, "script", {"title": "x", "key": "a"})
    await post(hookyard, "script", {"title": "y", "key": "a"})
    await post(hookyard, "script", {"titel": "z"})
    await post(hookyard, "script", {"title": "z"}, Authorization="another-key")
    await post(hookyard, "rare", {"title": "elsewhere"})

    async def recorded() -> bool:
        activity = await hookyard.get("/connectors/script/activity")
        return bool(activity["days"][0]["refusals"])

    await wait_until(recorded, "the refusal is recorded")
    activity = await hookyard.get("/connectors/script/activity")

    (day,) = activity["days"]
    assert day["events"] == {"routed": 2, "refused": 1}
    assert day["refusals"] == {"credentials-mismatch": 1}
    wrong, changed, made = activity["data"]
    assert [error["field"] for error in wrong["errors"]] == ["titel", "title"]
    assert (wrong["status"], wrong["tasks"]) == ("refused", [])
    assert (changed["tasks"][0]["action"], made["tasks"][0]["action"]) == ("updated", "created")
    assert made["tasks"][0]["url"] == f"{hookyard.url}/api/v1/tasks/{made['tasks'][0]['id']}"
    said = hookyard.run("connectors", "activity", "script")
    assert said.returncode == 0, said.stderr
    assert "1 refused, 2 routed" in said.stdout
    assert "1 credentials-mismatch" in said.stdout
    assert "a task needs a title" in said.stdout
    assert json.loads(hookyard.run("connectors", "activity", "script", "--json").stdout) == activity
    only = await hookyard.get("/connectors/script/activity?status=refused&limit=1")
    assert [entry["event_id"] for entry in only["data"]] == [wrong["event_id"]]


async def test_an_issued_key_opens_its_connector_until_it_is_revoked(hookyard: Hookyard) -> None:
    def key(*arguments: str) -> dict[str, Any]:
        done = hookyard.run("keys", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        made: dict[str, Any] = json.loads(done.stdout)
        return made

    async def status(token: str, connector: str = "script") -> int:
        body = {"title": "x"}
        return (await post(hookyard, connector, body, Authorization=f"Bearer {token}"))[0]

    async def becomes(token: str, expected: int) -> None:
        async def seen() -> bool:
            return await status(token) == expected

        await wait_until(seen, f"the key is answered {expected}", within_s=10)

    first = key("create", "--connector", "script")
    await becomes(first["token"], 201)
    assert await status(first["token"], "rare") == 401
    assert await status(KEY) == 201

    second = key("rotate", "connector:script", "--overlap", "1h")
    await becomes(second["token"], 201)
    assert await status(first["token"]) == 201

    assert hookyard.run("keys", "revoke", first["id"]).returncode == 0
    await becomes(first["token"], 401)
    assert await status(second["token"]) == 201
