"""Whom an event is from: what rules see of it, when it is asked, and what it decides (N1-N7, T12)."""

from __future__ import annotations

from typing import Any

import pytest

from rules.decision import Contact, Decision, OpenTask, RuleVerdict
from rules.plan import decide
from tests.support.rule_files import connector
from tests.support.rule_parts import event

CONTACT = 'contact: {email: "{{ body.email }}", name: "{{ body.name }}", unknown: %s}\n'
TASK = "rules: [{name: r, task: {title: x}}]\n"
JANE = {"email": "Jane@ACME.example", "name": "Jane Roe"}
DIRECTORY = """\
directory:
  people: {jane: , amir: }
  clients: {acme: {domains: [acme.example]}, beta: }
  projects: {acme/support: {client: acme, assignees: [jane]}, inbox: {assignees: [amir]}}
  routing:
    - {when: {contact.email: {exists: false}}, set: {project: inbox}}
    - {when: {contact.name: {gte: 5}}, set: {project: inbox}}
    - {set: {assignees: [amir]}}
"""


def decided(rules: str, body: Any = None, *, unknown: str = "create", **others: str) -> Decision:
    shop = connector(CONTACT % unknown + rules, **others)
    return decide(shop, event(JANE if body is None else body))


def verdict(rules: str = TASK, body: Any = None, **given: Any) -> RuleVerdict:
    (one,) = decided(rules, body, **given).verdicts
    return one


def opened(rules: str = TASK, body: Any = None, **given: Any) -> OpenTask:
    action = verdict(rules, body, **given).action
    assert isinstance(action, OpenTask)
    return action


def test_a_task_is_from_whom_the_event_names() -> None:
    assert verdict().contact == Contact("Jane@ACME.example", "Jane Roe", "create")
    assert verdict(unknown="reject").contact == Contact("Jane@ACME.example", "Jane Roe", "reject")


def test_what_is_said_around_an_address_and_a_name_does_not_count() -> None:
    contact = verdict(body={"email": " a@b.example\n", "name": "Ada\nLovelace \t"}).contact
    assert contact == Contact("a@b.example", "Ada Lovelace")


@pytest.mark.parametrize("name", [None, "", "  \n"])
def test_a_blank_name_is_none(name: str | None) -> None:
    assert verdict(body={"email": "a@b.example", "name": name}).contact == Contact("a@b.example")


def test_a_name_need_not_be_asked_for() -> None:
    shop = connector('contact: {email: "{{ body.email }}"}\n' + TASK)
    (one,) = decide(shop, event(JANE)).verdicts
    assert one.contact == Contact("Jane@ACME.example")


@pytest.mark.parametrize("email", [None, "", " \n", "\x00"])
def test_without_an_address_the_task_is_from_nobody_or_refused_where_only_known_ones_are_let_in(
    email: str | None,
) -> None:
    body = {"email": email}  # no name either: it is not asked for
    for unknown in ("create", "connector"):
        one = verdict(body=body, unknown=unknown)
        assert (one.contact, one.refused) == (None, False)
        assert one.action is not None
    one = verdict(body=body, unknown="reject")
    assert [(e.field, e.code) for e in one.errors] == [("contact.email", "blank")]
    assert one.refused


@pytest.mark.parametrize("unknown", ["create", "connector", "reject"])
@pytest.mark.parametrize(
    "email", ["jane", "Jane <jane@acme.example>", 5, True, ["a@b.example"], {"a": 1}]
)
def test_what_is_no_address_is_refused_and_named(email: Any, unknown: str) -> None:
    one = verdict(body={"email": email, "name": "x"}, unknown=unknown)
    assert [(e.field, e.code) for e in one.errors] == [("contact.email", "not-an-address")]
    assert one.refused


def test_all_that_is_wrong_with_a_task_is_said_at_once_and_who_it_is_from_is_known() -> None:
    rules = 'rules: [{name: r, task: {title: "{{ body.name }}", priority: "{{ body.name }}"}}]'
    one = verdict(rules, {"email": "x", "name": " "}, unknown="reject")
    assert [e.field for e in one.errors] == ["contact.email", "title", "priority"]
    assert one.contact is None
    one = verdict(rules, {"email": "a@b.example", "name": " "}, unknown="reject")
    assert [e.field for e in one.errors] == ["title", "priority"]
    assert one.contact == Contact("a@b.example", None, "reject")


def test_an_address_that_is_missing_in_the_payload_makes_the_rule_undecided() -> None:
    decision = decided(TASK, {})
    assert decision.undecided is not None
    assert decision.undecided.code == "undefined"
    assert decision.undecided.message == "contact.email: body.email is not there"
    decision = decided(TASK, {"email": "a@b.example"})
    assert decision.undecided is not None
    assert decision.undecided.message == "contact.name: body.name is not there"


@pytest.mark.parametrize(
    "rules",
    [
        "otherwise: {drop: no reason}",
        "rules: [{name: r, drop: 'no reason'}]",
        "rules: [{name: r, complete: {key: k}}]",
        "rules: [{name: r, cancel: {key: k}}]",
    ],
)
@pytest.mark.parametrize("body", [{}, {"email": "not an address", "name": None}])
def test_only_a_task_action_asks_for_a_contact(rules: str, body: Any) -> None:
    one = verdict(rules, body, unknown="reject")
    assert one.contact is None
    assert one.action is not None


def test_a_shadow_rule_that_lacks_a_contact_stops_nothing() -> None:
    rules = "rules: [{name: s, mode: shadow, task: {title: x}}, {name: d, drop: y}]"
    decision = decided(rules, {})
    assert decision.undecided is None
    assert decision.shadow[0].reason is not None


def test_rules_see_the_address_and_the_name() -> None:
    rules = """\
    rules:
      - name: "{n}"
        when: {contact.email: {ends_with: "@acme.EXAMPLE"}, contact.name: Jane Roe}
        for_each: body.items
        task: {key: "{{ contact.email }}", title: "{{ contact.name }}: {{ item }}"}
    """.replace("{n}", "r")
    rules = "\n".join(line[4:] for line in rules.splitlines())
    decision = decided(rules, {**JANE, "items": ["a", "b"]})
    titles = [v.action.fields["title"] for v in decision.verdicts if isinstance(v.action, OpenTask)]
    assert titles == ["Jane Roe: a", "Jane Roe: b"]
    assert {v.action.key.text for v in decision.verdicts if isinstance(v.action, OpenTask) and v.action.key} == {
        "Jane@ACME.example"
    }  # fmt: skip


def test_what_an_event_does_not_say_is_not_there_for_rules() -> None:
    body = {"email": None, "name": ""}
    rules = "rules: [{name: r, when: {%s}, drop: x}]"
    for condition in ("contact.email: {exists: true}", "contact.name: {starts_with: J}"):
        assert verdict(rules % condition, body).verdict == "not"
    assert verdict(rules % "contact.email: {exists: false}", body).verdict == "matched"
    rules = "rules: [{name: r, task: {title: \"From {{ contact.name | default('somebody') }}\"}}]"
    assert opened(rules, body).fields["title"] == "From somebody"
    rules = 'rules: [{name: r, task: {title: "From {{ contact.name }}"}}]'
    reason = verdict(rules, body).reason
    assert reason is not None
    assert reason.message == "title: contact.name is not there"


def test_a_condition_on_a_contact_that_cannot_be_had_is_undecided_and_no_rule_is_passed_over() -> (
    None
):
    rules = "rules: [" + ", ".join(
        f"{{name: r{n}, when: {{contact.email: x{n}@y.example}}, drop: x}}" for n in range(20)
    )
    decision = decided(f"{rules}]", {})
    assert {v.verdict for v in decision.verdicts} == {"undecided"}
    assert len(decision.verdicts) == 20


def test_a_contact_may_be_made_of_variables_and_is_there_for_fixed_defaults_and_dedupe() -> None:
    text = """\
vars: {who: "{{ body.buyer | default(body) }}"}
contact: {email: "{{ vars.who.email }}", name: "{{ vars.who.name }}"}
fixed: {description: "From {{ contact.name }}"}
defaults: {custom: {email: "{{ contact.email }}"}}
rules: [{name: r, task: {title: x}}]
"""
    (one,) = decide(connector(text), event({"buyer": JANE})).verdicts
    assert one.contact == Contact("Jane@ACME.example", "Jane Roe")
    assert isinstance(one.action, OpenTask)
    assert one.action.fields["description"] == "From Jane Roe"
    assert one.action.defaults["custom"] == {"email": "Jane@ACME.example"}


def test_a_sender_cannot_inject_templates_through_a_contact() -> None:
    body = {
        "email": "{{vars.secret}}@acme.example",
        "name": "{{ 7 * 7 }}{% for x in range(9) %}x{% endfor %}",
        "secret": "s3cret",
    }
    text = """\
vars: {secret: "{{ body.secret }}"}
contact: {email: "{{ body.email }}", name: "{{ body.name }}"}
rules:
  - name: r
    when: {contact.name: {has: "7 * 7"}}
    task: {title: "{{ contact.name }}", key: "{{ contact.email }}", custom: {n: "{{ contact.name | upper }}"}}
"""
    (one,) = decide(connector(text), event(body)).verdicts
    assert one.contact == Contact(body["email"], body["name"])
    assert isinstance(one.action, OpenTask)
    assert one.action.fields["title"] == body["name"]
    assert one.action.fields["custom"] == {"n": body["name"].upper()}
    assert one.action.key is not None
    assert one.action.key.text == body["email"]


def test_a_new_task_is_routed_by_its_contact_and_without_one_where_nobody_knows_it() -> None:
    action = opened(d=DIRECTORY)
    assert action.defaults == {"timezone": "UTC", "client": "acme", "assignees": ["amir"]}
    assert action.without_contact is None

    action = opened(unknown="connector", d=DIRECTORY)
    assert action.defaults == {"timezone": "UTC", "client": "acme", "assignees": ["amir"]}
    assert action.without_contact == {
        "timezone": "UTC",
        "project": "inbox",
        "assignees": ["amir"],
    }

    action = opened(body={"email": None}, d=DIRECTORY)
    assert action.defaults == {"timezone": "UTC", "project": "inbox", "assignees": ["amir"]}


def test_a_routing_condition_that_is_undecided_is_noted_and_the_task_is_opened() -> None:
    one = verdict(d=DIRECTORY)
    assert [note.code for note in one.notes] == ["routing"]
    assert one.action is not None


def test_field_by_field_the_first_that_sets_it_counts() -> None:
    layers = """\
fixed: {type: call}
defaults: {priority: low, assignees: [jane], labels: [from-defaults]}
rules:
  - name: r
    task: {title: x, labels: [from-rule], project: "{{ body.project }}"}
"""
    action = opened(layers, {**JANE, "project": "inbox"}, d=DIRECTORY)
    assert action.fields == {
        "title": "x",
        "type": "call",
        "labels": ["from-rule"],
        "project": "inbox",
    }
    assert action.defaults == {
        "timezone": "UTC",
        "priority": "low",
        "assignees": ["jane"],  # before the project's amir
        "labels": ["from-defaults"],
        "client": "acme",  # by the domain: the project is nobody's
    }
    action = opened(layers, {**JANE, "project": None}, d=DIRECTORY)
    assert "project" not in action.fields
    assert action.defaults["client"] == "acme"


def test_a_project_brings_its_client_along_also_in_an_update() -> None:
    rules = 'rules: [{name: r, task: {title: x, project: "{{ body.name }}"}}]'
    action = opened(rules, {**JANE, "name": "acme/support"}, d=DIRECTORY)
    assert action.fields == {"title": "x", "project": "acme/support", "client": "acme"}
    assert action.defaults == {"timezone": "UTC", "assignees": ["jane"]}
    action = opened(
        "defaults: {project: acme/support}\n" + TASK, {**JANE, "email": None}, d=DIRECTORY
    )
    assert action.fields == {"title": "x"}
    assert action.defaults == {
        "timezone": "UTC",
        "project": "acme/support",
        "client": "acme",
        "assignees": ["jane"],
    }


@pytest.mark.parametrize(
    "rules",
    [
        'rules: [{name: r, task: {title: x, project: acme/support, client: "{{ body.name }}"}}]',
        'rules: [{name: r, task: {title: x, client: beta, project: "{{ body.email }}"}}]',
        'fixed: {client: "{{ body.name }}"}\nrules: [{name: r, task: {title: x, project: acme/support}}]',
        'fixed: {project: "{{ body.email }}"}\ndefaults: {client: beta}\n' + TASK,
        'defaults: {project: acme/support}\nrules: [{name: r, task: {title: x, client: "{{ body.name }}"}}]',
    ],
)
def test_another_client_than_the_projects_is_refused_when_it_turns_out(rules: str) -> None:
    shop = connector(rules, d=DIRECTORY)
    (one,) = decide(shop, event({"email": "acme/support", "name": "beta"})).verdicts
    assert [(e.field, e.code) for e in one.errors] == [("client", "not-the-projects")]
    assert one.errors[0].message == ('the project "acme/support" belongs to "acme", not "beta"')


def test_the_same_client_as_the_projects_is_fine() -> None:
    rules = 'rules: [{name: r, task: {title: x, project: acme/support, client: "{{ body.name }}"}}]'
    action = opened(rules, {"email": None, "name": "acme"}, d=DIRECTORY)
    assert action.fields["client"] == "acme"
    action = opened(rules, {"email": None, "name": None}, d=DIRECTORY)
    assert action.fields["client"] == "acme"
