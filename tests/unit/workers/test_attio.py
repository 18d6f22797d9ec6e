"""What is special about Attio: one text, instants, and a workspace that must know what a task names."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.vendors import tasks
from tests.support.vendors.offices import OFFICES, config
from tests.support.vendors.visiting import visit
from workers.destinations import attio
from workers.destinations.outcome import Answer, Kind
from workers.destinations.request import BuildError, Change, Copy, Ids
from workers.sandbox.attio import JANE, PERSON

OFFICE = OFFICES["attio"]


def sent(task: dict[str, Any], change: Change = "create", **given: Any) -> dict[str, Any]:
    made = config("attio", **given)
    assert isinstance(made, attio.Config)
    request = attio.build(made, change, OFFICE.copy(task, external_id="t1"))
    assert request is not None
    data: dict[str, Any] = json.loads(request.body)["data"]
    return data


def test_all_six_keys_are_always_sent() -> None:
    assert sent(tasks.plain()).keys() == {
        *("content", "format", "deadline_at", "is_completed", "linked_records", "assignees")
    }


def test_title_and_description_are_one_text_with_the_marker_at_its_end() -> None:
    assert sent(tasks.full())["content"] == (
        "Fulfil order #1001\n\n3 items, 640.00 EUR\n\nFragile.\n\nhy:f4j4rg6cbxzu"
    )
    assert sent(tasks.plain())["content"] == "Call back\n\nhy:f4j4rg6cbxzu"


def test_a_text_is_cut_where_the_destination_says_and_the_marker_stays() -> None:
    long = tasks.full(description="ü" * 5000)

    for limit in (2000, 150):
        content = sent(long, content_limit=limit)["content"]
        assert len(content) == limit
        assert content.endswith("ü…\n\nhy:f4j4rg6cbxzu")
    assert len(sent(long, content_limit=None)["content"]) > 5000


@pytest.mark.parametrize(
    ("zone", "day", "instant"),
    [
        ("Europe/Berlin", "2026-11-24", "2026-11-23T23:00:00Z"),
        ("America/New_York", "2026-11-24", "2026-11-24T05:00:00Z"),
        ("UTC", "2026-11-24", "2026-11-24T00:00:00Z"),
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00:00Z"),
        (None, "2026-11-24", "2026-11-24T00:00:00Z"),
    ],
)
def test_a_day_is_due_at_its_start_in_the_zone_of_the_task(
    zone: str | None, day: str, instant: str
) -> None:
    """In Santiago there was no midnight that day: clocks went from 24:00 to 01:00."""
    task = tasks.all_day(timezone=zone, due_date=day)

    assert sent(task)["deadline_at"] == instant


def test_a_time_is_due_at_its_instant_and_no_date_is_null() -> None:
    assert sent(tasks.full())["deadline_at"] == "2026-11-24T17:00:00Z"
    assert sent(tasks.plain())["deadline_at"] is None


def test_a_date_that_cannot_be_read_names_the_rule() -> None:
    with pytest.raises(
        BuildError, match=r"`due_date` of rule `big order` \(rules/routes/shop"
    ) as e:
        sent(tasks.all_day(timezone="Nowhere/At_All"))

    assert e.value.code == "date"


def test_a_person_without_an_id_names_the_rule_the_person_and_the_destination() -> None:
    with pytest.raises(BuildError) as caught:
        sent(tasks.full(assignees=["jane", "kim"]))

    assert caught.value.code == "no-id"
    assert str(caught.value) == (
        "`assignees` of rule `big order` (rules/routes/shop.yaml:31): the person `kim` has no id at crm: "
        "add `ids: {crm: …}` to it in the directory"
    )


def test_a_task_of_nobody_needs_no_rule_to_be_told_of() -> None:
    task = tasks.full(assignees=["kim"], source={"rule": None, "at": None})

    with pytest.raises(BuildError, match=r"^`assignees`: the person `kim`"):
        sent(task)


def test_cancelled_counts_as_completed() -> None:
    full = tasks.full(assignees=[])

    assert sent(tasks.closed(full, "cancelled"), "update")["is_completed"] is True
    assert sent(full, "update")["is_completed"] is False


def test_an_update_holds_what_can_be_changed_and_nothing_else() -> None:
    data = sent(tasks.full(), "update", extra={"content": "new", "deadline_at": None})

    assert data.keys() == {"deadline_at", "is_completed", "linked_records", "assignees"}
    assert data["deadline_at"] is None


def test_links_of_other_vendors_are_left_out_where_the_destination_says_so() -> None:
    links = [{"object": "people", "id": PERSON}, {"object": "lead", "id": "ld_1"}]

    def slugs(**given: Any) -> list[str]:
        records = sent(tasks.full(links=links), **given)["linked_records"]
        return [each["target_object"] for each in records]

    assert slugs() == ["people", "lead"]
    assert slugs(objects=["people"]) == ["people"]
    assert slugs(objects=[]) == []


def test_extra_wins_over_what_was_mapped() -> None:
    by_address = [
        {"target_object": "people", "email_addresses": [{"email_address": "a@b.example"}]}
    ]
    written = [
        {
            "target_object": "people",
            "email_addresses": [{"email_address": "{{ task.contact.email }}"}],
        }
    ]

    data = sent(tasks.full(), extra={"linked_records": written})

    assert data["linked_records"] == by_address


def test_extra_that_cannot_be_rendered_is_a_final_failure() -> None:
    with pytest.raises(BuildError, match=r"extra\.content") as caught:
        sent(tasks.full(), extra={"content": "{{ task.custom.nothing }}"})

    assert caught.value.code == "template"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"base_url": "https://api.attio.com/v2"}, "scheme and host"),
        ({"content_limit": 10}, "greater than or equal"),
        ({"token": "Bearer abc"}, "no name of a secret"),
        ({"on_uncertain": "retry"}, "reconcile"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        config("attio", **given)


def test_only_a_template_that_shows_occurrences_counts() -> None:
    counting = config("attio", extra={"content": "{{ task.title }} ({{ task.occurrences }})"})

    assert attio.DESTINATION.counts(counting)
    assert not attio.DESTINATION.counts(config("attio"))


def test_without_a_marker_nothing_can_be_looked_for() -> None:
    assert (
        attio.find(attio.Config.model_validate({"token": "t"}), Copy(tasks.plain(), "k", ids=Ids()))
        is None
    )


def test_a_page_that_is_no_page_proves_nothing() -> None:
    copy = OFFICE.copy(tasks.plain())
    made = attio.Config.model_validate({"token": "t"})
    request = attio.find(made, copy)
    assert request is not None

    for body in (b'{"data": {}}', b'{"data": null}', b"[]"):
        assert not attio.read_found(made, copy, request, Answer(200, body=body)).complete


async def test_a_person_may_be_known_by_what_only_the_vendor_knows() -> None:
    """By `extra`, a record by its address and a member by theirs."""
    extra = {
        "linked_records": [
            {
                "target_object": "people",
                "email_addresses": [{"email_address": "{{ task.contact.email }}"}],
            }
        ],
        "assignees": [{"workspace_member_email_address": "jane@acme.example"}],
    }
    async with visit("attio", extra=extra) as there:
        await there.create(there.office.full())

        (task,) = there.simulator.tasks_now()
    assert task["linked_records"] == [{"target_object_id": "people", "target_record_id": PERSON}]
    assert task["assignees"][0]["referenced_actor_id"] == JANE


async def test_a_record_that_is_not_there_is_a_final_refusal() -> None:
    async with visit("attio") as there:
        task = there.office.full(links=[{"object": "peple", "id": PERSON}])
        outcome = await there.change("create", there.copy(task))

    assert (outcome.kind, outcome.status) == (Kind.REJECTED, 404)
    assert "peple" in outcome.message
