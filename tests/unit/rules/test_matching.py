"""What is expected and what is found are compared field by field, and told so that the eye finds it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules.matching import Difference, differences, matches
from tests.support.rule_parts import node

TASK = {
    "title": "Fulfil order #1001",
    "priority": "high",
    "labels": ["shopify", "urgent"],
    "due_at": None,
    "occurrences": 2,
    "all_day": False,
    "custom": {"total": "640.00", "items": 2, "rate": Decimal("19.90"), "meta": {"a": 1}},
    "links": [{"object": "people", "id": "p1"}, {"object": "deal", "id": "d1"}],
}


def compared(expected: str, found: Any = TASK) -> list[Difference]:
    return list(differences(node(expected), found, "task"))


def told(expected: str, found: Any = TASK) -> list[str]:
    return [f"{d.path}: {d.expected} | {d.found} | {d.hint}" for d in compared(expected, found)]


@pytest.mark.parametrize(
    "expected",
    [
        "{}",
        "{title: 'Fulfil order #1001', priority: high}",
        "{labels: [shopify, urgent]}",
        "{due_at: null}",
        "{due_at: }",
        "{nothing_of_the_kind: null}",
        "{occurrences: 2.0}",
        "{custom: {items: 2, rate: 19.9, meta: {}}}",
        "{links: [{object: people}, {id: d1}]}",
        "{title: {matches: '^Fulfil .* #[0-9]+$'}, priority: {matches: h}}",
        "{labels: [{matches: ^shop}, urgent]}",
        "{all_day: false}",
    ],
)
def test_what_is_not_named_may_be_anything(expected: str) -> None:
    assert compared(expected) == []


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ("{priority: low}", 'task.priority: "low" | "high" | None'),
        ("{due_at: 2026-11-24}", 'task.due_at: "2026-11-24" | null | None'),
        ("{priority: null}", 'task.priority: null | "high" | None'),
        (
            "{labels: [urgent, shopify]}",
            'task.labels: ["urgent","shopify"] | ["shopify","urgent"] | None',
        ),
        ("{labels: [shopify]}", 'task.labels: ["shopify"] | ["shopify","urgent"] | None'),
        ("{labels: urgent}", 'task.labels: "urgent" | ["shopify","urgent"] | None'),
        ("{title: {first: a}}", 'task.title: {"first":"a"} | "Fulfil order #1001" | None'),
        ("{custom: {totl: 1}}", "task.custom.totl: 1 | nothing | did you mean `total`?"),
        ("{custom: {meta: {a: 2}}}", "task.custom.meta.a: 2 | 1 | None"),
        (
            "{links: [{object: people}, {id: d2}]}",
            'task.links[1].id: "d2" | "d1" | None',
        ),
        ("{title: {matches: ^x}}", 'task.title: matches "^x" | "Fulfil order #1001" | None'),
        ("{occurrences: {matches: '2'}}", 'task.occurrences: matches "2" | 2 | None'),
    ],
)
def test_each_difference_is_told_with_its_path(expected: str, words: str) -> None:
    assert told(expected) == [words]


@pytest.mark.parametrize(
    ("expected", "hint"),
    [
        ("{custom: {total: 640.00}}", "only the type differs: it is a text, put it in quotes"),
        ("{custom: {total: 640}}", "only the type differs: it is a text, put it in quotes"),
        (
            "{custom: {items: '2'}}",
            "only the type differs: it is a number, write it without quotes",
        ),
        ("{all_day: 'false'}", "only the type differs: it is a boolean, write it without quotes"),
        ("{custom: {total: 641}}", None),
        ("{custom: {items: '3'}}", None),
        ("{all_day: 'no'}", None),
        ("{all_day: 0}", None),
        ("{title: 'fulfil ORDER #1001'}", "only upper and lower case differ"),
        ("{title: 'Fulfil  order #1001 '}", "only blanks or line breaks differ"),
    ],
)
def test_it_is_told_where_only_the_type_or_the_look_differs(
    expected: str, hint: str | None
) -> None:
    (difference,) = compared(expected)

    assert difference.hint == hint


def test_a_boolean_that_is_a_text_is_told_too() -> None:
    assert told("true", "true") == [
        'task: true | "true" | only the type differs: it is a text, put it in quotes'
    ]


def test_of_long_texts_the_part_that_differs_is_shown() -> None:
    same = "a" * 150
    (difference,) = compared(f'{{title: "{same}b and more"}}', {"title": f"{same}c" + "d" * 200})

    assert difference.expected == f'…"{"a" * 20}b and more"'
    assert difference.found == f'…"{"a" * 20}c{"d" * 79}"…'
    assert difference.hint == "they differ from character 151 on"


def test_of_long_texts_one_may_be_the_start_of_the_other() -> None:
    (difference,) = compared(f'{{title: "{"a" * 150}"}}', {"title": "a" * 151})

    assert difference.expected == f'…"{"a" * 20}"'
    assert difference.hint == "they differ from character 151 on"


def test_other_long_values_are_cut() -> None:
    (difference,) = compared("{labels: []}", {"labels": ["label"] * 50})

    assert len(difference.found) == 100
    assert difference.found.endswith("…")


def test_a_line_break_is_shown_as_such() -> None:
    assert told("{title: a}", {"title": "a\nb"}) == ['task.title: "a" | "a\\nb" | None']


def test_a_difference_stands_at_the_value_that_is_expected() -> None:
    first, second = compared("priority: low\nlabels:\n  - x\n")

    assert str(first.span) == "rules.yaml:1:11"
    assert str(second.span) == "rules.yaml:3:3"


def test_a_mapping_named_matches_is_compared_as_one_where_a_mapping_is_found() -> None:
    assert compared("{custom: {matches: a}}", {"custom": {"matches": "a", "b": 1}}) == []


@pytest.mark.parametrize(
    ("expected", "found", "met"),
    [
        ("a", "a", True),
        ("a", "ab", False),
        ({"matches": "^a"}, "ab", True),
        ({"matches": "^b"}, "ab", False),
        ({"matches": "^b"}, None, False),
        ({"matches": "\ufffd"}, "\ud800", True),
    ],
)
def test_a_reason_is_met_to_the_letter_or_by_a_pattern(
    expected: Any, found: Any, *, met: bool
) -> None:
    assert matches(expected, found) is met
