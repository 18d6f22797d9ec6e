"""Why a rule did not match: the first condition that was not met, with what was found and where it stands."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.cli.catalogues import catalogues
from router.cli.why_not import why_not
from rules.loader import load_texts
from rules.ruleset import RuleSet
from tests.support.batches import webhook

HEAD = "connector: desk\nsource: none\ndedupe: %s\nmatch: %s\n"


def rules(text: str, dedupe: str = "off", match: str = "all") -> RuleSet:
    loaded = load_texts({"desk.yaml": HEAD % (dedupe, match) + text}, catalogues())
    assert loaded.rule_set is not None, loaded.problems
    return loaded.rule_set


def why(when: str, body: Any) -> list[str]:
    """Return why a rule with a condition, which stands in line 7, did not match."""
    text = f"rules:\n  - name: order\n    when: {when}\n    task: {{title: a}}\n"
    event = webhook("desk", json.dumps(body).encode())
    return why_not(rules(text), event, "order")


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("{body.a: 1, body.b: 5, body.c: 6}", "body.b eq 5: found 2 (desk.yaml:7:31)"),
        (
            "{body.b: '2'}",
            'body.b eq "2": found 2; only the type differs: found a number, expected a string (desk.yaml:7:20)',
        ),
        ("{body.z: 1}", "body.z eq 1: body.z is not there (desk.yaml:7:20)"),
        ("{body.b: {gte: 3}}", "body.b gte 3: found 2 (desk.yaml:7:26)"),
        ("body.a > body.b", "`body.a > body.b` is false (desk.yaml:7:11)"),
        (
            "{any: [{body.a: 2}, {body.b: 3}]}",
            "none is met: body.a eq 2: found 1 (desk.yaml:7:27); body.b eq 3: found 2 (desk.yaml:7:40)",
        ),
        (
            "{any: [{body.a: 2}, {not: {body.b: 2}}]}",
            "none is met: body.a eq 2: found 1 (desk.yaml:7:27); `not` (desk.yaml:7:32)",
        ),
        ("{body.a: 1, not: {body.b: 2}}", "it may not be: body.b eq 2: found 2 (desk.yaml:7:37)"),
        (
            "{any: [{all: [{body.a: 1}, {body.b: 3}]}]}",
            "none is met: `all` (desk.yaml:7:24)",
        ),
        (
            "{body.a: 1, all: [{body.b: 3}, {body.a: 1}]}",
            "body.b eq 3: found 2 (desk.yaml:7:38)",
        ),
        (
            "{body.c: {gt: 1}}",
            "undecided: body.c gt: gt needs a number, a text that spells one, or a date and time of RFC 3339, found a string (desk.yaml:7:25)",
        ),
    ],
)
def test_the_first_condition_that_was_not_met_is_told(when: str, words: str) -> None:
    (line,) = why(when, {"a": 1, "b": 2, "c": "x"})

    assert line == f"order: {words}"


ITEMS = """\
rules:
  - name: each
    for_each: body.items
    when: {item.a: 1}
    task: {title: a}
"""


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ({"items": []}, ["each: body.items has no item that it could match"]),
        ({"items": 5}, ["each: undecided: for_each needs a list, body.items is number"]),
        (
            {"items": [{"a": 2}, {}]},
            [
                "each, item 0: item.a eq 1: found 2 (desk.yaml:8:20)",
                "each, item 1: item.a eq 1: item.a is not there (desk.yaml:8:20)",
            ],
        ),
    ],
)
def test_each_item_of_a_list_is_told(body: Any, lines: list[str]) -> None:
    assert why_not(rules(ITEMS), webhook("desk", body), "each") == lines


def test_of_many_items_the_first_few_are_told() -> None:
    lines = why_not(rules(ITEMS), webhook("desk", {"items": [{"a": 2}] * 5}), "each")

    assert len(lines) == 4
    assert lines[-1] == "each: and 2 more items"


TWO = """\
rules:
  - {name: one, task: {title: a}}
  - {name: two, when: {body.a: 1}, task: {title: "{{ body.title }}"}}
otherwise: {drop: no}
"""


def test_a_rule_that_an_earlier_one_kept_from_being_asked_is_told() -> None:
    event = webhook("desk", {"a": 1, "title": "b"})

    assert why_not(rules(TWO, match="first"), event, "two") == [
        "two: it would match, but an earlier rule settles the event (match: first)"
    ]


def test_otherwise_needs_no_condition_to_be_kept_from_acting() -> None:
    (line,) = why_not(rules(TWO), webhook("desk", {}), "otherwise")

    assert line == "otherwise: it acts only where no rule matched and none is undecided"


def test_a_shadow_rule_whose_task_would_be_refused_is_told() -> None:
    text = TWO.replace("{name: two", "{name: two, mode: shadow")

    (line,) = why_not(rules(text), webhook("desk", {"a": 1, "title": " "}), "two")

    assert line == "two: its action is refused: a task needs a title that is not blank"


def test_a_deduplication_key_that_cannot_be_had_is_told() -> None:
    rule_set = rules(TWO, dedupe='{key: "{{ body.id }}"}')

    (line,) = why_not(rule_set, webhook("desk", {"a": 1}), "two")

    assert line == "two: dedupe: body.id is not there"


def test_of_an_event_that_cannot_be_read_there_is_nothing_to_tell() -> None:
    assert why_not(rules(TWO), webhook("desk", b"{"), "two") == []
