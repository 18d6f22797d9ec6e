"""What is special about todo.vu: its payload is what the operator says, and nothing can be asked or changed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from router.cli.catalogues import catalogues
from rules.loader import load_texts
from tests.support.vendors import tasks
from tests.support.vendors.offices import OFFICES, config
from tests.support.vendors.visiting import visit
from workers.destinations import todovu
from workers.destinations.outcome import Kind
from workers.destinations.request import BuildError, Request

OFFICE = OFFICES["todovu"]
DESTINATION = todovu.DESTINATION


def built(task: dict[str, Any], **given: Any) -> Request:
    made = config("todovu", **given)
    assert isinstance(made, todovu.Config)
    request = todovu.build(made, "create", OFFICE.copy(task))
    assert request is not None
    return request


def sent(task: dict[str, Any], **given: Any) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(built(task, **given).body)
    return payload


def test_the_payload_is_what_the_operator_calls_it() -> None:
    fields = {"name": "{{ task.title }}", "meta": {"ref": "{{ task.number }}"}, "source": "shop"}

    assert sent(tasks.full(), fields=fields, extra={"source": "hookyard", "number": 7}) == {
        "name": "Fulfil order #1001",
        "meta": {"ref": 1042},
        "source": "hookyard",
        "number": 7,
    }


def test_a_field_that_is_null_is_left_out() -> None:
    fields = {"due": "{{ task.due_date }}", "text": "{{ task.description }}", "empty": ""}

    assert sent(tasks.plain(), fields=fields) == {"empty": ""}


def test_templates_see_the_ids_of_names() -> None:
    fields = {
        "a": "{{ task.label_ids }}",
        "b": "{{ task.assignee_ids | first }}",
        "c": "{{ task.follower_ids | join(',') }}",
        "d": "{{ task.labels }}",
    }

    assert sent(tasks.full(), fields=fields) == {
        "a": ["7"],
        "b": "11",
        "c": "12",
        "d": ["shopify"],
    }
    assert DESTINATION.demands(config("todovu", fields=fields)).ids == {
        *("labels", "assignees", "followers")
    }


def test_a_name_that_no_task_has_is_the_only_problem_beside_ids() -> None:
    text = """\
destinations:
  support:
    type: todovu
    url: https://acme.todo.vu/connectors/1/tasks
    key: todovu_key
    fields: {title: "{{ task.titel }}{{ task.label_ids }}", labels: "{{ task.label_ids }}"}
    extra: {labels: "{{ task.label_ids }}"}
"""
    loaded = load_texts({"a.yaml": text}, catalogues())

    assert [f"{one.span.line} {one.message}" for one in loaded.problems] == [
        "6 there is no `task.titel`",
        "7 there is no `task.label_ids`",
    ]


def test_a_name_without_an_id_matters_only_where_ids_are_sent() -> None:
    task = tasks.full(labels=["urgent"])

    assert sent(task, fields={"labels": "{{ task.labels | join(', ') }}"}) == {"labels": "urgent"}
    with pytest.raises(BuildError, match=r"`labels` of rule `big order`.* the label `urgent`"):
        sent(task, fields={"labels": "{{ task.label_ids }}"})
    assert DESTINATION.demands(config("todovu", fields={"a": "{{ task.labels }}"})).ids == set()


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("Bearer {key}", ("Bearer ", "todovu_key", "")),
        ("{key}", ("", "todovu_key", "")),
        ('Token token="{key}"', ('Token token="', "todovu_key", '"')),
    ],
)
def test_the_key_goes_where_the_operator_says(written: str, parts: tuple[str, ...]) -> None:
    assert built(tasks.full(), authorization=written).secret_headers == {"Authorization": parts}


@pytest.mark.parametrize("change", ["update", "complete", "cancel", "delete"])
def test_nothing_but_a_creation_is_sent(change: Any) -> None:
    assert DESTINATION.build(config("todovu"), change, OFFICE.copy(tasks.full())) is None
    assert DESTINATION.changes == {"create"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"url": "acme.todo.vu/connectors/1"}, "Code tab"),
        ({"url": "https://user:key@acme.todo.vu/"}, "Code tab"),
        ({"url": "https://acme.todo.vu:x/"}, "Code tab"),
        ({"url": "https://acme.todo.vu/a b"}, "Code tab"),
        ({"authorization": "Bearer"}, "such as Bearer"),
        ({"authorization": "{key} {key}"}, "such as Bearer"),
        ({"authorization": "Bearer {key}\n"}, "such as Bearer"),
        ({"fields": {}}, "at least 1"),
        ({"fields": {"a": "{{ body.x }}"}}, "body"),
        ({"id_at": "a..b"}, "no path"),
        ({"on_uncertain": "reconcile"}, "hold"),
        ({"on_delete": "delete"}, "leave"),
        ({"base_url": "https://todo.vu"}, "Extra inputs"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        config("todovu", **given)


def test_a_creation_that_may_have_worked_is_held_unless_doubles_are_fine() -> None:
    assert DESTINATION.on_uncertain(config("todovu")) == "hold"
    assert DESTINATION.on_uncertain(config("todovu", on_uncertain="retry")) == "repeat"
    assert DESTINATION.find is None


async def test_a_field_that_the_connector_presets_is_a_final_refusal() -> None:
    async with visit("todovu") as there:
        there.simulator._preset = {"label_ids": ["8"]}  # type: ignore[attr-defined]  # a connector's own

        outcome = await there.change("create", there.copy(there.office.full()))

        assert outcome.kind is Kind.REJECTED
        assert "preset on this connector" in outcome.message
        assert there.simulator.tasks_now() == []
