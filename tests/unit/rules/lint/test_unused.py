from __future__ import annotations

import pytest

from tests.support.linting import found, said
from tests.support.rule_files import HEAD, warnings

RULES = "rules: [{name: one, task: {title: x}}]\n"


@pytest.mark.parametrize(
    "use",
    [
        "fixed: {description: '{{ vars.total }}'}",
        "defaults: {custom: {a: '{{ vars[\"total\"] }}'}}",
        "defaults: {custom: {a: [\"{{ vars['total'] | string }}\"]}}",
        "dedupe: {key: '{{ vars . total }}'}",
        "rules: [{name: one, when: {vars.total: 5}, task: {title: x}}]",
        "rules: [{name: one, when: {'vars[\"total\"]': 5}, task: {title: x}}]",
        "rules: [{name: one, when: vars.total == 5, task: {title: x}}]",
        "rules: [{name: one, for_each: vars.total, drop: x}]",
        "otherwise: {drop: 'because of {{ vars.total }}'}",
        "otherwise: {drop: 'because of {% if vars.total %}x{% endif %}'}",
    ],
)
def test_a_variable_is_used_wherever_a_text_names_it(use: str) -> None:
    head = HEAD.replace("dedupe: off\n", "") if "dedupe" in use else HEAD
    text = f"{head}vars: {{total: '{{{{ body.x }}}}'}}\n{use}\n"
    assert found(text, "R074") == []


def test_variables_that_nothing_uses_are_reported_also_where_they_use_each_other() -> None:
    text = f"""\
{HEAD}vars:
  total: "{{{{ body.x }}}}"
  used: "{{{{ vars.inner }}}}"
  inner: "{{{{ body.y }}}}"
  one: "{{{{ vars.other }}}}"
  other: 5
rules: [{{name: one, task: {{title: "{{{{ vars.used }}}}"}}}}]
"""
    assert said(found(text, "R074")) == [
        "5:3 nothing uses `vars.total`",
        "8:3 nothing uses `vars.one`",
        "9:3 nothing uses `vars.other`",
    ]


def test_a_file_without_variables_has_none_that_are_unused() -> None:
    assert found(f"{HEAD}vars: {{}}\n{RULES}", "R074") == []
    assert found(HEAD + RULES, "R074") == []


def test_a_variable_that_is_named_in_no_plain_way_may_be_any() -> None:
    rules = "rules: [{name: one, task: {title: '{{ vars[\"to\\u0074al\"] }}'}}]\n"
    assert found(f"{HEAD}vars: {{total: 5, other: 5}}\n{rules}", "R074") == []


CRM = "destinations:\n  crm: {type: crm, token: crm_token}\n"


@pytest.mark.parametrize(
    "use",
    [
        "deliver: [crm]\n" + RULES,
        "rules: [{name: one, deliver: [crm], task: {title: x}}]\n",
        "rules: [{name: one, mode: off, deliver: [crm], task: {title: x}}]\n",
        RULES.replace("task", "when: {event: a}, task")
        + "otherwise: {task: {title: x}, deliver: [crm]}\n",
    ],
)
def test_a_destination_is_used_where_a_deliver_names_it(use: str) -> None:
    assert found(HEAD + use, "R074", b=CRM) == []


def test_a_destination_that_gets_nothing_is_reported() -> None:
    (problem,) = found(
        HEAD + RULES, "R074", b=CRM, c="directory: {labels: {crm: {ids: {crm: a}}}}\n"
    )
    assert (str(problem.span), problem.message) == ("b.yaml:2:3", "nothing delivers to `crm`")
    assert problem.hint == "write `deliver: [crm]` in a connector or a rule, or remove it"


def test_nothing_is_called_unused_without_a_connector_or_beside_an_error() -> None:
    people = "directory: {people: {bob: }}\n"
    assert warnings(CRM, b=people) == []
    for broken in ("connector: [", HEAD.replace("shop", "x") + "rules: [{name: one}]\n"):
        codes = {one.code for one in warnings(HEAD + RULES, b=CRM, c=people, d=broken)}
        assert codes <= {"R002", "R040"}


PEOPLE = "directory:\n  people: {bob: {email: Bob@acme.example}}\n"


@pytest.mark.parametrize(
    ("connector", "more"),
    [
        ("fixed: {assignees: [bob]}\n" + RULES, ""),
        ("defaults: {followers: [bob@ACME.example]}\n" + RULES, ""),
        ("rules: [{name: one, task: {title: x, assignees: [bob]}}]\n", ""),
        ("rules: [{name: one, mode: off, task: {title: x, assignees: [bob]}}]\n", ""),
        (RULES, "  projects: {p: {assignees: [bob]}}\n"),
        (RULES, "  routing: [{set: {assignees: [bob]}}]\n"),
        ("rules: [{name: one, task: {title: x, assignees: ['{{ body.who }}']}}]\n", ""),
        ("rules: [{name: one, task: {title: x, followers: '{{ body.who }}'}}]\n", ""),
        ("defaults: {assignees: '{{ body.who | default([]) }}'}\n" + RULES, ""),
    ],
)
def test_a_person_is_used_where_a_text_or_an_event_may_name_it(connector: str, more: str) -> None:
    assert found(HEAD + connector, "R074", b=PEOPLE + more) == []


def test_people_of_destinations_are_used() -> None:
    crm = "destinations: {crm: {type: crm, token: crm_token, url: bob}}\n"
    assert found(f"{HEAD}deliver: [crm]\n{RULES}", "R074", b=PEOPLE, c=crm) == []


def test_people_whom_tasks_reach_by_hand_are_never_unused() -> None:
    people = "directory: {people: {bob: {ids: {crm: '5'}}, eve: {ids: {}}, jo: }}\n"
    problems = found(f"{HEAD}deliver: [crm]\n{RULES}", "R074", b=people, c=CRM)
    assert [one.message for one in problems] == [
        "nothing names the person `eve`",
        "nothing names the person `jo`",
    ]


def test_a_person_whom_nothing_names_is_reported() -> None:
    (problem,) = found(HEAD + RULES, "R074", b=PEOPLE, c="directory: {labels: {bob-s: }}\n")
    assert (str(problem.span), problem.message) == ("b.yaml:2:12", "nothing names the person `bob`")
