"""The tests of a connector file become events with what is said of them, and expectations with their places."""

from __future__ import annotations

from textwrap import indent

import pytest

from rules.rule_tests import RuleTest
from tests.support.rule_files import HEAD, rule_set, said_of_shop

RULES = """\
rules:
  - name: order
    task: {title: Order}
  - name: quiet
    mode: shadow
    task: {title: Order}
"""
DESTINATIONS = "destinations: {main: {type: crm, token: main_token}}"


def compiled(text: str) -> tuple[RuleTest, ...]:
    return rule_set(f"{HEAD}{RULES}tests:\n{indent(text, '  ')}").tests


def said(text: str) -> list[str]:
    return said_of_shop(f"{RULES}tests:\n{indent(text, '  ')}", destinations=DESTINATIONS)


def test_a_test_of_one_event_expects_of_that_event() -> None:
    (test,) = compiled("- name: a\n  event: one.json\n  expect: {rule: order}\n")

    assert (test.connector, test.name, test.span.line) == ("shop", "a", 11)
    (sent,) = test.events
    assert sent.file == "one.json"
    assert sent.expect is not None
    assert sent.expect.value == {"rule": "order"}
    assert test.expect is None


def test_a_test_of_several_events_may_expect_of_all_of_them_too() -> None:
    (test,) = compiled(
        "- name: a\n"
        "  events:\n"
        "    - {event: one.json, expect: {rule: order}}\n"
        "    - {event: two.json, after: 2h}\n"
        "  expect: {tasks: 2}\n"
    )

    first, second = test.events
    assert (first.file, second.file, second.after_s) == ("one.json", "two.json", 7200)
    assert first.expect is not None
    assert second.expect is None
    assert test.expect is not None
    assert test.expect.value == {"tasks": 2}


def test_of_an_event_there_may_be_nothing_to_say_but_its_file() -> None:
    (test,) = compiled("- {name: a, type: x, events: [one.json, two.json], expect: {tasks: 2}}\n")

    assert [(sent.file, sent.type, sent.expect) for sent in test.events] == [
        ("one.json", "x", None),
        ("two.json", "x", None),
    ]
    assert [sent.span.column for sent in test.events] == [33, 43]


def test_an_event_may_be_written_into_the_test() -> None:
    (test,) = compiled(
        "- name: a\n"
        "  event: {headers: {X-Topic: orders, X-Test: true}, query: {n: 5}, body: {total: 19.90}}\n"
        "  expect: {tasks: 1}\n"
    )

    (sent,) = test.events
    assert sent.file is None
    assert sent.headers == {"x-topic": "orders", "x-test": "true"}
    assert sent.query == {"n": "5"}
    assert str(sent.body) == "{'total': Decimal('19.90')}"


def test_what_the_test_says_of_its_events_holds_where_an_event_says_nothing() -> None:
    (test,) = compiled(
        "- name: a\n"
        "  headers: {X-One: test, X-Two: test}\n"
        "  query: {one: test}\n"
        "  type: orders/create\n"
        "  delivery_id: d-1\n"
        "  received_at: 2026-03-01T10:00:00Z\n"
        "  events:\n"
        "    - event: {headers: {X-ONE: event, X-Three: event}, body: 1}\n"
        "    - event: {body: 2}\n"
        "      headers: {x-two: entry}\n"
        "      query: {one: entry}\n"
        "      type: orders/paid\n"
        "      delivery_id: d-2\n"
        "      received_at: 2026-03-02T10:00:00Z\n"
        "  expect: {tasks: 2}\n"
    )

    first, second = test.events
    assert first.headers == {"x-one": "test", "x-two": "test", "x-three": "event"}
    assert (first.query, first.type, first.delivery_id) == ({"one": "test"}, "orders/create", "d-1")
    assert first.received_at is None
    assert second.headers == {"x-one": "test", "x-two": "entry"}
    assert (second.query, second.type, second.delivery_id) == (
        {"one": "entry"},
        "orders/paid",
        "d-2",
    )
    assert second.received_at == "2026-03-02T10:00:00Z"
    assert test.received_at == "2026-03-01T10:00:00Z"


def test_the_tests_of_all_connectors_are_in_the_order_of_the_files() -> None:
    one = "tests:\n  - {name: %s, event: {body: 1}, expect: {tasks: 1}}\n"
    other = HEAD.replace("shop", "other") + RULES + one % "c"

    found = rule_set(HEAD + RULES + one % "a", b=other).tests

    assert [(test.connector, test.name) for test in found] == [("shop", "a"), ("other", "c")]


def test_a_connector_without_tests_has_none() -> None:
    assert rule_set(HEAD + RULES).tests == ()


def test_otherwise_is_a_rule_that_tests_may_name_if_there_is_one() -> None:
    named = "- {name: a, event: {body: 1}, expect: {rule: otherwise}}\n"

    assert said(named) == ["11:48 R048 there is no rule `otherwise`"]
    with_otherwise = f"otherwise: {{drop: no}}\n{RULES}tests:\n{indent(named, '  ')}"
    assert said_of_shop(with_otherwise) == []


@pytest.mark.parametrize(
    "expect",
    [
        "{rule: order, tasks: 1, task: {title: Order}, status: routed, outcome: created}",
        "{undecided: true, task: {title: Order}, rule: order}",
        "{dropped: older version, rule: order, outcome: older version, tasks: 0, deliver: []}",
        "{refused: {title: blank}, rule: order}",
        "{duplicate: true, tasks: 0}",
        "{dropped: {matches: ^old}}",
        "{task: {reminder: {time: '10:00'}, contact: {email: a@b.example}}}",
        "{shadow: [quiet], rules: []}",
    ],
)
def test_expectations_that_can_come_true_together_are_fine(expect: str) -> None:
    assert said(f"- {{name: a, event: {{body: 1}}, expect: {expect}}}\n") == []


@pytest.mark.parametrize(
    ("expect", "words"),
    [
        ("{dropped: x, deliver: [main]}", "`deliver` and `dropped`"),
        ("{duplicate: true, outcome: created}", "`outcome` and `duplicate`"),
        ("{duplicate: true, shadow: [quiet]}", "`shadow` and `duplicate`"),
        ("{tasks: 1, status: dropped}", "`status` and `tasks`"),
        ("{tasks: [{title: a}], refused: true}", "`refused` and `tasks`"),
        ("{complete: a, dropped: true}", "`dropped` and `complete`"),
        ("{cancel: a, refused: true}", "`refused` and `cancel`"),
        ("{undecided: true, refused: true}", "`refused` and `undecided`"),
        ("{rule: order, dropped: x, task: {title: a}}", "`task` and `dropped`"),
    ],
)
def test_expectations_that_exclude_each_other_are_told(expect: str, words: str) -> None:
    lines = said(f"- {{name: a, event: {{body: 1}}, expect: {expect}}}\n")

    told = [line.split(" ", 2)[2] for line in lines if " R049 " in line]
    assert told == [f"{words} cannot both come true"]


def test_an_expectation_of_the_wrong_shape_contradicts_nothing() -> None:
    lines = said("- {name: a, event: {body: 1}, expect: {refused: true, undecided: false}}\n")

    assert [line.split(" ")[1] for line in lines] == ["R013"]


def test_of_a_custom_field_any_name_will_do_also_matches() -> None:
    custom = "{matches: '(', other: {matches: '^a'}}"

    assert (
        said(f"- {{name: a, event: {{body: 1}}, expect: {{task: {{custom: {custom}}}}}}}\n") == []
    )


def test_a_slip_of_the_pen_is_told_once() -> None:
    lines = said("- {name: a, evnt: {body: 1}, expct: {tasks: 1}}\n")

    assert [line.split(" ")[1] for line in lines] == ["R011", "R011"]


def test_a_member_that_is_no_mapping_is_told_by_its_shape_alone() -> None:
    lines = said("- 5\n- {name: a, events: [6], expect: {tasks: 1}}\n")

    assert [line.split(" ")[1] for line in lines] == ["R013", "R013"]


def test_names_that_are_no_texts_are_told_by_their_shape_alone() -> None:
    lines = said("- {name: 5, event: {body: 1}, expect: {rule: 6, deliver: [7]}}\n")
    nameless = said("- {event: {body: 1}, expect: {tasks: 1}}\n")

    assert [line.split(" ")[1] for line in lines] == ["R013", "R013", "R013"]
    assert [line.split(" ")[1] for line in nameless] == ["R012"]


def test_a_rule_that_is_named_by_no_text_cannot_be_named_by_a_test() -> None:
    text = "rules: [{name: 5, task: {title: a}}]\ntests:\n  - {name: a, event: {body: 1}, expect: {rule: '5'}}\n"

    assert [line.split(" ")[1] for line in said_of_shop(text)] == ["R013", "R048"]


def test_a_task_may_be_compared_with_patterns_inside_lists() -> None:
    good = "{rule: order, tasks: [{labels: [{matches: '^a'}]}], task: {source: {matches: a}}}"

    assert said(f"- {{name: a, event: {{body: 1}}, expect: {good}}}\n") == []
