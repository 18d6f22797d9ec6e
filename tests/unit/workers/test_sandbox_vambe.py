"""The simulator of Vambe is as strict as what is published of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.manual_clock import ManualClock
from tests.support.vendors.calling import Caller, calling
from workers.sandbox.vambe import AMIR, CONTACT, JANE, Vambe

PATH = "/api/public/tasks"
NEW: dict[str, Any] = {"title": "Call back", "responsibleIds": [JANE], "priority": "1"}
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def simulator() -> Vambe:
    return Vambe(ManualClock(), "k3y")


@pytest.fixture
async def call(simulator: Vambe) -> AsyncIterator[Caller]:
    async with calling(simulator, {"x-api-key": "k3y"}) as caller:
        yield caller


async def test_a_task_is_answered_as_published(call: Caller) -> None:
    got = await call(
        "POST",
        PATH,
        {**NEW, "dueDate": "2026-11-24", "dueTime": "18:00", "timezone": "Europe/Berlin"},
    )

    assert got.status == 201
    task = got.body
    assert (task["due_at"], task["is_all_day"], task["due_timezone"]) == (
        "2026-11-24T17:00:00.000Z",
        False,
        "Europe/Berlin",
    )
    assert (task["priority"], task["description"]) == (1, None)
    assert task["task_responsibles"] == [{"responsible_id": JANE}]
    assert (task["status_config"]["name"], task["status_config"]["type"]) == (
        "Pendiente",
        "initial",
    )


@pytest.mark.parametrize(
    ("given", "due"),
    [
        ({"dueDate": "2026-11-24"}, ("2026-11-24T00:00:00.000Z", True)),
        (
            {"dueDate": "2026-11-24", "timezone": "Europe/Berlin"},
            ("2026-11-23T23:00:00.000Z", True),
        ),
        ({"dueDate": "2026-11-24T10:00:00Z"}, ("2026-11-24T10:00:00.000Z", True)),
        ({"dueDate": None}, (None, True)),
    ],
)
async def test_a_date_without_a_time_is_the_whole_day(
    call: Caller, given: dict[str, Any], due: tuple[str | None, bool]
) -> None:
    task = (await call("POST", PATH, {**NEW, **given})).body

    assert (task["due_at"], task["is_all_day"]) == due


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"title": ""}, 400),
        ({"title": None}, 400),
        ({"responsibleIds": []}, 400),
        ({"responsibleIds": ["jane"]}, 400),
        ({"responsibleIds": [NOBODY]}, 404),
        ({"priority": 1}, 400),
        ({"priority": "3"}, 400),
        ({"dueDate": "tomorrow"}, 400),
        ({"dueTime": "18:00", "timezone": "UTC"}, 400),
        ({"dueDate": "2026-11-24", "dueTime": "18:00"}, 400),
        ({"dueDate": "2026-11-24", "dueTime": "25:00", "timezone": "UTC"}, 400),
        ({"dueDate": "2026-11-24", "dueTime": "18:00", "timezone": "Berlin"}, 400),
        ({"aiContactId": "x"}, 400),
        ({"aiContactId": NOBODY}, 404),
        ({"aiCustomerId": CONTACT}, 404),
        ({"newStatusName": "Pendiente"}, 400),
        ({"labels": []}, 400),
    ],
)
async def test_what_is_not_allowed_is_refused(
    call: Caller, simulator: Vambe, changed: dict[str, Any], status: int
) -> None:
    got = await call("POST", PATH, {**NEW, **changed})

    assert got.status == got.body["statusCode"] == status
    assert got.body["message"]
    assert simulator.tasks == {}


@pytest.mark.parametrize("name", list(NEW))
async def test_what_is_required_is_required(call: Caller, name: str) -> None:
    left = {key: value for key, value in NEW.items() if key != name}

    assert (await call("POST", PATH, left)).status == 400


async def test_a_body_must_be_json(call: Caller) -> None:
    assert (await call("POST", PATH, raw=b"{")).status == 400


async def test_a_lenient_organisation_needs_no_zone() -> None:
    simulator = Vambe(ManualClock(), "k3y", lenient=True)
    async with calling(simulator, {"x-api-key": "k3y"}) as call:
        got = await call("POST", PATH, {**NEW, "dueDate": "2026-11-24", "dueTime": "18:00"})

    assert (got.status, got.body["due_at"]) == (201, "2026-11-24T18:00:00.000Z")


async def test_a_change_is_partial_and_may_set_a_status(call: Caller) -> None:
    task_id = (await call("POST", PATH, {**NEW, "dueDate": "2026-11-24"})).body["id"]
    path = f"{PATH}/{task_id}"

    assert (await call("PUT", path, {"newStatusName": "Completado"})).body["status_config"][
        "type"
    ] == "done"
    assert (await call("PUT", path, {"newStatusPosition": 1})).body["status_config"]["order"] == 1
    assert (await call("PUT", path, {"newStatusName": "Terminado"})).status == 404
    both = {"newStatusName": "Completado", "newStatusPosition": 2}
    assert (await call("PUT", path, both)).status == 400
    assert (await call("PUT", path, {"dueTime": "18:00"})).status == 400
    assert (await call("PUT", path, {"responsibleIds": []})).status == 400
    got = await call("PUT", path, {"responsibleIds": [AMIR], "dueDate": None, "priority": "2"})
    assert got.body["task_responsibles"] == [{"responsible_id": AMIR}]
    assert (got.body["due_at"], got.body["priority"], got.body["title"]) == (None, 2, "Call back")
    assert (await call("DELETE", path)).body == {"status": "success"}
    assert (await call("DELETE", path)).status == 404
    assert (await call("PUT", f"{PATH}/x", {})).status == 400


async def test_lists_are_of_people_and_days(call: Caller) -> None:
    days = {"a": "2026-11-20", "b": "2026-11-24", "c": None}
    for title, day in days.items():
        await call("POST", PATH, {**NEW, "title": title, "dueDate": day})
    await call("POST", PATH, {**NEW, "title": "d", "responsibleIds": [AMIR]})

    async def titles(people: str, more: str = "") -> str:
        query = f"{people}&fromDate=2026-11-23&toDate=2026-11-24{more}"
        got = await call("GET", f"{PATH}?{query}")
        assert got.status == 200, got.body
        return "".join(task["title"] for task in got.body)

    assert await titles(f"responsibleIds={JANE}") == "bc"
    assert await titles(f"responsibleIds={JANE}&responsibleIds={AMIR}") == "bcd"
    assert await titles("responsibleIds=") == "bcd"
    assert await titles(f"responsibleIds={JANE}", "&includeTasksWithoutDates=false") == "b"
    for query in (
        "fromDate=2026-11-23&toDate=2026-11-24",
        "responsibleIds=&fromDate=x&toDate=y",
        "responsibleIds=&fromDate=2026-11-23&toDate=2026-11-24&page=2",
    ):
        assert (await call("GET", f"{PATH}?{query}")).status == 400


async def test_members_are_listed_and_a_key_is_needed(call: Caller) -> None:
    members = (await call("GET", "/api/public/team-members/all")).body

    assert members[0].keys() == {"id", "name", "first_name", "last_name", "email", "phone"}
    assert (await call("GET", "/api/public/team-members/all", x_api_key="no")).status == 401
