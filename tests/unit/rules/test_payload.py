"""Task endpoints: what a payload may give, what it may not, and what becomes of it (S1-S7)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules.compiled import Connector
from rules.decision import Contact, OpenTask, RuleVerdict, TaskKey
from rules.models import TaskModel
from rules.payload import FORMS
from rules.plan import decide
from tests.support.rule_files import problems, rule_set, said
from tests.support.rule_parts import event

HEAD = "connector: shop\nsource: task\nsecrets: [shop_key]\ndedupe: off\n"
DIRECTORY = """\
directory:
  people: {jane: {email: jane@acme.example}, amir: }
  clients: {acme: , in-house: }
  projects: {in-house/support: {client: in-house, assignees: [amir]}}
  labels: {building: , urgent: }
  task_types: [todo, call]
"""
POLICIES = {"on_open", "on_closed", "reopen_within", "update"}


def endpoint(text: str = "") -> Connector:
    return rule_set(HEAD + text, directory=DIRECTORY).connectors["shop"]


def verdict(body: Any, text: str = "") -> RuleVerdict:
    (one,) = decide(endpoint(text), event(body)).verdicts
    return one


def opened(text: str = "", **body: Any) -> OpenTask:
    one = verdict({"title": "A lamp", **body}, text)
    assert isinstance(one.action, OpenTask), one
    return one.action


def errors(body: Any, text: str = "") -> list[tuple[str | None, str, str | None]]:
    one = verdict(body, text)
    assert one.refused
    assert one.action is None
    return [(error.field, error.code, error.pointer) for error in one.errors]


def refused(text: str = "", **body: Any) -> list[tuple[str | None, str, str | None]]:
    return errors({"title": "A lamp", **body}, text)


def test_a_payload_is_a_task_of_the_rule_task() -> None:
    one = verdict({"title": "A lamp"})

    assert (one.rule, one.verdict, one.at) == ("task", "matched", "a.yaml:2")
    assert isinstance(one.action, OpenTask)
    assert one.action.fields == {"title": "A lamp"}


def test_it_may_give_every_field_that_a_rule_may_give_but_no_policy() -> None:
    assert FORMS.keys() == TaskModel.model_fields.keys() - POLICIES


def test_every_field_reaches_the_task() -> None:
    action = opened(
        key="lamp-1",
        version=7,
        description="It flickers",
        type="call",
        priority="high",
        start="2026-11-23",
        due="2026-11-24 17:00",
        timezone="Europe/London",
        duration_minutes=30,
        reminder={"days_before": 1, "time": "10:00", "notify": "none"},
        assignees=["JANE@acme.example", "amir"],
        followers=["jane"],
        labels=["building"],
        client="acme",
        links=[{"object": "people", "id": "p1"}],
        custom={"floor": Decimal("2.50")},
        cf_room="2.14",
    )

    assert action.key == TaskKey("lamp-1")
    assert action.version == "7"
    assert (action.on_open, action.on_closed) == ("update", "new")
    assert action.fields == {
        "title": "A lamp",
        "description": "It flickers",
        "type": "call",
        "priority": "high",
        "start_at": "2026-11-23T00:00:00Z",
        "due_at": "2026-11-24T17:00:00Z",
        "due_date": "2026-11-24",
        "due_time": "17:00",
        "all_day": False,
        "timezone": "Europe/London",
        "duration_minutes": 30,
        "reminder": {"days_before": 1, "time": "10:00", "notify": "none"},
        "assignees": ["jane", "amir"],
        "followers": ["jane"],
        "labels": ["building"],
        "client": "acme",
        "links": [{"object": "people", "id": "p1"}],
        "custom": {"floor": Decimal("2.50"), "cf_room": "2.14"},
    }


@pytest.mark.parametrize("name", sorted(FORMS.keys() - {"title", "key"}))
def test_null_leaves_a_field_unset(name: str) -> None:
    given: dict[str, Any] = {name: None}

    assert opened(**given) == opened()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", 5),
        ("key", 5),
        ("key", None),
        ("key", {"shared": "x"}),
        ("version", True),
        ("description", ["x"]),
        ("type", True),
        ("priority", 1),
        ("due", 20261124),
        ("due_at", {}),
        ("due_date", 1),
        ("due_time", 17),
        ("start", 1),
        ("start_at", []),
        ("timezone", 1),
        ("duration_minutes", "30"),
        ("duration_minutes", True),
        ("duration_minutes", Decimal("1.5")),
        ("reminder", "10:00"),
        ("assignees", "jane"),
        ("followers", {"jane": True}),
        ("labels", "building"),
        ("client", ["acme"]),
        ("project", 5),
        ("links", {"object": "a", "id": "b"}),
        ("custom", []),
        ("contact", "jane@acme.example"),
    ],
)
def test_another_type_than_the_field_has_in_json_is_refused(field: str, value: Any) -> None:
    assert refused(**{field: value}) == [(field, "wrong-type", f"#/{field}")]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"labels": ["building", 5, None]}, ["labels[1] #/labels/1", "labels[2] #/labels/2"]),
        ({"links": ["x"]}, ["links[0] #/links/0"]),
        ({"links": [{"object": "people"}]}, ["links[0].id #/links/0/id"]),
        ({"reminder": {"days_before": "1"}}, ["reminder.days_before #/reminder/days_before"]),
        ({"contact": {"email": "a@b.example", "name": 5}}, ["contact.name #/contact/name"]),
    ],
)
def test_what_is_wrong_inside_a_field_is_pointed_at(body: Any, expected: list[str]) -> None:
    found = refused(**body)

    assert [f"{field} {pointer}" for field, _, pointer in found] == expected
    assert {code for _, code, _ in found} == {"wrong-type"}


@pytest.mark.parametrize("word", ["High", "HIGH", "urgent", " high", ""])
def test_words_are_taken_as_they_are_written(word: str) -> None:
    assert refused(priority=word) == [("priority", "not-a-choice", "#/priority")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "x"),
        ("number", 5),
        ("status", "done"),
        ("source", {}),
        ("creator", {}),
        ("all_day", True),
        ("on_open", "count"),
        ("on_closed", "reopen"),
        ("reopen_within", "7d"),
        ("update", "always"),
        ("deliver", ["crm"]),
        ("", None),
    ],
)
def test_any_other_key_is_refused_even_if_null(name: str, value: Any) -> None:
    for given in (value, None):
        body: dict[str, Any] = {name: given}
        assert refused(**body) == [(name, "unknown-field", f"#/{name}")]


def test_a_slip_of_the_pen_is_answered_with_what_was_meant() -> None:
    (error,) = verdict({"title": "x", "asignees": ["jane"]}).errors

    assert error.message == "a payload cannot set asignees; did you mean assignees?"


def test_all_that_is_wrong_is_said_at_once() -> None:
    body = {
        "titel": "x",
        "priority": "High",
        "assignees": ["jane", "bob"],
        "labels": "building",
        "due_time": "17:00",
        "timezone": "Mars/Olympus",
        "contact": {"email": "ada", "phone": "1"},
        "a/b~c": 1,
    }

    assert sorted(errors(body)) == [
        ("a/b~c", "unknown-field", "#/a~1b~0c"),
        ("assignees", "unknown-name", "#/assignees"),
        ("contact.email", "not-an-address", "#/contact/email"),
        ("contact.phone", "not-a-phone-number", "#/contact/phone"),
        ("due_time", "not-a-date", "#/due_time"),
        ("labels", "wrong-type", "#/labels"),
        ("priority", "not-a-choice", "#/priority"),
        ("timezone", "unknown-name", "#/timezone"),
        ("titel", "unknown-field", "#/titel"),
        ("title", "missing", "#/title"),
    ]


@pytest.mark.parametrize("body", [None, [], [{"title": "x"}], "title", 5, True])
def test_a_payload_that_is_no_object_is_refused(body: Any) -> None:
    assert errors(body) == [("", "wrong-type", "#")]


@pytest.mark.parametrize("title", [None, "", " \n"])
def test_a_blank_title_is_refused(title: Any) -> None:
    assert errors({"title": title}) == [("title", "blank", "#/title")]


def test_a_bad_key_is_refused() -> None:
    assert refused(key=" ") == [("key", "blank", "#/key")]
    assert refused(key="x" * 513) == [("key", "too-long", "#/key")]


def test_a_payload_of_nothing_but_nonsense_is_not_repeated_whole() -> None:
    body: dict[str, Any] = {f"k{number}" + "x" * 500: number for number in range(10_000)}

    found = refused(**body)

    assert len(found) == 20
    assert all(len(field or "") <= 80 for field, _, _ in found)


FIXED = "fixed: {due: tomorrow, project: in-house/support, custom: {source: form}}\n"


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("due", "tomorrow"),
        ("due_at", "2026-11-24"),
        ("due_date", "2026-11-24"),
        ("due_time", "17:00"),
        ("project", "in-house/support"),
        ("project", None),
        ("custom", {}),
        ("cf_source", "form"),
    ],
)
def test_what_the_connector_fixes_may_be_given_in_no_form_not_even_the_same(
    given: str, value: Any
) -> None:
    assert refused(FIXED, **{given: value}) == [(given, "fixed", f"#/{given}")]


def test_what_the_connector_fixes_is_set_and_counts_from_when_the_task_was_accepted() -> None:
    action = opened(FIXED)

    assert action.fields["project"] == "in-house/support"
    assert action.fields["due_date"] == "2026-11-24"
    assert (action.fields["all_day"], action.fields["timezone"]) == (True, "UTC")
    assert action.fields["custom"] == {"source": "form"}
    assert "due_at" in action.relative


def test_defaults_give_way_to_the_payload_and_to_nothing_else() -> None:
    text = "defaults: {priority: medium, labels: [urgent], timezone: Europe/London}\n"

    assert opened(text).defaults["priority"] == "medium"
    action = opened(text, priority="low", labels=None, due_date="2026-07-01", due_time="17:00")
    assert action.fields["priority"] == "low"
    assert action.defaults["labels"] == ["urgent"]
    assert (action.fields["due_at"], action.fields["timezone"]) == (
        "2026-07-01T16:00:00Z",
        "Europe/London",
    )


def test_two_forms_of_one_date_exclude_each_other() -> None:
    assert refused(due="tomorrow", due_at="2026-11-24") == [("due", "not-a-date", "#/due")]


def test_a_custom_field_given_twice_is_refused() -> None:
    assert refused(custom={"cf_room": 1}, cf_room=1) == [("cf_room", "given-twice", "#/cf_room")]


def test_the_contact_of_a_payload_is_whom_the_task_is_from() -> None:
    one = verdict({"title": "x", "contact": {"email": "Ada@acme.example", "name": "Ada"}})

    assert one.contact == Contact("Ada@acme.example", "Ada", "create")
    assert verdict({"title": "x"}).contact is None
    assert verdict({"title": "x", "contact": None}).contact is None
    assert verdict({"title": "x", "contact": {"email": None}}).contact is None


def test_a_connector_says_where_the_contact_is_and_what_becomes_of_strangers() -> None:
    text = 'contact: {email: "{{ body.contact.email }}", unknown: reject}\n'
    given = {"title": "x", "contact": {"email": "ada@acme.example", "name": "Ada"}}

    assert verdict(given, text).contact == Contact("ada@acme.example", None, "reject")
    assert refused(text) == [("contact.email", "missing", None)]
    assert refused(text, contact={}) == [("contact.email", "missing", "#/contact/email")]
    assert refused(text, contact={"email": ""}) == [("contact.email", "blank", "#/contact/email")]


def test_a_contact_that_nothing_reads_may_not_be_given() -> None:
    text = "contact: {email: desk@acme.example}\n"

    assert verdict({"title": "x"}, text).contact == Contact("desk@acme.example")
    assert refused(text, contact={"email": "a@b.example"}) == [("contact", "fixed", "#/contact")]


def test_rules_beside_a_task_endpoint_are_an_error_also_none() -> None:
    rules = "rules: [{name: r, task: {title: x}}]\n"
    expected = "`source: task` is one rule by itself, and takes no `rules`"
    assert said(HEAD + rules) == [f"a.yaml:5:1 R039 {expected}"]
    assert [one.code for one in problems(HEAD + "rules: []\n")] == ["R039"]


def test_a_task_endpoint_may_have_options_and_needs_a_secret() -> None:
    head = "connector: shop\nsource: {preset: task}\ndedupe: off\n"
    assert [one.code for one in problems(head)] == ["R031"]
    assert problems(head + "secrets: [shop_key]\n") == []


def test_tests_of_a_task_endpoint_name_its_rule() -> None:
    test = "tests: [{name: t, event: {body: {title: x}}, expect: {rule: %s}}]\n"
    assert problems(HEAD + test % "task") == []
    assert [one.code for one in problems(HEAD + test % "tasks")] == ["R048"]
