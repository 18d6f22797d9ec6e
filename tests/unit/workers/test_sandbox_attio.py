"""The simulator of Attio is as strict as what is published of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.support.manual_clock import ManualClock
from tests.support.vendors.calling import Caller, calling
from workers.sandbox.attio import AMIR, COMPANY, JANE, PERSON, Attio

NEW: dict[str, Any] = {
    "content": "Call back",
    "format": "plaintext",
    "deadline_at": None,
    "is_completed": False,
    "linked_records": [],
    "assignees": [],
}
PROOF = {"Authorization": "Bearer t0ken"}
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def simulator() -> Attio:
    return Attio(ManualClock(), "t0ken")


@pytest.fixture
async def call(simulator: Attio) -> AsyncIterator[Caller]:
    async with calling(simulator, PROOF) as caller:
        yield caller


async def test_a_task_is_answered_as_published(call: Caller) -> None:
    got = await call(
        "POST",
        "/v2/tasks",
        {
            "data": {
                **NEW,
                "deadline_at": "2023-01-01",
                "assignees": [{"workspace_member_email_address": "jane@acme.example"}],
                "linked_records": [
                    {"target_object": "companies", "domains": [{"domain": "b.example"}]}
                ],
            }
        },
    )

    assert got.status == 200
    task = got.body["data"]
    assert task["id"].keys() == {"workspace_id", "task_id"}
    assert task["content_plaintext"] == "Call back"
    assert task["created_at"] == "2026-11-23T09:12:45.120000000Z"
    assert task["assignees"] == [
        {"referenced_actor_type": "workspace-member", "referenced_actor_id": JANE}
    ]
    assert task["linked_records"] == [
        {"target_object_id": "companies", "target_record_id": COMPANY}
    ]
    same = await call("GET", f"/v2/tasks/{task['id']['task_id']}")
    assert same.body == got.body


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"content": ""}, 400),
        ({"content": "x" * 2001}, 400),
        ({"content": 7}, 400),
        ({"format": "markdown"}, 400),
        ({"deadline_at": "tomorrow"}, 400),
        ({"is_completed": "no"}, 400),
        ({"priority": "high"}, 400),
        ({"linked_records": None}, 400),
        ({"linked_records": [{"target_object": "people"}]}, 400),
        ({"linked_records": [{"target_object": "people", "target_record_id": NOBODY}]}, 404),
        ({"linked_records": [{"target_object": "people", "target_record_id": [1]}]}, 404),
        ({"linked_records": [{"target_object": "peple", "target_record_id": PERSON}]}, 404),
        ({"linked_records": [{"target_object": "people", "email_addresses": []}]}, 400),
        ({"linked_records": [{"target_object": "people", "email_addresses": [{"a": "b"}]}]}, 404),
        ({"assignees": [{"referenced_actor_type": "app", "referenced_actor_id": JANE}]}, 400),
        ({"assignees": [{"referenced_actor_id": JANE}]}, 400),
        (
            {
                "assignees": [
                    {"referenced_actor_type": "workspace-member", "referenced_actor_id": NOBODY}
                ]
            },
            404,
        ),
        ({"assignees": [{"workspace_member_email_address": "no@body.example"}]}, 404),
    ],
)
async def test_what_is_not_allowed_is_refused(
    call: Caller, simulator: Attio, changed: dict[str, Any], status: int
) -> None:
    got = await call("POST", "/v2/tasks", {"data": {**NEW, **changed}})

    assert got.status == got.body["status_code"] == status
    assert got.body["type"] == "invalid_request_error"
    assert simulator.tasks == {}


@pytest.mark.parametrize("name", list(NEW))
async def test_each_of_the_six_keys_is_required(call: Caller, name: str) -> None:
    left = {key: value for key, value in NEW.items() if key != name}

    got = await call("POST", "/v2/tasks", {"data": left})

    assert got.status == 400
    assert got.body["validation_errors"][0]["path"] == ["data", name]


async def test_a_body_that_is_no_json_or_has_no_envelope_is_refused(call: Caller) -> None:
    assert (await call("POST", "/v2/tasks", raw=b"{")).status == 400
    assert (await call("POST", "/v2/tasks", NEW)).status == 400
    assert (await call("POST", "/v2/tasks", {"data": NEW}, Content_Type="text/plain")).status == 400


async def test_a_text_cannot_be_changed_and_everything_else_can(call: Caller) -> None:
    made = await call("POST", "/v2/tasks", {"data": NEW})
    path = f"/v2/tasks/{made.body['data']['id']['task_id']}"
    changes = {
        "is_completed": True,
        "deadline_at": "2026-11-24T17:00:00Z",
        "assignees": [{"referenced_actor_type": "workspace-member", "referenced_actor_id": AMIR}],
        "linked_records": [{"target_object": "people", "target_record_id": PERSON}],
    }

    assert (await call("PATCH", path, {"data": {"content": "new"}})).status == 400
    assert (await call("PATCH", path, {"data": {"colour": "red"}})).status == 400
    got = await call("PATCH", path, {"data": changes})

    assert got.status == 200
    assert got.body["data"]["is_completed"] is True
    assert got.body["data"]["assignees"][0]["referenced_actor_id"] == AMIR
    assert (await call("DELETE", path)).body == {}
    for method in ("GET", "PATCH", "DELETE"):
        assert (await call(method, path, {"data": {}})).status == 404


async def test_lists_are_sorted_paged_and_filtered(call: Caller, simulator: Attio) -> None:
    for number in range(5):
        links = [{"target_object": "people", "target_record_id": PERSON}] if number == 3 else []
        people = [{"workspace_member_email_address": "amir@acme.example"}] if number == 4 else []
        more = {"linked_records": links, "assignees": people, "is_completed": number == 2}
        await call("POST", "/v2/tasks", {"data": {**NEW, "content": str(number), **more}})

    async def texts(query: str) -> str:
        got = await call("GET", f"/v2/tasks?{query}")
        assert got.status == 200, got.body
        return "".join(task["content_plaintext"] for task in got.body["data"])

    assert await texts("") == "01234"
    assert await texts("sort=created_at:desc&limit=2&offset=1") == "32"
    assert await texts(f"linked_object=people&linked_record_id={PERSON}") == "3"
    assert await texts("is_completed=true") == "2"
    assert await texts(f"assignee={AMIR}") == "4"
    assert await texts("assignee=") == "0123"
    for query in ("sort=title", "limit=x", "linked_object=people", "search=x"):
        assert (await call("GET", f"/v2/tasks?{query}")).status == 400
    assert simulator.refused_for_rate == 0


async def test_a_token_is_needed_except_to_ask_about_it(call: Caller) -> None:
    wrong = "Bearer other"

    assert (await call("GET", "/v2/tasks", Authorization=wrong)).status == 401
    assert (await call("GET", "/v2/self", Authorization=wrong)).body == {"active": False}
    assert (await call("GET", "/v2/self")).body["active"] is True
    assert len((await call("GET", "/v2/workspace_members")).body["data"]) == 3


async def test_25_writes_a_second_and_the_next_one_is_told_when(
    call: Caller, simulator: Attio
) -> None:
    for _ in range(25):
        assert (await call("POST", "/v2/tasks", {"data": NEW})).status == 200

    got = await call("POST", "/v2/tasks", {"data": NEW})

    assert (got.status, got.body["code"]) == (429, "rate_limit_exceeded")
    at = parsedate_to_datetime(got.headers["Retry-After"])
    assert 0 < at.timestamp() * 1000 - simulator.now_ms() <= 2000
    assert (await call("GET", "/v2/tasks")).status == 200
    assert (len(simulator.tasks), simulator.refused_for_rate) == (25, 1)
