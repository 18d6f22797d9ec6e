"""The simulator of LeadSquared is as strict as what is published of it, and as odd as what others have seen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.manual_clock import ManualClock
from tests.support.vendors.calling import Caller, calling
from workers.sandbox.leadsquared import AMIR, JANE, KIM, LEAD, OPPORTUNITY, LeadSquared

NEW: dict[str, Any] = {"Name": "Call back", "TaskType": {"Name": "Follow up"}, "OwnerId": JANE}
PROOF = {"x-LSQ-AccessKey": "access", "x-LSQ-SecretKey": "secret"}
CREATE = "/v2/Task.svc/Create"
BY_USER = "/v2/Task.svc/RetrieveToDos/ByUserId"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def simulator(clock: ManualClock) -> LeadSquared:
    return LeadSquared(clock, "access", "secret", rate="1000/s")


@pytest.fixture
async def call(simulator: LeadSquared) -> AsyncIterator[Caller]:
    async with calling(simulator, PROOF) as caller:
        yield caller


async def made(call: Caller, **changed: Any) -> str:
    got = await call("POST", CREATE, {**NEW, **changed})
    assert (got.status, got.body["Status"]) == (200, "Success")
    return str(got.body["Message"]["Id"])


async def test_a_task_is_answered_with_its_id_and_shown_as_published(call: Caller) -> None:
    task_id = await made(
        call,
        DueDate="2026-11-24 17:00:00",
        EndDate="2026-11-24 17:30:00",
        RelatedEntity=1,
        RelatedEntityId=LEAD,
        CustomFields={"mx_Custom_1": "x"},
    )

    (task,) = (await call("GET", f"/v2/Task.svc/Retrieve.GetById?id={task_id}")).body
    assert (task["DueDate"], task["StatusCode"], task["OwnerId"]) == (
        "2026-11-24 17:00:00.000",
        0,
        JANE,
    )
    assert task["CompletedOn"] == "0001-01-01 00:00:00.000"
    assert (await call("GET", "/v2/Task.svc/Retrieve.GetById?id=none")).body == []


async def test_without_dates_a_task_is_of_today(call: Caller, simulator: LeadSquared) -> None:
    task_id = await made(call, OwnerId=None, OwnerEmailAddress="amir@acme.example")

    task = simulator.tasks[task_id]
    assert (task["DueDate"], task["EndDate"]) == ("2026-11-23 09:12:45.000",) * 2
    assert task["OwnerId"] == AMIR


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"Name": None}, "MXInvalidInputException"),
        ({"Name": ""}, "MXInvalidInputException"),
        ({"TaskType": {"Name": "Nothing like it"}}, "MXInvalidInputException"),
        ({"TaskType": "Follow up"}, "MXInvalidInputException"),
        ({"OwnerId": None}, "MXMandatoryFieldMissingException"),
        ({"OwnerEmailAddress": "jane@acme.example"}, "MXMandatoryFieldMissingException"),
        ({"OwnerId": KIM}, "MXInvalidInputException"),
        ({"OwnerId": "nobody"}, "MXInvalidInputException"),
        ({"RelatedEntity": 2}, "MXInvalidInputException"),
        ({"RelatedEntity": 1}, "MXInvalidInputException"),
        ({"RelatedEntity": 1, "RelatedEntityId": OPPORTUNITY}, "MXInvalidInputException"),
        ({"RelatedEntityId": LEAD}, "MXInvalidInputException"),
        ({"DueDate": "2026-11-24T17:00:00Z"}, "MXInvalidInputException"),
        ({"DueDate": "2026-11-24"}, "MXInvalidInputException"),
        ({"DueDate": "2026-11-24 9:00:00"}, "MXInvalidInputException"),
        (
            {"DueDate": "2026-11-24 17:00:00", "EndDate": "2026-11-24 16:00:00"},
            "MXInvalidInputException",
        ),
        ({"NotifyBy": "1"}, "MXInvalidInputException"),
        ({"ReminderBeforeDays": 1}, "MXInvalidInputException"),
        ({"ReminderTime": "10:00"}, "MXInvalidInputException"),
        ({"CustomFields": {"order_total": "1"}}, "MXInvalidInputException"),
        ({"Priority": "high"}, "MXInvalidInputException"),
    ],
)
async def test_what_is_not_allowed_is_a_500_with_an_exception(
    call: Caller, simulator: LeadSquared, changed: dict[str, Any], kind: str
) -> None:
    got = await call("POST", CREATE, {**NEW, **changed})

    assert (got.status, got.body["Status"], got.body["ExceptionType"]) == (500, "Error", kind)
    assert simulator.tasks == {}


@pytest.mark.parametrize("name", ["Name", "TaskType"])
async def test_what_is_missing_is_named(call: Caller, name: str) -> None:
    got = await call("POST", CREATE, {key: NEW[key] for key in NEW if key != name})

    assert got.body["ExceptionType"] == "MXMandatoryFieldMissingException"
    assert name in got.body["ExceptionMessage"]


async def test_a_body_must_be_json(call: Caller) -> None:
    assert (await call("POST", CREATE, raw=b"{")).status == 400
    assert (await call("POST", CREATE, NEW, Content_Type="text/plain")).status == 400


async def test_in_some_accounts_an_error_is_a_200(clock: ManualClock) -> None:
    simulator = LeadSquared(clock, "access", "secret", errors="ok", rate="1/5s")
    async with calling(simulator, PROOF) as call:
        refused = await call("POST", CREATE, {})
        throttled = await call("POST", CREATE, NEW)

    assert (refused.status, refused.body["Status"]) == (200, "Error")
    assert (throttled.status, throttled.body["ExceptionType"]) == (
        200,
        "MXAPIRateLimitExceededException",
    )


async def test_an_update_changes_some_fields_and_completes_nothing(
    call: Caller, simulator: LeadSquared
) -> None:
    task_id = await made(call)
    path = "/v2/Task.svc/Update"

    got = await call(
        "POST", path, {"UserTaskId": task_id, "Name": "New", "DueDate": "2026-12-01 09:00:00"}
    )

    assert got.body == {"Status": "Success", "Message": {"AffectedRows": 1}}
    task = simulator.tasks[task_id]
    assert (task["Name"], task["DueDate"], task["OwnerId"]) == (
        "New",
        "2026-12-01 09:00:00.000",
        JANE,
    )
    for wrong in ({"StatusCode": 1}, {"EndDate": "2026-12-01 09:00:00"}, {"UserTaskId": "none"}):
        assert (await call("POST", path, {"UserTaskId": task_id, **wrong})).status == 500
    await call("GET", f"/v2/Task.svc/MarkComplete?id={task_id}")
    assert simulator.tasks[task_id]["StatusCode"] == 1
    assert (await call("GET", "/v2/Task.svc/MarkComplete?id=none")).status == 500


async def test_to_dos_are_listed_by_owner_and_day_in_pages(call: Caller) -> None:
    for number in range(3):
        await made(call, Name=str(number), DueDate=f"2026-11-2{number} 12:00:00")
    await made(call, OwnerId=AMIR, DueDate="2026-11-21 12:00:00")

    async def names(start: str, end: str, page: int = 1, **changed: Any) -> tuple[int, str]:
        body = {
            "FromDate": f"{start} 00:00:00",
            "ToDate": f"{end} 00:00:00",
            "Users": [JANE],
            "Paging": {"PageIndex": page, "PageSize": 2},
            **changed,
        }
        got = await call("POST", BY_USER, body)
        assert got.status == 200, got.body
        return got.body["RecordCount"], "".join(task["Name"] for task in got.body["List"])

    assert await names("2026-11-01", "2026-12-01") == (3, "01")
    assert await names("2026-11-01", "2026-12-01", 2) == (3, "2")
    assert await names("2026-11-21", "2026-11-22") == (1, "1")
    for start, end in (("2026-11-01", "2027-11-01"), ("2026-12-01", "2026-11-01")):
        with pytest.raises(AssertionError, match="100 days"):
            await names(start, end)


async def test_the_tasks_of_a_lead_the_types_and_the_users_are_listed(call: Caller) -> None:
    task_id = await made(call, RelatedEntity=1, RelatedEntityId=LEAD)
    await made(call)

    got = await call("GET", f"/v2/LeadManagement.svc/RetrieveTaskByLeadId?leadId={LEAD}")
    assert got.body["RecordCount"] == 1
    assert got.body["TaskList"][0]["TaskID"] == task_id
    path = "/v2/Task.svc/RetrieveTaskType"
    assert len((await call("GET", f"{path}?ColumnName=Category&ColumnValue=1")).body) == 2
    (one,) = (await call("GET", f"{path}?ColumnName=TaskTypeName&ColumnValue=Follow up")).body
    assert one["Name"] == "Follow up"
    assert (await call("GET", f"{path}?ColumnName=Colour&ColumnValue=red")).status == 500
    users = (await call("GET", "/v2/UserManagement.svc/Users.Get")).body
    assert [user["StatusCode"] for user in users] == [0, 0, 1]


async def test_both_keys_are_needed_in_headers_or_in_the_query(simulator: LeadSquared) -> None:
    path = "/v2/UserManagement.svc/Users.Get"
    async with calling(simulator, {}) as call:
        assert (await call("GET", path)).status == 401
        assert (await call("GET", f"{path}?accessKey=access&secretKey=secret")).status == 200
        assert (await call("GET", f"{path}?accessKey=access&secretKey=other")).status == 401
        assert (
            await call("GET", f"{path}?accessKey=access", x_LSQ_SecretKey="secret")
        ).status == 401


async def test_another_region_is_refused_with_the_right_host(clock: ManualClock) -> None:
    simulator = LeadSquared(clock, "access", "secret", home="api-us11.leadsquared.com")
    async with calling(simulator, PROOF) as call:
        got = await call("POST", CREATE, NEW)

    assert got.status == 401
    assert "api-us11.leadsquared.com" in got.body["ExceptionMessage"]


async def test_10_calls_in_5_seconds(clock: ManualClock) -> None:
    simulator = LeadSquared(clock, "access", "secret")
    async with calling(simulator, PROOF) as call:
        for _ in range(10):
            await made(call)
        got = await call("POST", CREATE, NEW)
        assert (got.status, "Retry-After" in got.headers) == (429, False)
        assert got.body["ExceptionMessage"].startswith("API calls exceeded the limit of 10 in 5")
        clock.forward(5000)
        await made(call)
