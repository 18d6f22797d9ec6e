"""What is special about Vambe: local dates, somebody responsible, statuses by name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.vendors import tasks
from tests.support.vendors.offices import OFFICES, config
from tests.support.vendors.visiting import visit
from workers.destinations import vambe
from workers.destinations.destination import Found
from workers.destinations.outcome import Answer, Kind
from workers.destinations.request import BuildError, Change, Ids
from workers.sandbox.vambe import AMIR, CONTACT, CUSTOMER, JANE
from workers.shown import FIELDS

OFFICE = OFFICES["vambe"]
NAMELESS = Ids(people=OFFICE.ids.people)


def settings(**given: Any) -> vambe.Config:
    made = config("vambe", **given)
    assert isinstance(made, vambe.Config)
    return made


def sent(
    task: dict[str, Any], change: Change = "create", ids: Ids = OFFICE.ids, **given: Any
) -> dict[str, Any]:
    request = vambe.build(settings(**given), change, tasks.copy_of(task, ids, external_id="t1"))
    assert request is not None
    body: dict[str, Any] = json.loads(request.body)
    return body


def dates(body: dict[str, Any]) -> dict[str, Any]:
    return {name: body[name] for name in ("dueDate", "dueTime", "timezone") if name in body}


def test_a_time_is_sent_as_it_is_on_the_clock_with_its_zone() -> None:
    assert dates(sent(tasks.full())) == {
        "dueDate": "2026-11-24",
        "dueTime": "18:00",
        "timezone": "Europe/Berlin",
    }
    assert dates(sent(tasks.full(timezone=None)))["timezone"] == "UTC"


def test_a_day_has_no_time_and_no_date_is_nothing() -> None:
    assert dates(sent(tasks.all_day())) == {"dueDate": "2026-11-24", "timezone": "Europe/Berlin"}
    assert dates(sent(OFFICE.plain())) == {}


def test_a_change_takes_away_what_is_no_longer_there() -> None:
    assert dates(sent(tasks.all_day(), "update"))["dueTime"] is None
    body = sent(OFFICE.plain(), "update")

    assert dates(body) == {"dueDate": None, "dueTime": None}
    assert (body["aiContactId"], body["aiCustomerId"]) == (None, None)


@pytest.mark.parametrize(
    ("priority", "number"), [("low", "0"), ("medium", "1"), ("high", "2"), (None, "1")]
)
def test_a_priority_is_a_number_in_a_text_and_medium_without_one(
    priority: str | None, number: str
) -> None:
    assert sent(tasks.full(priority=priority))["priority"] == number


def test_somebody_is_responsible_or_it_cannot_be() -> None:
    nobody = tasks.full(assignees=[])

    assert sent(tasks.full())["responsibleIds"] == [JANE, AMIR]
    assert sent(nobody, default_assignee="amir")["responsibleIds"] == [AMIR]
    with pytest.raises(BuildError, match=r"`assignees` of rule `big order`.* wants at least one"):
        sent(nobody)


def test_a_contact_and_a_customer_are_linked_each_by_its_first() -> None:
    links = [
        {"object": "people", "id": "elsewhere"},
        {"object": "Customers", "id": CUSTOMER},
        {"object": "contact", "id": CONTACT},
        {"object": "contact", "id": "another"},
    ]

    body = sent(tasks.full(links=links))

    assert (body["aiContactId"], body["aiCustomerId"]) == (CONTACT, CUSTOMER)


def test_an_open_task_says_its_status_if_it_has_a_name_there() -> None:
    full = tasks.full()

    assert sent(full, "update")["newStatusName"] == "Pendiente"
    assert "newStatusName" not in sent(full, "update", NAMELESS)
    assert "newStatusName" not in sent(full)
    assert "newStatusName" not in sent(tasks.closed(full), "update")
    doing = tasks.full(status="doing", status_kind="in_progress")
    with pytest.raises(BuildError, match=r"`status` of rule `big order`.* the status `doing`"):
        sent(doing, "update", NAMELESS)


@pytest.mark.parametrize("kind", ["done", "cancelled"])
def test_a_closing_sets_the_status_and_needs_its_name(kind: str) -> None:
    change: Change = "complete" if kind == "done" else "cancel"
    task = tasks.closed(tasks.full(), kind)

    assert sent(task, change) == {"newStatusName": "Completado"}
    with pytest.raises(BuildError, match=f"the status `{kind}` has no id at crm") as caught:
        sent(task, change, NAMELESS)
    assert caught.value.code == "no-id"


def test_what_a_request_does_not_say_is_named() -> None:
    def names(task: dict[str, Any], change: Change, ids: Ids = OFFICE.ids) -> set[str]:
        return set(vambe.omitted(settings(), change, tasks.copy_of(task, ids)))

    full, doing = tasks.full(), tasks.full(status="doing", status_kind="in_progress")
    assert names(full, "create") == set()
    assert names(doing, "create") == {"status"}
    assert names(full, "update") == set()
    assert names(full, "update", NAMELESS) == {"status"}
    assert names(tasks.closed(full), "update") == {"status"}
    assert names(tasks.closed(full), "complete") == {*FIELDS} - {"status"}
    assert names(full, "delete") == set()


@pytest.mark.parametrize(
    ("form", "query"),
    [
        ("repeat", f"responsibleIds={JANE}&responsibleIds={AMIR}&"),
        ("brackets", f"responsibleIds%5B%5D={JANE}&responsibleIds%5B%5D={AMIR}&"),
        ("comma", f"responsibleIds={JANE}%2C{AMIR}&"),
    ],
)
def test_lists_in_a_query_are_written_as_the_destination_says(form: str, query: str) -> None:
    request = vambe.find(settings(query_arrays=form), OFFICE.copy(tasks.full()))
    assert request is not None

    assert request.url.partition("?")[2].startswith(query)


def test_it_is_looked_for_around_the_day_it_is_due_else_the_day_it_was_made() -> None:
    def span(task: dict[str, Any], **given: Any) -> str:
        request = vambe.find(settings(**given), OFFICE.copy(task))
        assert request is not None
        return request.url.partition("&fromDate=")[2]

    assert span(tasks.full()).startswith("2026-11-22&toDate=2026-11-26&")
    assert span(OFFICE.plain()).startswith("2026-11-21&toDate=2026-11-25&")
    extra = {"dueDate": "2027-01-01T10:00:00Z"}
    assert span(tasks.full(), extra=extra).startswith("2026-12-30&toDate=2027-01-03&")
    assert span(tasks.full(), extra={"dueDate": "soon"}).startswith("2026-11-21")


def test_a_task_of_nobody_cannot_be_looked_for() -> None:
    assert vambe.find(settings(), OFFICE.copy(tasks.plain())) is None
    assert vambe.find(settings(extra={"responsibleIds": []}), OFFICE.copy(tasks.full())) is None


def test_a_list_without_descriptions_shows_nothing() -> None:
    copy = OFFICE.copy(tasks.full())
    request = vambe.find(settings(), copy)
    assert request is not None

    def found(listed: Any) -> Found:
        answer = Answer(200, body=json.dumps(listed).encode())
        return vambe.read_found(settings(), copy, request, answer)

    assert found([]) == Found(complete=True)
    assert found([{"id": "x"}]) == Found()
    assert found([{"id": "x", "description": None}]) == Found(complete=True)
    assert found({"data": []}) == Found()


def test_people_are_listed_whatever_their_names_are_called() -> None:
    lookup = vambe.directory(settings())[0]
    body = json.dumps(
        [
            {"id": JANE, "name": "Jane Roe", "email": "jane@acme.example"},
            {"id": AMIR, "first_name": "Amir", "last_name": "Haddad"},
            {"name": "Nobody"},
        ]
    )

    listed = vambe.read_directory(settings(), lookup, Answer(200, body=body.encode()))

    assert [(each.id, each.name, each.email) for each in listed.entries] == [
        (JANE, "Jane Roe", "jane@acme.example"),
        (AMIR, "Amir Haddad", None),
    ]


async def test_a_status_that_is_not_there_is_told_as_what_may_be_gone() -> None:
    async with visit("vambe") as there:
        external_id = await there.create(there.office.full())
        ids = Ids(people=there.office.ids.people, statuses={"done": "Terminado"})
        copy = tasks.copy_of(tasks.closed(there.office.full()), ids, external_id=external_id)

        outcome = await there.change("complete", copy)

    assert outcome.kind is Kind.GONE
    assert "Terminado" in outcome.message
    assert "its status" in outcome.message


async def test_a_date_can_be_taken_away() -> None:
    async with visit("vambe") as there:
        external_id = await there.create(there.office.full())
        copy = there.copy(there.office.plain(), external_id=external_id)

        assert (await there.change("update", copy)).kind is Kind.DELIVERED

        (task,) = there.simulator.tasks_now()
    assert (task["due_at"], task["ai_contact_id"]) == (None, None)
