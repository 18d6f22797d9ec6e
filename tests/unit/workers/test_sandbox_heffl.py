"""The simulator of Heffl is as strict as what is published of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.manual_clock import ManualClock
from tests.support.vendors.calling import Caller, calling
from workers.sandbox.heffl import Heffl

PATH = "/api/v2/tasks"
NEW = {"title": "Call back"}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def simulator(clock: ManualClock) -> Heffl:
    return Heffl(clock, "k3y", rate="1000/s")


@pytest.fixture
async def call(simulator: Heffl) -> AsyncIterator[Caller]:
    async with calling(simulator, {"x-api-key": "k3y"}) as caller:
        yield caller


async def test_a_task_is_answered_as_published(call: Caller) -> None:
    got = await call("POST", PATH, NEW)

    assert got.status == 200
    assert got.body == {
        "id": "tsk_1",
        "number": "1",
        "title": "Call back",
        "description": None,
        "status": "OPEN",
        "type": "todo",
        "priority": None,
        "showTime": False,
        "assigneeIds": [],
        "tagIds": [],
        "createdAt": "2026-11-23T09:12:45.120Z",
        "updatedAt": "2026-11-23T09:12:45.120Z",
    }
    assert (await call("GET", f"{PATH}/tsk_1")).body == got.body


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": None}, "title"),
        ({"status": "DONE"}, "status"),
        ({"type": "Call"}, "type"),
        ({"priority": "high"}, "priority"),
        ({"dueDate": None}, "dueDate"),
        ({"dueDate": "2026-11-24"}, "dueDate"),
        ({"startDate": "2026-11-24T17:00:00"}, "startDate"),
        ({"showTime": "yes"}, "showTime"),
        ({"durationMinutes": -1}, "durationMinutes"),
        ({"assigneeIds": ["usr_9"]}, "assigneeIds"),
        ({"tagIds": ["tag_9"]}, "tagIds"),
        ({"entity": "projects"}, "entityId"),
        ({"entityId": "prj_1"}, "entityId"),
        ({"entity": "deals", "entityId": "prj_1"}, "entityId"),
        ({"entity": "people", "entityId": "prj_1"}, "entity"),
        ({"cf_total": 640}, "cf_total"),
        ({"cf_other": "x"}, "cf_other"),
        ({"foo": 1}, "foo"),
    ],
)
async def test_what_is_not_allowed_is_refused(
    call: Caller, simulator: Heffl, changed: dict[str, Any], field: str
) -> None:
    got = await call("POST", PATH, {**NEW, **changed})

    assert (got.status, got.body["error"]["code"]) == (400, "VALIDATION_ERROR")
    assert got.body["error"]["details"]["issues"][0]["field"] == field
    assert simulator.tasks == {}


async def test_an_unknown_field_is_refused_in_the_vendors_words(call: Caller) -> None:
    got = await call("POST", PATH, {**NEW, "foo": 1})

    (issue,) = got.body["error"]["details"]["issues"]
    assert (
        issue["message"] == "Unknown field: foo. Only documented fields and cf_* keys are allowed."
    )


async def test_a_title_is_needed_and_a_body_must_be_an_object(call: Caller) -> None:
    assert (await call("POST", PATH, {})).body["error"]["code"] == "VALIDATION_ERROR"
    assert (await call("POST", PATH, [])).body["error"]["code"] == "BAD_REQUEST"
    assert (await call("POST", PATH, raw=b"{")).body["error"]["code"] == "BAD_REQUEST"


async def test_a_change_is_merged_and_a_deletion_answers_with_the_task(call: Caller) -> None:
    await call("POST", PATH, {**NEW, "priority": "HIGH", "cf_paid": True})

    got = await call("PATCH", f"{PATH}/tsk_1", {"status": "COMPLETED", "priority": None})

    assert (got.body["status"], got.body["priority"], got.body["cf_paid"]) == (
        "COMPLETED",
        None,
        True,
    )
    assert got.body["title"] == "Call back"
    assert (await call("PATCH", f"{PATH}/tsk_1", {"dueDate": None})).status == 400
    assert (await call("DELETE", f"{PATH}/tsk_1")).body["id"] == "tsk_1"
    for method in ("GET", "PATCH", "DELETE"):
        got = await call(method, f"{PATH}/tsk_1", {})
        assert (got.status, got.body["error"]["code"]) == (404, "NOT_FOUND")


async def test_lists_are_sorted_searched_and_paged(call: Caller, clock: ManualClock) -> None:
    for title in "abcde":
        await call("POST", PATH, {"title": title, "description": "same"})
        clock.forward(1000)

    async def titles(query: str) -> str:
        got = await call("GET", f"{PATH}?{query}")
        assert got.status == 200, got.body
        return "".join(task["title"] for task in got.body["data"])

    assert await titles("") == "edcba"
    assert await titles("orderBy=title&orderDir=asc") == "abcde"
    assert await titles("search=C") == "c"
    assert await titles("search=same") == ""
    first = await call("GET", f"{PATH}?pageSize=2")
    assert first.body["meta"] == {"nextCursor": "c2", "hasMore": True}
    last = await call("GET", f"{PATH}?pageSize=2&cursor=c4")
    assert last.body["meta"] == {"nextCursor": None, "hasMore": False}
    for query in ("pageSize=101", "pageSize=x", "orderBy=colour", "limit=5"):
        assert (await call("GET", f"{PATH}?{query}")).status == 400


async def test_users_tags_and_what_can_be_linked_are_listed(call: Caller) -> None:
    for name, number in (("users", 3), ("tags", 3), ("projects", 1), ("leads", 1), ("deals", 1)):
        assert len((await call("GET", f"/api/v2/{name}")).body["data"]) == number


async def test_a_key_is_needed(call: Caller) -> None:
    got = await call("GET", PATH, x_api_key="other")

    assert (got.status, got.body["error"]["code"]) == (401, "UNAUTHORIZED")


async def test_60_requests_a_minute_and_the_next_one_is_told_how_long(clock: ManualClock) -> None:
    simulator = Heffl(clock, "k3y")
    async with calling(simulator, {"x-api-key": "k3y"}) as call:
        for _ in range(60):
            assert (await call("GET", PATH)).status == 200
        clock.forward(15_500)
        got = await call("POST", PATH, NEW)

        assert (got.status, got.body["error"]["code"]) == (429, "TOO_MANY_REQUESTS")
        assert got.headers["RateLimit-Reset"] == "45"
        assert got.headers["RateLimit-Remaining"] == "0"
        clock.forward(44_500)
        assert (await call("POST", PATH, NEW)).status == 200
    assert simulator.refused_for_rate == 1
