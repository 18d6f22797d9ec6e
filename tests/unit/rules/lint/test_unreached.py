from __future__ import annotations

import pytest

from tests.support.linting import found, of_rules, said
from tests.support.rule_files import HEAD

FIRST = "match: first\n"
COVERED = [
    ("{event: a}", "{event: a, body.x: 1}"),
    ("{event: {in: [a, b]}}", "{event: b}"),
    ("{event: {in: [a, b, c]}}", "{event: {in: [b, c]}}"),
    ("{body.x: {gte: 5}}", "{body.x: {gt: 5}}"),
    ("{body.x: {gte: 5}}", "{body.x: {gte: 6, lt: 10}}"),
    ("{body.x: {gt: 5}}", "{body.x: 6}"),
    ("{body.x: {lt: '2026-02-01T00:00:00Z'}}", "{body.x: {lte: '2026-01-01T00:00:00Z'}}"),
    ("{body.x: {starts_with: refs/}}", "{body.x: {starts_with: refs/heads/}}"),
    ("{body.x: {ends_with: example}}", "{body.x: {ends_with: .example}}"),
    ("{body.x: {has_any: [a, b]}}", "{body.x: {has: a}}"),
    ("{body.x: {has: a}}", "{body.x: {has_all: [a, b]}}"),
    ("{body.x: {cidr: 10.0.0.0/8}}", "{body.x: {cidr: [10.1.0.0/16, 10.2.0.0/16]}}"),
    ("{body.x: {matches: '^a'}}", "{body.x: {matches: '^a'}, body.y: 1}"),
    ("{body.x: {matches: '^a'}}", "{body.x: abc}"),
    ("{body.x: {exists: true}}", "{body.x: {ne: 5}}"),
    ("{body.x: {exists: true}}", "{body.x.y: 5}"),
    ("{body.x: {type: object}}", "{body.x.y: 5}"),
    ("{body.x: {type: number}}", "{body.x: {type: integer}}"),
    ("{body.x: {ne: a}}", "{body.x: b}"),
    ("{body.x: {not_in: [a, b]}}", "{body.x: {in: [c, d]}}"),
    ("{not: {body.x: a}}", "{body.x: {exists: false}}"),
    ("{not: {body.x: a}}", "{body.x: b}"),
    ("{any: [{event: a}, {event: b}]}", "{event: a, body.x: 1}"),
    ("{event: a}", "{event: a, any: [{body.x: 1}, {body.x: 2}]}"),
    ("body.a > body.b", "{all: [body.a > body.b, {body.x: 1}]}"),
    ("{headers.X-Topic: a}", "{headers.x-topic: a, body.x: 1}"),
    ("{body.x: {gt: 5}}", "{body.x: {gt: 5, starts_with: '6'}}"),
    ("{vars.x: 5}", "{vars.x: 5, body.y: 1}"),
    # An earlier rule that is undecided stops there too, so it need not be true, only not false.
    ("{body.x: {gt: 5}}", "{body.x: {type: null}}"),
]
NOT_COVERED = [
    ("{event: a}", "{event: b}"),
    ("{event: a, body.x: 1}", "{event: a}"),
    ("{event: a}", "{event: {in: [a, b]}}"),
    ("{body.x: {gte: 5}}", "{body.x: {gte: 4}}"),
    ("{body.x: {gt: 5}}", "{body.x: {gte: 5}}"),
    ("{body.x: {gt: 5}}", "{body.y: {gt: 5}}"),
    ("{body.x: {starts_with: refs/heads/}}", "{body.x: {starts_with: refs/}}"),
    ("{body.x: {starts_with: a}}", "{body.x: {ends_with: a}}"),
    ("{body.x: {has_all: [a, b]}}", "{body.x: {has: a}}"),
    ("{body.x: {cidr: 10.1.0.0/16}}", "{body.x: {cidr: 10.0.0.0/8}}"),
    ("{body.x: {matches: '^a'}}", "{body.x: {matches: '^ab'}}"),
    ("{body.x: {exists: true}}", "{not: {body.x: 5}}"),
    ("{body.x: {ne: a}}", "{not: {body.x: a}}"),
    ("{body.x: {type: integer}}", "{body.x: {type: number}}"),
    ("{any: [{event: a}, {event: b}]}", "{body.x: 1}"),
    ("body.a > body.b", "{body.x: 1}"),
    ("body.a > 1", "body.a > 2"),
    ("{vars.x: 5}", "{body.x: 5}"),
]


def reported(first: str, second: str, head: str = FIRST) -> list[str]:
    rules = f"""\
        - {{name: one, when: {first}, task: {{title: x}}}}
        - {{name: two, when: {second}, task: {{title: y}}}}
    """
    return said(of_rules(rules, "R071", f"vars: {{x: '{{{{ body.x }}}}'}}\n{head}"))


@pytest.mark.parametrize(("first", "second"), COVERED)
def test_a_rule_that_matches_nothing_more_than_one_before_it_is_reported(
    first: str, second: str
) -> None:
    assert reported(first, second) == [
        "8:12 the rule `two` is never reached: `one` on line 7 takes whatever it would match first"
    ]


@pytest.mark.parametrize(("first", "second"), NOT_COVERED)
def test_a_rule_that_may_match_something_more_is_not(first: str, second: str) -> None:
    assert reported(first, second) == []


def test_under_match_all_every_rule_is_reached() -> None:
    assert reported("{event: a}", "{event: a, body.x: 1}", "match: all\n") == []


def test_a_rule_that_never_matches_is_not_said_to_be_behind_another() -> None:
    assert reported("{event: a}", "{event: a, body.x: {in: []}}") == []
    assert reported("{body.x: {in: []}}", "{event: a}") == []


@pytest.mark.parametrize(
    ("one", "two", "count"),
    [("live", "live", 1), ("shadow", "live", 0), ("off", "live", 0), ("live", "shadow", 0)],
)
def test_only_live_rules_stand_before_others_and_behind_them(
    one: str, two: str, count: int
) -> None:
    rules = f"""\
        - {{name: one, mode: {one}, when: {{event: a}}, task: {{title: x}}}}
        - {{name: two, mode: {two}, when: {{event: a}}, task: {{title: y}}}}
    """
    assert len(of_rules(rules, "R071", FIRST)) == count


@pytest.mark.parametrize(
    ("one", "two", "count"),
    [
        ("", "for_each: body.x, ", 1),
        ("for_each: body.x, ", "for_each: body.x, ", 1),
        ("for_each: body.x, ", "for_each: body.y, ", 0),
        ("for_each: body.x, ", "", 0),
    ],
)
def test_a_rule_of_a_list_stands_before_those_of_the_same_list_only(
    one: str, two: str, count: int
) -> None:
    for when in ("", "when: {event: a}, "):
        rules = f"""\
            - {{name: one, {one}{when}task: {{title: x}}}}
            - {{name: two, {two}when: {{event: a, body.z: 1}}, task: {{title: y}}}}
        """
        assert len(of_rules(rules, "R071", FIRST)) == count + (not one and not when)


def test_behind_a_rule_without_a_condition_nothing_is_reached() -> None:
    rules = """\
        - {name: one, task: {title: x}}
        - {name: two, when: {body.x: {matches: a}}, task: {title: y}}
        - {name: three, for_each: body.x, task: {title: y}}
    """
    assert said(of_rules(rules, "R071", FIRST)) == [
        "7:12 the rule `two` is never reached: `one` on line 6 takes every event first",
        "8:12 the rule `three` is never reached: `one` on line 6 takes every event first",
        "9:1 `otherwise` is never reached: the rule `one` on line 6 matches every event",
    ]


@pytest.mark.parametrize(
    ("rule", "count"),
    [
        ("task: {title: x}", 1),
        ("mode: shadow, task: {title: x}", 0),
        ("mode: off, task: {title: x}", 0),
        ("for_each: body.x, task: {title: x}", 0),
        ("when: {event: a}, task: {title: x}", 0),
    ],
)
def test_otherwise_is_not_reached_behind_a_rule_without_a_condition(rule: str, count: int) -> None:
    assert len(of_rules(f"- {{name: one, {rule}}}\n", "R071")) == count


def test_without_otherwise_nothing_is_said_of_it() -> None:
    assert found(f"{HEAD}rules: [{{name: one, task: {{title: x}}}}]\n", "R071") == []


def test_conditions_with_many_ways_to_fail_or_many_parts_are_left_alone() -> None:
    several = ", ".join(f"{{body.a{n}: 1}}" for n in range(65))
    assert reported(f"{{all: [{several}]}}", f"{{all: [{several}]}}") == []
    parts = ", ".join(f"{{body.a{n}: 1}}" for n in range(101))
    assert reported("{body.a1: 1}", f"{{all: [{parts}]}}") == []
    ways = ", ".join(f"{{any: [{{body.a{n}: 1}}, {{body.b{n}: 1}}]}}" for n in range(7))
    assert reported("{event: a}", f"{{event: a, all: [{ways}]}}") == []
