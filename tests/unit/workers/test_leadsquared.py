"""What is special about LeadSquared: bodies that say more than statuses, UTC texts, one owner, half an update."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.vendors import tasks
from tests.support.vendors.offices import KEY, OFFICES, config
from tests.support.vendors.visiting import visit
from workers.destinations import leadsquared
from workers.destinations.destination import Found
from workers.destinations.outcome import Answer, Kind
from workers.destinations.request import BuildError, Change, Request
from workers.sandbox.leadsquared import AMIR, JANE, LEAD, OPPORTUNITY, LeadSquared
from workers.shown import FIELDS

OFFICE = OFFICES["leadsquared"]
DESTINATION = leadsquared.DESTINATION


def settings(**given: Any) -> leadsquared.Config:
    made = config("leadsquared", **given)
    assert isinstance(made, leadsquared.Config)
    return made


def built(task: dict[str, Any], change: Change = "create", **given: Any) -> Request:
    request = leadsquared.build(settings(**given), change, OFFICE.copy(task, external_id="t1"))
    assert request is not None
    return request


def sent(task: dict[str, Any], change: Change = "create", **given: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(built(task, change, **given).body)
    return body


@pytest.mark.parametrize(
    ("given", "due"),
    [
        ({}, "2026-11-24 08:00:00"),
        ({"all_day_time": "18:30"}, "2026-11-24 17:30:00"),
        ({"all_day_time": "7:00"}, "2026-11-24 06:00:00"),
    ],
)
def test_a_day_is_due_at_the_time_the_destination_says_in_the_zone_of_the_task(
    given: dict[str, Any], due: str
) -> None:
    assert sent(tasks.all_day(), **given)["DueDate"] == due


def test_a_task_that_is_due_ends_when_it_is_due_or_as_long_after_as_it_takes() -> None:
    """Without an end the vendor would take today, and a task of tomorrow would be over before it is due."""
    assert sent(tasks.full())["EndDate"] == "2026-11-24 17:30:00"
    assert sent(tasks.full(duration_minutes=None))["EndDate"] == "2026-11-24 17:00:00"
    assert not {"DueDate", "EndDate"} & sent(OFFICE.plain()).keys()


def test_fractions_of_seconds_are_left_out() -> None:
    task = tasks.full(due_at="2026-11-24T17:00:00.500Z")

    assert sent(task)["DueDate"] == "2026-11-24 17:00:00"


@pytest.mark.parametrize(
    ("links", "related"),
    [
        ([], (0, None)),
        ([{"object": "lead", "id": LEAD}], (1, LEAD)),
        ([{"object": "Leads", "id": LEAD}], (1, LEAD)),
        (
            [{"object": "people", "id": "x"}, {"object": "opportunities", "id": OPPORTUNITY}],
            (5, OPPORTUNITY),
        ),
        (
            [{"object": "opportunity", "id": OPPORTUNITY}, {"object": "lead", "id": LEAD}],
            (5, OPPORTUNITY),
        ),
    ],
)
def test_the_first_link_that_has_a_word_there_is_what_the_task_relates_to(
    links: list[dict[str, str]], related: tuple[int, str | None]
) -> None:
    body = sent(tasks.full(links=links))

    assert (body["RelatedEntity"], body.get("RelatedEntityId")) == related


@pytest.mark.parametrize(
    ("reminder", "fields"),
    [
        (None, {}),
        ({"days_before": 2}, {"ReminderBeforeDays": "2"}),
        ({"time": "08:15"}, {"ReminderBeforeDays": "0", "ReminderTime": "08:15:00"}),
        ({"notify": "none"}, {"ReminderBeforeDays": "0", "NotifyBy": "1000"}),
        (
            {"days_before": 1, "time": "10:00", "notify": "email"},
            {"ReminderBeforeDays": "1", "ReminderTime": "10:00:00", "NotifyBy": "1100"},
        ),
    ],
)
def test_a_reminder_goes_out_as_it_is(
    reminder: dict[str, Any] | None, fields: dict[str, str]
) -> None:
    body = sent(tasks.full(reminder=reminder))

    names = ("ReminderBeforeDays", "ReminderTime", "NotifyBy")
    assert {name: body[name] for name in names if name in body} == fields


def test_the_first_assignee_is_the_owner_else_the_default_else_it_cannot_be() -> None:
    nobody = tasks.full(assignees=[])

    assert sent(tasks.full(assignees=["amir", "jane"]))["OwnerId"] == AMIR
    assert sent(nobody, default_assignee="jane")["OwnerId"] == JANE
    with pytest.raises(
        BuildError, match=r"`assignees` of rule `big order`.* at least one"
    ) as caught:
        sent(nobody)
    assert caught.value.code == "missing"
    with pytest.raises(BuildError, match="`kim` has no id at crm"):
        sent(nobody, default_assignee="kim")


def test_a_type_is_called_what_the_destination_says() -> None:
    assert sent(tasks.full(type="call"))["TaskType"] == {"Name": "Phone Call"}
    assert sent(tasks.full(type="meeting"))["TaskType"] == {"Name": "Follow up"}
    assert sent(tasks.full(type=None))["TaskType"] == {"Name": "Follow up"}


def test_only_custom_fields_of_the_vendors_own_names_are_sent() -> None:
    task = tasks.full(custom={"mx_Custom_2": True, "order_total": "640.00", "cf_a": 1})

    assert sent(task)["CustomFields"] == {"mx_Custom_2": True}
    assert "CustomFields" not in sent(tasks.full(custom={"order_total": "1"}))


def test_an_update_holds_what_the_vendor_says_that_it_takes() -> None:
    body = sent(tasks.full(), "update", extra={"Location": "Berlin", "Name": "X"})

    assert body.keys() == {
        *("UserTaskId", "Name", "Description", "RelatedEntity", "OwnerId", "DueDate", "NotifyBy")
    }
    assert (body["UserTaskId"], body["Name"]) == ("t1", "X")
    assert sent(tasks.full(), extra={"Location": "Berlin"})["Location"] == "Berlin"


def test_what_an_update_cannot_say_is_named() -> None:
    def names(task: dict[str, Any], change: Change = "update") -> set[str]:
        return set(DESTINATION.omitted(settings(), change, OFFICE.copy(task)))

    always = {"type", "duration_minutes", "reminder", "custom", "status"}
    assert names(tasks.full()) == always
    assert names(tasks.plain()) == always | {"due_at"}
    assert names(tasks.full(), "complete") == {*FIELDS} - {"status"}
    assert names(tasks.full(), "create") == set()


@pytest.mark.parametrize(
    ("call", "method", "url"),
    [
        ("MarkComplete", "GET", "/v2/Task.svc/MarkComplete?id=t1"),
        ("MarkAsComplete", "POST", "/v2/Task.svc/MarkAsComplete?taskId=t1"),
    ],
)
def test_the_call_that_completes_is_the_one_that_is_set(call: str, method: str, url: str) -> None:
    request = built(tasks.closed(tasks.full()), "complete", complete_call=call)

    assert (request.method, request.url) == (method, f"https://api-in21.leadsquared.com{url}")


@pytest.mark.parametrize("change", ["cancel", "delete"])
def test_there_is_no_call_for_the_rest(change: Change) -> None:
    assert leadsquared.build(settings(), change, OFFICE.copy(tasks.full())) is None


def test_the_keys_are_sent_where_the_destination_says_and_named_either_way() -> None:
    in_headers, in_query = built(tasks.full()), built(tasks.full(), keys_in="query")

    assert in_headers.secret_headers == {
        "x-LSQ-AccessKey": ("", "lsq_access"),
        "x-LSQ-SecretKey": ("", "lsq_secret"),
    }
    assert in_headers.secret_query == {}
    assert in_query.secret_headers == {}
    assert in_query.secret_query == {"accessKey": "lsq_access", "secretKey": "lsq_secret"}
    assert in_headers.body == in_query.body
    assert DESTINATION.secrets(settings()) == {"lsq_access", "lsq_secret"}


async def test_keys_in_the_query_are_taken_and_shown_nowhere(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with visit("leadsquared", keys_in="query") as there:
        await there.create(there.office.full())
        there.keys.value = "n0tTheRightOne"
        outcome = await there.change("create", there.copy(there.office.full()))

    assert outcome.kind is Kind.AUTH
    assert "n0tTheRightOne" not in repr(outcome)
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"task_type": ""}, "at least 1"),
        ({"all_day_time": "noon"}, "such as 17:00"),
        ({"on_delete": "delete"}, "leave"),
        ({"keys_in": "body"}, "headers"),
        ({"base_url": "https://api.leadsquared.com/v2"}, "scheme and host"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        config("leadsquared", **given)


def test_without_the_type_of_tasks_there_is_no_destination() -> None:
    written = {"access_key": "a", "secret_key": "b"}

    with pytest.raises(ValidationError, match="task_type"):
        leadsquared.Config.model_validate(written)


def asked(request: Request) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(request.body)
    return body


def test_the_owner_is_asked_for_the_days_around_the_one_it_is_due_on() -> None:
    request = leadsquared.find(settings(), OFFICE.copy(tasks.full(links=[])))
    assert request is not None

    assert request.url.endswith("/v2/Task.svc/RetrieveToDos/ByUserId")
    assert (asked(request)["FromDate"], asked(request)["ToDate"]) == (
        "2026-11-22 17:00:00",
        "2026-11-26 17:00:00",
    )
    assert asked(request)["Users"] == [JANE]


def test_without_a_date_the_range_is_as_long_as_the_vendor_allows() -> None:
    request = leadsquared.find(settings(), OFFICE.copy(OFFICE.plain()))
    assert request is not None
    start, end = (datetime.fromisoformat(asked(request)[name]) for name in ("FromDate", "ToDate"))

    assert (start.isoformat(" "), (end - start).days) == ("2026-11-22 09:00:00", 99)


def test_a_copy_that_is_somebodys_by_other_means_cannot_be_looked_for() -> None:
    given = settings(extra={"OwnerId": None, "OwnerEmailAddress": "jane@acme.example"})

    assert leadsquared.find(given, OFFICE.copy(tasks.full(links=[]))) is None


def test_a_task_that_cannot_be_made_cannot_be_looked_for() -> None:
    assert leadsquared.find(settings(), OFFICE.copy(tasks.plain(assignees=["kim"]))) is None


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"RecordCount": 0, "List": []}, Found(complete=True)),
        ({"RecordCount": 3, "List": []}, Found(complete=True)),
        ({"RecordCount": 101, "List": []}, Found()),
        ({"List": []}, Found()),
        ({"RecordCount": True, "List": []}, Found()),
        ({"RecordCount": 1, "TaskList": []}, Found()),
    ],
)
def test_a_page_counts_as_far_as_it_says_how_much_there_is(
    body: dict[str, Any], found: Found
) -> None:
    copy = OFFICE.copy(OFFICE.plain())
    request = leadsquared.find(settings(), copy)
    assert request is not None

    answer = Answer(200, body=json.dumps(body).encode())

    assert leadsquared.read_found(settings(), copy, request, answer) == found


def test_a_leads_tasks_count_if_all_of_them_are_there() -> None:
    copy = OFFICE.copy(OFFICE.full())
    request = leadsquared.find(settings(), copy)
    assert request is not None
    body = {"RecordCount": 2, "TaskList": [{"TaskID": "x", "Description": copy.marker}]}

    answer = Answer(200, body=json.dumps(body).encode())

    assert leadsquared.read_found(settings(), copy, request, answer) == Found(("x",))


async def test_the_types_of_tasks_are_listed() -> None:
    async with visit("leadsquared") as there:
        listed = await there.listed()

    assert [entry.name for entry in listed["task_types"]] == ["Follow up", "Phone Call"]


@pytest.mark.parametrize("errors", ["http", "ok"])
async def test_a_refusal_is_one_whatever_its_status(errors: Any) -> None:
    """Some accounts answer errors with 200; an adapter that trusts statuses would lose the task."""
    async with visit("leadsquared", task_type="Nothing like it", task_types={}) as there:
        there.simulator._errors = errors  # type: ignore[attr-defined]  # an account's own

        outcome = await there.change("create", there.copy(there.office.full()))

        assert (outcome.kind, outcome.code) == (Kind.REJECTED, "rejected")
        assert "There is no task type" in outcome.message


@pytest.mark.parametrize("errors", ["http", "ok"])
async def test_too_many_calls_are_told_whatever_the_status(errors: Any) -> None:
    async with visit("leadsquared") as there:
        there.simulator._errors = errors  # type: ignore[attr-defined]  # an account's own
        copy = there.copy(there.office.full())
        kinds = [(await there.change("create", copy)).kind for _ in range(11)]

        assert kinds == [Kind.DELIVERED] * 10 + [Kind.RATE_LIMITED]


async def test_the_wrong_region_is_told_and_not_followed() -> None:
    async with visit("leadsquared") as there:
        assert isinstance(there.simulator, LeadSquared)
        there.simulator._home = "api-us11.leadsquared.com"
        assert there.kind.check is not None
        request = there.kind.check(there.config)
        assert request is not None

        outcome = await there.send("look", request)

        assert outcome.kind is Kind.AUTH
        assert "api-us11.leadsquared.com" in outcome.message
        assert len(there.simulator.calls) == 1


async def test_a_copy_that_others_wrote_over_is_found_by_what_was_sent() -> None:
    async with visit("leadsquared") as there:
        task = there.office.full()
        external_id = await there.create(task)
        request = there.kind.build(there.config, "create", there.copy(task))
        unlinked = replace(there.copy(there.office.full(links=[])), sent=request)

        assert (await there.find(unlinked)).ids == (external_id,)
