"""Making and changing tasks through the API: what is written, told, refused and passed on."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import Any

import pytest

from router.core import keys
from router.core.store.audit import list_audit
from router.core.store.schema import Row
from tests.support.rows import NOW_MS, closed, delivery_row, task_row
from tests.support.senders import ADMIN_TOKEN
from tests.support.site import BASE_URL, Site

CREATED = "2026-11-23T09:12:45.120Z"


async def make(site: Site, status: int = 201, **body: Any) -> Any:
    headers = {name: body.pop(name) for name in ("Idempotency_Key",) if name in body}
    return await site.call("POST", "/tasks", {"title": "Call", **body}, status=status, **headers)


async def count(site: Site) -> int:
    return len((await site.get("/api/v1/tasks"))["data"])


async def add(site: Site, **given: Any) -> Row:
    """Add a task with a copy that is current."""
    row = task_row(**given)
    await site.add(new_tasks=[row], deliveries=[delivery_row(row["id"], state="current")])
    return row


def fields_of(problem: Any) -> dict[str, str]:
    assert problem["code"] == "not-valid"
    return {one["field"]: one["code"] for one in problem["errors"]}


async def test_a_task_is_made_with_all_that_it_is_given(site: Site) -> None:
    await site.name(
        people=[{"id": "jane", "email": "Jane@in.example"}],
        destinations=["crm"],
        timezone="Europe/London",
    )
    token = await site.make_token("tasks:write")

    made = await site.call(
        "POST",
        "/tasks",
        {
            "title": "Call\nback",
            "due": "tomorrow",
            "assignees": ["jane@IN.example", "jane"],
            "contact": {"email": "A@b.example", "name": "A B"},
            "custom": {"cf_total": 19.90},
            "priority": None,
            "deliver": ["crm"],
        },
        status=201,
        token=token,
    )

    assert (made["title"], made["number"], made["version"]) == ("Call back", 1, 1)
    assert (made["due_date"], made["all_day"], made["timezone"]) == (
        "2026-11-24",
        True,
        "Europe/London",
    )
    assert (made["assignees"], made["status"], made["priority"]) == (["jane"], "open", None)
    assert (made["contact"]["email"], made["creator"]) == (
        "A@b.example",
        {"type": "api", "id": token},
    )
    assert (made["created_at"], made["custom"]) == (CREATED, {"cf_total": 19.9})
    assert made["deliveries"] == [{"destination": "crm", "state": "pending", "external_id": None}]
    (line,) = made["history"]
    assert (line["actor"], line["action"], line["event_id"]) == (f"api:{token}", "created", None)
    assert await site.get(f"/api/v1/tasks/{made['id']}") == made
    assert await site.redis.zrange(keys.QUEUE, 0, -1) == [b"deliver:crm"]


async def test_the_answer_says_where_the_task_is_and_which_version_it_has(site: Site) -> None:
    headers = {"Authorization": "Bearer test-admin-token-0000000000000000000000000"}
    async with site.client.post("/api/v1/tasks", json={"title": "x"}, headers=headers) as answer:
        made = await answer.json()
        assert answer.headers["Location"] == f"{BASE_URL}/api/v1/tasks/{made['id']}"
        assert answer.headers["ETag"] == '"1"'
    async with site.client.get(f"/api/v1/tasks/{made['id']}", headers=headers) as answer:
        assert answer.headers["ETag"] == '"1"'


async def test_a_project_brings_its_client_and_its_people_and_a_domain_its_client(
    site: Site,
) -> None:
    await site.name(
        people=[{"id": "amir"}, {"id": "jane"}],
        clients=[{"id": "acme", "domains": ["acme.example"]}, {"id": "other"}],
        projects=[{"id": "p", "client": "acme", "assignees": ["amir"]}],
    )

    made = await make(site, project="p")
    own = await make(site, project="p", assignees=["jane"])
    of_domain = await make(site, contact={"email": "a@ACME.example"})
    refused = await make(site, 422, project="p", client="other")

    assert (made["client"], made["assignees"]) == ("acme", ["amir"])
    assert (own["client"], own["assignees"]) == ("acme", ["jane"])
    assert of_domain["client"] == "acme"
    assert fields_of(refused) == {"client": "not-the-projects"}
    moved = await site.call("PATCH", f"/tasks/{of_domain['id']}", {"project": "p"})
    assert (moved["project"], moved["client"]) == ("p", "acme")


async def test_the_same_key_is_the_same_task_while_that_is_open(site: Site) -> None:
    first = await make(site, key="k")
    again = await make(site, 200, key="k", title="Other")
    await site.call("POST", f"/tasks/{first['id']}/complete")
    new = await make(site, key="k")

    assert (again["id"], again["title"]) == (first["id"], "Call")
    assert new["id"] != first["id"]
    assert await count(site) == 2


async def test_the_same_idempotency_key_is_the_same_task_whatever_became_of_it(site: Site) -> None:
    first = await make(site, Idempotency_Key="once")
    await site.call("POST", f"/tasks/{first['id']}/complete")
    again = await make(site, 200, Idempotency_Key="once")
    problem = await make(site, 409, Idempotency_Key="once", title="Another")

    assert (again["id"], again["status_kind"]) == (first["id"], "done")
    assert problem["code"] == "idempotency-reused"
    assert await count(site) == 1


async def test_idempotency_keys_are_each_tokens_own_and_last_two_days(site: Site) -> None:
    await make(site, Idempotency_Key="once")
    token = await site.make_token("tasks:write")
    await site.call(
        "POST", "/tasks", {"title": "x"}, status=201, token=token, Idempotency_Key="once"
    )
    site.clock.forward(48 * 3_600_000 + 1)
    await make(site, Idempotency_Key="once", title="Another")

    assert await count(site) == 3


async def test_many_requests_with_one_idempotency_key_make_one_task(site: Site) -> None:
    async def ask() -> str:
        headers = {
            "Authorization": "Bearer test-admin-token-0000000000000000000000000",
            "Idempotency-Key": "once",
        }
        async with site.client.post(
            "/api/v1/tasks", json={"title": "x"}, headers=headers
        ) as answer:
            assert answer.status in {200, 201}
            return str((await answer.json())["id"])

    assert len(set(await asyncio.gather(*(ask() for _ in range(8))))) == 1
    assert await count(site) == 1


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"titel": "x"}, {"titel": "unknown-field", "title": "missing"}),
        ({"title": " "}, {"title": "blank"}),
        ({"title": None}, {"title": "wrong-type"}),
        ({"title": 5, "labels": "a"}, {"title": "wrong-type", "labels": "wrong-type"}),
        ({"title": "x", "id": "1", "version": 2}, {"id": "read-only", "version": "read-only"}),
        ({"title": "x", "priority": "High", "due": "soonish"}, {"priority": "not-a-choice"}),
        (
            {"title": "x", "due": "soonish", "assignees": ["bob"]},
            {"due": "not-a-date", "assignees": "unknown-name"},
        ),
        ({"title": "x", "due_time": "10:00"}, {"due_time": "not-a-date"}),
        ({"title": "x", "status": "nope"}, {"status": "unknown-name"}),
        ({"title": "x", "timezone": "CET+1"}, {"timezone": "unknown-name"}),
        ({"title": "x", "contact": {"email": "no"}}, {"contact.email": "not-an-address"}),
        ({"title": "x", "contact": {"id": "1"}}, {"contact": "unknown-contact"}),
        ({"title": "x", "deliver": ["nowhere"]}, {"deliver": "unknown-name"}),
        ({"title": "x", "key": " "}, {"key": "blank"}),
        ({"title": "x", "reminder": {"at": 1}}, {"reminder.at": "unknown-field"}),
        ({"title": "x", "duration_minutes": 0}, {"duration_minutes": "wrong-type"}),
    ],
)
async def test_everything_that_is_wrong_is_said_and_nothing_is_made(
    site: Site, body: dict[str, Any], errors: dict[str, str]
) -> None:
    await site.name(people=[{"id": "jane"}])

    problem = await site.call("POST", "/tasks", body, status=422)

    assert fields_of(problem) == errors
    assert all(one["pointer"].startswith("/") for one in problem["errors"])
    assert await count(site) == 0


async def test_a_change_is_a_merge_patch(site: Site) -> None:
    row = await add(
        site,
        description="old",
        labels=["a"],
        custom={"x": 1, "y": {"z": 1, "w": 2}},
        priority="low",
    )

    changed = await site.call(
        "PATCH",
        f"/tasks/{row['id']}",
        {
            "description": None,
            "labels": ["b"],
            "custom": {"x": None, "y": {"z": 3}},
            "status": "doing",
        },
    )

    assert (changed["description"], changed["labels"], changed["priority"]) == (None, ["b"], "low")
    assert changed["custom"] == {"y": {"z": 3, "w": 2}}
    assert (changed["status"], changed["status_kind"], changed["version"]) == (
        "doing",
        "in_progress",
        2,
    )
    assert changed["history"][-1]["actor"] == "api:admin"
    assert [copy["state"] for copy in changed["deliveries"]] == ["pending"]
    assert await site.redis.zrange(keys.QUEUE, 0, -1) == [b"deliver:crm"]


@pytest.mark.parametrize(
    ("patch", "shown"),
    [
        ({"due_time": "18:00"}, ("2026-12-01", "18:00", "2026-12-01T18:00:00Z")),
        ({"due_time": None}, ("2026-12-01", None, "2026-12-01T23:59:59Z")),
        ({"due_date": "2026-12-02"}, ("2026-12-02", "17:00", "2026-12-02T17:00:00Z")),
        ({"due_date": None}, (None, None, None)),
        ({"due_at": None}, (None, None, None)),
        ({"due": "tomorrow"}, ("2026-11-24", None, "2026-11-24T23:59:59Z")),
        ({"timezone": "Asia/Tokyo"}, ("2026-12-02", "02:00", "2026-12-01T17:00:00Z")),
    ],
)
async def test_parts_of_a_due_date_are_changed_alone(
    site: Site, patch: dict[str, Any], shown: tuple[str | None, ...]
) -> None:
    made = await make(site, due_date="2026-12-01", due_time="17:00")

    changed = await site.call("PATCH", f"/tasks/{made['id']}", patch)

    assert (changed["due_date"], changed["due_time"], changed["due_at"]) == shown
    assert changed["all_day"] is (shown[0] is not None and shown[1] is None)


@pytest.mark.parametrize(
    "body",
    [
        {"version": 9},
        {"id": "x"},
        {"history": []},
        {"colour": "red"},
        {"key": "k"},
        {"title": None},
    ],
)
async def test_a_patch_that_names_what_cannot_be_set_changes_nothing(
    site: Site, body: dict[str, Any]
) -> None:
    row = await add(site)

    problem = await site.call(
        "PATCH", f"/tasks/{row['id']}", {"priority": "high", **body}, status=422
    )

    assert list(fields_of(problem)) == list(body)
    assert (await site.get(f"/api/v1/tasks/{row['id']}"))["priority"] is None


async def test_of_two_that_change_the_version_they_read_one_is_told(site: Site) -> None:
    row = await add(site)
    path = f"/tasks/{row['id']}"
    await site.call("PATCH", path, {"title": "One"}, If_Match='"1"')

    problem = await site.call("PATCH", path, {"title": "Two"}, status=412, If_Match='"1"')

    assert (problem["code"], problem["version"]) == ("version-mismatch", 2)
    assert (await site.get(f"/api/v1{path}"))["title"] == "One"
    for name in ("complete", "reopen"):
        await site.call("POST", f"{path}/{name}", status=412, If_Match='"1"')
    await site.call("DELETE", path, status=412, If_Match='W/"2", "x"')
    await site.call("PATCH", path, {"title": "Two"}, If_Match='"1", "2"')
    await site.call("PATCH", path, {"title": "Three"}, If_Match="*")


async def test_a_task_is_completed_and_opened_again_with_a_reason(site: Site) -> None:
    row = await add(site)
    path = f"/tasks/{row['id']}"

    done = await site.call("POST", f"{path}/complete", {"note": "They called"})
    again = await site.call("POST", f"{path}/complete")
    opened = await site.call("POST", f"{path}/reopen")

    assert (done["status"], done["completed_at"]) == ("done", CREATED)
    assert (done["history"][-1]["action"], done["history"][-1]["note"]) == (
        "completed",
        "They called",
    )
    assert (again["version"], len(again["history"])) == (2, len(done["history"]))
    assert (opened["status"], opened["completed_at"], opened["version"]) == ("open", None, 3)


async def test_a_task_is_not_opened_beside_another_of_its_key(site: Site) -> None:
    old = closed(task_row(key="k"), NOW_MS)
    await site.add(new_tasks=[old, task_row(key="k", number=2)])

    problem = await site.call("POST", f"/tasks/{old['id']}/reopen", status=409)

    assert problem["code"] == "key-taken"


async def test_a_note_goes_into_the_history_and_makes_no_version(site: Site) -> None:
    row = await add(site)

    line = await site.call("POST", f"/tasks/{row['id']}/comments", {"note": "Asked"}, status=201)

    assert (line["note"], line["actor"], line["action"]) == ("Asked", "api:admin", "commented")
    shown = await site.get(f"/api/v1/tasks/{row['id']}")
    assert (shown["version"], shown["history"]) == (1, [line])
    problem = await site.call("POST", f"/tasks/{row['id']}/comments", {"note": " "}, status=422)
    assert fields_of(problem) == {"note": "blank"}


async def test_a_deleted_task_is_gone_its_key_is_free_and_the_audit_log_says_who(
    site: Site,
) -> None:
    made = await make(site, key="k")

    assert await site.call("DELETE", f"/tasks/{made['id']}", status=204) is None

    await site.get(f"/api/v1/tasks/{made['id']}", status=404)
    await site.call("DELETE", f"/tasks/{made['id']}", status=404)
    assert await count(site) == 0
    (entry,) = (await site.get("/api/v1/audit"))["data"]
    assert (entry["actor"], entry["action"], entry["subject"]) == (
        "api:admin",
        "task-deleted",
        made["id"],
    )
    async with site.store.connect() as conn:
        assert len((await list_audit(conn)).rows) == 1
    assert (await make(site, key="k"))["id"] != made["id"]


async def test_the_copies_of_a_deleted_task_are_to_follow_and_workers_are_told(site: Site) -> None:
    row = await add(site)

    await site.call("DELETE", f"/tasks/{row['id']}", status=204)

    (copy,) = (await site.get(f"/api/v1/deliveries?task={row['id']}"))["data"]
    assert copy["state"] == "pending"
    assert await site.redis.zrange(keys.QUEUE, 0, -1) == [b"deliver:crm"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/tasks"),
        ("PATCH", "/tasks/{id}"),
        ("DELETE", "/tasks/{id}"),
        ("POST", "/tasks/{id}/complete"),
        ("POST", "/tasks/{id}/reopen"),
        ("POST", "/tasks/{id}/comments"),
    ],
)
async def test_without_the_scope_nothing_changes_and_it_is_named(
    site: Site, method: str, path: str
) -> None:
    row = await add(site)
    token = await site.make_token("tasks:read", "events:read", "events:replay")

    problem = await site.call(
        method, path.format(id=row["id"]), {"title": "x"}, status=403, token=token
    )

    assert problem["detail"] == "the scope tasks:write is needed"
    shown = await site.get(f"/api/v1/tasks/{row['id']}")
    assert (shown["version"], shown["history"], await count(site)) == (1, [], 1)


async def test_what_is_no_json_or_too_large_is_refused(site: Site) -> None:
    headers = {"Authorization": "Bearer test-admin-token-0000000000000000000000000"}
    for data, kind, code in (
        (b"{", "application/json", "unparseable"),
        (b"[]", "application/json", "bad-body"),
        (b"title=x", "application/x-www-form-urlencoded", "unsupported-content-type"),
        (b'{"title": "' + b"x" * 2**20 + b'"}', "application/json", "too-large"),
    ):
        sent = {**headers, "Content-Type": kind}
        async with site.client.post("/api/v1/tasks", data=BytesIO(data), headers=sent) as answer:
            assert (await answer.json(content_type=None))["code"] == code


@pytest.mark.parametrize("body", [b"", b" \n", b"null", b"[]"])
async def test_a_patch_without_an_object_is_refused(site: Site, body: bytes) -> None:
    row = await add(site)
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"}
    url = f"/api/v1/tasks/{row['id']}"
    async with site.client.patch(url, data=body, headers=headers) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, "bad-body")


async def test_a_whole_number_may_be_written_with_a_point(site: Site) -> None:
    made = await make(site, duration_minutes=30.0, reminder={"days_before": 1.0})

    assert (made["duration_minutes"], made["reminder"]["days_before"]) == (30, 1)


@pytest.mark.parametrize("minutes", ["30.5", "1e999999", "-1e999999", "1e-9", "true"])
async def test_what_is_no_whole_number_is_refused(site: Site, minutes: str) -> None:
    headers = {"Authorization": f"Bearer {ADMIN_TOKEN}", "Content-Type": "application/json"}
    body = f'{{"title": "x", "duration_minutes": {minutes}}}'
    async with site.client.post("/api/v1/tasks", data=body, headers=headers) as answer:
        assert answer.status == 422
        assert fields_of(await answer.json()) == {"duration_minutes": "wrong-type"}
