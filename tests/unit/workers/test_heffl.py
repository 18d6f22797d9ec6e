"""What is special about Heffl: fixed words, ids for everything, dates that cannot be taken away."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.vendors import tasks
from tests.support.vendors.offices import OFFICES, config
from tests.support.vendors.visiting import visit
from workers.destinations import heffl
from workers.destinations.destination import Found
from workers.destinations.outcome import Answer, Kind
from workers.destinations.request import BuildError, Change, Ids

OFFICE = OFFICES["heffl"]


def settings(**given: Any) -> heffl.Config:
    made = config("heffl", **given)
    assert isinstance(made, heffl.Config)
    return made


def sent(
    task: dict[str, Any], change: Change = "create", ids: Ids | None = None, **given: Any
) -> dict[str, Any]:
    copy = tasks.copy_of(task, ids or OFFICE.ids, external_id="t1")
    request = heffl.build(settings(**given), change, copy)
    assert request is not None
    body: dict[str, Any] = json.loads(request.body)
    return body


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("initial", "OPEN"),
        ("in_progress", "IN_PROGRESS"),
        ("done", "COMPLETED"),
        ("cancelled", "CANCELLED"),
    ],
)
@pytest.mark.parametrize("change", ["create", "update"])
def test_a_status_is_what_its_kind_is_called_there(kind: str, word: str, change: Any) -> None:
    assert sent(tasks.full(status="any", status_kind=kind), change)["status"] == word


def test_a_status_with_an_id_is_called_that() -> None:
    ids = Ids(
        people=OFFICE.ids.people,
        labels=OFFICE.ids.labels,
        projects=OFFICE.ids.projects,
        statuses={"waiting": "ON_HOLD"},
    )

    assert (
        sent(tasks.full(status="waiting", status_kind="in_progress"), ids=ids)["status"]
        == "ON_HOLD"
    )


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("call", "call"),
        ("Meeting", "meeting"),
        ("visit", "meeting"),
        ("odd", "todo"),
        (None, "todo"),
    ],
)
def test_a_type_is_its_own_what_the_destination_says_or_a_todo(name: str | None, word: str) -> None:
    assert sent(tasks.full(type=name), task_types={"visit": "meeting"})["type"] == word


@pytest.mark.parametrize(("name", "word"), [("low", "LOW"), ("medium", "MEDIUM"), ("high", "HIGH")])
def test_a_priority_is_written_in_capitals(name: str, word: str) -> None:
    assert sent(tasks.full(priority=name))["priority"] == word
    assert "priority" not in sent(tasks.plain())
    assert sent(tasks.plain(), "update")["priority"] is None


def test_a_day_is_due_without_showing_a_time() -> None:
    body = sent(tasks.all_day())

    assert (body["dueDate"], body["showTime"]) == ("2026-11-23T23:00:00Z", False)
    assert sent(tasks.all_day(), all_day_time="12:00")["dueDate"] == "2026-11-24T11:00:00Z"
    assert sent(tasks.full())["showTime"] is True
    assert sent(tasks.plain())["showTime"] is False


@pytest.mark.parametrize(
    ("links", "entity"),
    [
        ([], ("projects", "prj_1")),
        ([{"object": "people", "id": "x"}], ("projects", "prj_1")),
        ([{"object": "Lead", "id": "ld_1"}], ("leads", "ld_1")),
        ([{"object": "deals", "id": "dl_1"}, {"object": "lead", "id": "ld_1"}], ("deals", "dl_1")),
        ([{"object": "project", "id": "prj_9"}], ("projects", "prj_9")),
    ],
)
def test_a_task_is_about_its_first_link_else_its_project(
    links: list[dict[str, str]], entity: tuple[str, str]
) -> None:
    body = sent(tasks.full(links=links))

    assert (body["entity"], body["entityId"]) == entity


def test_a_task_without_either_is_about_nothing() -> None:
    assert not {"entity", "entityId"} & sent(tasks.plain()).keys()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"labels": ["shopify", "urgent"]}, r"`labels` of rule `big order`.* the label `urgent`"),
        ({"project": "acme/web"}, r"`project` of rule `big order`.* the project `acme/web`"),
        ({"assignees": ["kim"]}, r"`assignees` of rule `big order`.* the person `kim`"),
    ],
)
def test_a_name_without_an_id_is_named_with_its_rule(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(BuildError, match=says) as caught:
        sent(tasks.full(**changed))

    assert caught.value.code == "no-id"


def test_only_custom_fields_of_the_vendors_own_names_are_sent() -> None:
    body = sent(tasks.full(custom={"cf_total": "1", "order_total": "2", "mx_Custom_1": "3"}))

    assert {name for name in body if "_" in name} == {"cf_total"}


def test_what_cannot_be_taken_away_is_named() -> None:
    def names(task: dict[str, Any], change: Change = "update") -> set[str]:
        return set(heffl.omitted(settings(), change, OFFICE.copy(task)))

    assert names(tasks.plain()) == {"start_at", "due_at", "duration_minutes", "links", "project"}
    assert names(tasks.full(start_at=None)) == {"start_at"}
    assert names(tasks.plain(), "create") == set()


def test_extra_wins_over_what_was_mapped() -> None:
    body = sent(tasks.full(), extra={"status": "ON_HOLD", "cf_ref": "{{ task.number }}"})

    assert (body["status"], body["cf_ref"]) == ("ON_HOLD", 1042)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"task_types": {"visit": "Meeting"}}, "meeting"),
        ({"all_day_time": "25:00"}, "such as 17:00|no such time"),
        ({"base_url": "https://api.heffl.com/api/v2"}, "scheme and host"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        config("heffl", **given)


def page(tasks_there: list[dict[str, Any]], **meta: Any) -> Answer:
    return Answer(200, body=json.dumps({"data": tasks_there, "meta": meta}).encode())


def test_a_list_without_descriptions_shows_nothing() -> None:
    copy = OFFICE.copy(tasks.plain())
    request = heffl.find(settings(), copy)
    assert request is not None
    bare = {"id": "tsk_1", "createdAt": "2020-01-01T00:00:00Z"}

    def found(answer: Answer) -> Found:
        return heffl.read_found(settings(), copy, request, answer)

    assert found(page([bare], hasMore=False)) == Found()
    assert found(page([bare, {**bare, "description": None}], hasMore=False)).complete
    assert found(page([], hasMore=False)) == Found(complete=True)
    assert found(page([])) == Found()


def test_pages_follow_each_other_by_their_cursors() -> None:
    copy = OFFICE.copy(tasks.plain())
    request = heffl.find(settings(), copy)
    assert request is not None
    there = [{"id": "tsk_1", "description": "x", "createdAt": "2026-11-23T09:30:00Z"}]

    first = heffl.read_found(settings(), copy, request, page(there, nextCursor="a/b", hasMore=True))
    assert first.next is not None
    assert first.next.url == f"{request.url}&cursor=a%2Fb"
    second = heffl.read_found(
        settings(), copy, first.next, page(there, nextCursor="c", hasMore=True)
    )
    assert second.next is not None
    assert second.next.url == f"{request.url}&cursor=c"


async def test_tags_of_tasks_and_projects_are_listed() -> None:
    async with visit("heffl") as there:
        listed = await there.listed()

    assert [entry.name for entry in listed["labels"]] == ["shopify", "urgent"]
    assert [(entry.id, entry.name) for entry in listed["projects"]] == [("prj_1", "Support")]


async def test_a_refusal_says_which_field_of_the_task() -> None:
    async with visit("heffl") as there:
        task = there.office.full(custom={"cf_paid": "yes"})
        outcome = await there.change("create", there.copy(task))

    assert outcome.kind is Kind.REJECTED
    assert "(about `custom` of the task)" in outcome.message


async def test_a_change_that_takes_something_away_takes_what_it_can() -> None:
    async with visit("heffl") as there:
        external_id = await there.create(there.office.full())
        copy = there.copy(there.office.plain(), external_id=external_id)

        assert (await there.change("update", copy)).kind is Kind.DELIVERED

        (task,) = there.simulator.tasks_now()
    assert (task["priority"], task["tagIds"], task["type"]) == (None, [], "todo")
    assert task["dueDate"] == "2026-11-24T17:00:00Z"
    assert "due_at" in there.kind.omitted(there.config, "update", copy)
