from __future__ import annotations

import pytest

from rules.problems import Problem
from tests.support.linting import of_condition, of_rules, said

IMPOSSIBLE = [
    "{body.x: a, 'body[\"x\"]': b}",
    "{body.x: 5, 'body[\"x\"]': '5'}",
    "{body.x: 1, 'body[\"x\"]': true}",
    "{body.x: {eq: a, in: [b, c]}}",
    "{body.x: {in: [a, b], not_in: [a, b]}}",
    "{body.x: {in: []}}",
    "{body.x: {in: [[a]]}}",
    "{body.x: {in: [1, 2, 3], gt: 3}}",
    "{body.x: {in: [1, 2], ne: 1}, not: {body.x: 2}}",
    "{body.x: {eq: 5, ne: 5.0}}",
    "{body.x: {eq: abc, starts_with: b}}",
    "{body.x: {eq: abc, matches: '^b'}}",
    "{body.x: {eq: 5, type: string}}",
    "{body.x: {eq: 5, matches: '5'}}",
    "{body.x: {eq: [a, b], has: c}}",
    "{body.x: {eq: {a: 1}, has: b}}",
    "{body.x: {type: boolean, ne: true}, not: {body.x: false}}",
    "{body.x: {type: null, ne: null}}",
    "{body.x: {type: null, gt: 5}}",
    "{body.x: {type: string}, not: {body.x: {type: string}}}",
    "{body.x: {type: string}, 'body[\"x\"]': {type: array}}",
    "{body.x: {type: object, gt: 5}}",
    "{body.x: {gt: 5, lt: 5}}",
    "{body.x: {gte: 5, lt: 5}}",
    "{body.x: {gt: 5, lte: '5.0'}}",
    "{body.x: {gte: 6, lte: 5}}",
    "{body.x: {gte: 6, gt: 7, lt: 9, lte: 7}}",
    "{body.x: {gt: 7, gte: 6, lte: 7, lt: 9}}",
    "{body.x: {gte: 6}, not: {body.x: {gte: 5}}}",
    "{body.x: {lt: 5}, not: {body.x: {lt: 6}}}",
    "{body.x: {gt: 5}, not: {body.x: {gt: 4}}}",
    "{body.x: {lte: 5}, not: {body.x: {lte: 6}}}",
    "{body.x: {gt: '2026-01-01T00:00:00Z', lt: '2026-01-01T00:00:00+01:00'}}",
    "{body.x: {gt: '2026-01-01T00:00:00Z', lt: 5}}",
    "{body.x: {gt: 5, cidr: 10.0.0.0/8}}",
    "{body.x: {between_times: ['09:00', '17:00'], lt: 5}}",
    "{body.x: {starts_with: ab, eq: b}}",
    "{body.x: {starts_with: ab}, 'body[\"x\"]': {starts_with: ac}}",
    "{body.x: {ends_with: ab}, 'body[\"x\"]': {ends_with: ac}}",
    "{body.x: {starts_with: ab}, not: {body.x: {starts_with: a}}}",
    "{body.x: {ends_with: ab}, not: {body.x: {ends_with: b}}}",
    "{body.x: {starts_with: a, type: number}}",
    "{body.x: {has: a}, not: {body.x: {has: a}}}",
    "{body.x: {has: a}, not: {body.x: {has_any: [a, b]}}}",
    "{body.x: {has_all: [a, b]}, not: {body.x: {has: b}}}",
    "{body.x: {has_any: [a, b]}, not: {any: [{body.x: {has: b}}, {body.x: {has: a}}]}}",
    "{body.x: {has: a}, 'body[\"x\"]': {has: b}, not: {body.x: {has_all: [a, b]}}}",
    "{body.x: {has: 5, type: string}}",
    "{body.x: {has_any: [5, 6], starts_with: a}}",
    "{body.x: {has_all: [a, 6], type: object}}",
    "{body.x: {type: string}, not: {body.x: {has_any: [a, 6]}}}",
    "{body.x: {type: string}, not: {body.x: {has_all: [5, 6]}}}",
    "{body.x: {cidr: 10.0.0.0/8}, 'body[\"x\"]': {cidr: [11.0.0.0/8, '::/0']}}",
    "{body.x: {cidr: [10.1.0.0/16, 10.2.0.0/16]}, not: {body.x: {cidr: [10.0.0.0/8]}}}",
    "{body.x: {cidr: '::ffff:10.0.0.0/104'}, not: {body.x: {cidr: 10.0.0.0/8}}}",
    "{body.x: {between_times: ['22:00', '06:00']}, 'body[\"x\"]': {between_times: ['06:00', '22:00']}}",
    "{body.x: {between_times: ['09:00', '10:00']}, not: {body.x: {between_times: ['08:00', '12:00']}}}",
    "{body.x: {exists: false}, 'body[\"x\"]': a}",
    "{body.x: {exists: false}, 'body[\"x\"]': {ne: a}}",
    "{body.x: a, not: {body.x: {exists: true}}}",
    "{body.x: {exists: true}, not: {body.x: {exists: true}}}",
    "{body.x: {exists: false}, body.x.y: a}",
    "{body.x: a, body.x.y: {exists: true}}",
    "{body.x: {type: array}, body.x.y: a}",
    "{body.x: {type: object}, 'body.x[0]': a}",
    "{body.x: {eq: {y: 1}}, body.x.y: 2}",
    "{body.x: {eq: {y: [1]}}, 'body.x.y[1]': {exists: true}}",
    "{body: {type: array}, body.x: a}",
    "{body.x: {starts_with: a}, body.x.y.z: a}",
    "{headers.x-a: 5}",
    "{headers.x-a: [a, b]}",
    "{headers.x-a: {type: object}}",
    "{headers.x-a.b: a}",
    "{'headers[0]': a}",
    "{headers: {type: array}}",
    "{headers: a}",
    "{headers.X-A: a, headers.x-a: b}",
    "{headers.Cookie: {exists: true}}",
    "{query.a: {in: [1, 2]}}",
    "{query.a.b: {exists: true}}",
    "{event: [a, b]}",
    "{event: a, event.type: b}",
    "{event.received_at: {type: number}}",
    "{all: [{body.x: a}, {all: [{body.y: 1}, {body.x: b}]}]}",
    "{not: {any: [{body.x: {exists: true}}, {body.x: {exists: false}}]}}",
    "{not: {not: {all: [{body.x: 1}, {body.x: 2}]}}}",
    "{any: [{all: [{body.x: 1}, {body.x: 2}]}, {body.y: {in: []}}]}",
    "{body.x: 1, any: [{body.x: 2}, {body.x: 3}]}",
    "{body.x: 1, not: {body.x: 1}}",
    "{body.x: 1, not: {all: [{body.x: 1}]}}",
    "{any: [{body.x: 1}, {body.x: 2}], all: [{any: [{body.x: 3}, {body.x: 4}]}]}",
    "{all: [body.a > 1, {not: body.a > 1}]}",
    "{all: ['{{ body.a }}', {not: '{{ body.a }}'}]}",
    "{vars.x: 1, not: {vars.x: 1}}",
]
POSSIBLE = [
    "{body.x: a, body.y: b}",
    "{body.x: {eq: 5, ne: '5'}}",
    "{body.x: {eq: 5, type: integer}}",
    "{body.x: {eq: '5', gt: 4}}",
    "{body.x: {in: [a, b], not_in: [a]}}",
    "{body.x: {gte: 5, lte: 5}}",
    "{body.x: {gt: 5, lt: 6, type: number}}",
    "{body.x: {gt: 5, type: string}}",
    "{body.x: {gte: 5}, not: {body.x: {gte: 6}}}",
    "{not: {body.x: {gte: 5}}, all: [{not: {body.x: {lt: 5}}}]}",
    "{body.x: {gt: '2026-01-01T00:00:00+01:00', lt: '2026-01-01T00:00:00Z'}}",
    "{body.x: {between_times: ['09:00', '17:00'], gt: '2026-01-01T00:00:00Z'}}",
    "{body.x: {between_times: ['22:00', '06:00']}, 'body[\"x\"]': {between_times: ['05:00', '09:00']}}",
    "{body.x: {starts_with: ab}, 'body[\"x\"]': {starts_with: a}}",
    "{body.x: {starts_with: a}, not: {body.x: {starts_with: ab}}}",
    "{body.x: {starts_with: ab, ends_with: ba}}",
    "{body.x: {matches: '^a'}, 'body[\"x\"]': {matches: '^b'}}",
    "{body.x: {has: a}, not: {body.x: {has: b}}}",
    "{body.x: {has_any: [a, b]}, not: {body.x: {has: a}}}",
    "{body.x: {has: a}, not: {body.x: {has_all: [a, b]}}}",
    "{body.x: {has_any: [5, a], type: string}}",
    "{body.x: {type: string}, not: {body.x: {has_all: [a, 6]}}}",
    "{body.x: {type: number}, not: {body.x: {type: integer}}}",
    "{body.x: {cidr: 10.0.0.0/8}, 'body[\"x\"]': {cidr: 10.1.0.0/16}}",
    "{body.x: {cidr: 10.0.0.0/8}, not: {body.x: {cidr: 10.1.0.0/16}}}",
    "{not: {body.x: {exists: true}}, all: [{not: {body.x: a}}, {not: {body.x: {gt: 5}}}]}",
    "{body.x: {exists: true}, not: {body.x: {exists: false}}}",
    "{body.x: {exists: false}, not: {body.x.y: a}}",
    "{body.x: {eq: {y: 1}}, body.x.y: 1.0}",
    "{body.x: {eq: [{y: 1}]}, 'body.x[-1].y': 1}",
    "{'body.x[0]': a, 'body.x[-1]': b}",
    "{headers.x-a: '5', headers.x-b: {gt: 5}}",
    "{headers: {has: x-a}, headers.x-a: a}",
    "{event: {in: [a, b]}, event.type: b}",
    "{vars.x: 1, vars.y: 2}",
    "{vars.x.y: 1, vars.y.x: 2}",
    "{any: [{body.x: 1}, {body.x: 2}]}",
    "{body.x: 1, not: {body.x: 2, body.y: 3}}",
    "{all: [body.a > 1, {not: body.a > 2}]}",
    "{body.x: {in: [" + ", ".join(map(str, range(201))) + "], gt: 500}}",
]


@pytest.mark.parametrize("when", IMPOSSIBLE)
def test_a_rule_that_can_never_match_is_reported(when: str) -> None:
    (problem,) = of_condition(when, "R070") if "vars" not in when else of_vars(when)
    assert problem.severity == "warning"
    assert problem.message.startswith("the rule `one` never matches: ")


@pytest.mark.parametrize("when", POSSIBLE)
def test_a_rule_that_may_match_is_not(when: str) -> None:
    assert (of_condition(when) if "vars" not in when else of_vars(when)) == []


def of_vars(when: str) -> list[Problem]:
    rules = f"- {{name: one, when: {when}, task: {{title: x}}}}\n"
    return of_rules(rules, "R070", "vars: {x: '{{ body.x }}', y: '{{ body.y }}'}\n")


LOOPS = [
    ("body.x", "{body.x: {exists: false}}", True),
    ("body.x", "{body.x: {type: string}}", True),
    ("body.x", "{body.x: {eq: [1]}}", False),
    ("body.x", "{body: {type: array}}", True),
    ("body.x.y", "{body.x: a}", True),
    ("body.x.y", "{body.x: {exists: true}}", False),
    ("body.x", "{item: a, item.y: b}", True),
    ("body.x", "{item.y: a}", False),
    ("headers.x", "{item: a}", True),
    ("event", "{item: a}", True),
    ("query.a.b", "{item: a}", True),
    ("vars.x", "{item: a}", False),
]


@pytest.mark.parametrize(("path", "when", "impossible"), LOOPS)
def test_what_for_each_goes_through_has_to_be_a_list(
    path: str, when: str, *, impossible: bool
) -> None:
    rules = f"- {{name: one, for_each: {path}, when: {when}, task: {{title: x}}}}\n"
    assert bool(of_rules(rules, "R070", "vars: {x: '{{ body.x }}'}\n")) is impossible


def test_a_list_that_is_none_is_reported_at_the_rule_where_it_has_no_condition() -> None:
    rules = "- {name: one, for_each: event.type, task: {title: x}}\n"
    assert said(of_rules(rules, "R070")) == [
        "5:12 the rule `one` never matches: `for_each` needs a list, and what stands in `event` is text"
    ]


@pytest.mark.parametrize(("mode", "count"), [("live", 1), ("shadow", 1), ("off", 0)])
def test_rules_that_are_off_are_left_alone(mode: str, count: int) -> None:
    rules = f"- {{name: one, mode: {mode}, when: {{body.x: {{in: []}}}}, task: {{title: x}}}}\n"
    assert len(of_rules(rules, "R070")) == count


def test_parts_of_an_any_are_reported_one_by_one_where_another_may_hold() -> None:
    rules = """\
        - name: one
          when:
            body.x: 1
            any:
              - {body.x: 2}
              - {body.y: 2}
              - all: [{body.y: 3}, {any: [{body.x: 3}, {body.z: 4}]}]
            not: {body.x: 5, body.y: 6}
          task: {title: x}
    """
    assert said(of_rules(rules, "R070")) == [
        "9:20 part 1 of this `any` never holds: `body.x: 1` and `body.x: 2` exclude each other",
        "11:46 part 1 of this `any` never holds: `body.x: 1` and `body.x: 3` exclude each other",
    ]


@pytest.mark.parametrize(
    ("when", "message", "hint"),
    [
        (
            "{body.x: a, 'body[\"x\"]': b}",
            '`body.x: "a"` and `body["x"]: "b"` exclude each other',
            'for one of several values write {in: ["a", "b"]}',
        ),
        (
            "{event: [a, b, c, d, e]}",
            '`event: ["a", "b", "c", …]` never holds, since what stands in `event` is text',
            'for one of several values write {in: ["a", "b", "c", …]}',
        ),
        (
            "{query.page: 1}",
            "`query.page: 1` never holds, since what stands in `query` is text",
            "put the value in quotes",
        ),
        (
            "{query.page: {gt: 1, type: number}}",
            '`query.page: {type: "number"}` never holds, since what stands in `query` is text',
            None,
        ),
        (
            "{query.page.x: 1}",
            "`query.page.x: 1` never holds, since what stands in `query` has no parts",
            None,
        ),
        (
            "{query.page: 1.5}",
            "`query.page: 1.5` never holds, since what stands in `query` is text",
            "put the value in quotes",
        ),
        (
            "{query.page: {eq: {a: 1}}}",
            '`query.page: {"a":1}` never holds, since what stands in `query` is text',
            None,
        ),
        ("{headers: a}", '`headers: "a"` never holds, since `headers` is a mapping', None),
        (
            "{body.x: {gt: 5, lt: 4}, body.y: 1}",
            "`body.x: {gt: 5}` and `body.x: {lt: 4}` exclude each other",
            None,
        ),
        (
            "{body.x: {in: [1, 2]}, not: {any: [{body.x: 1}, {body.x: 2}]}}",
            "`body.x: {in: [1, 2]}`, not `body.x: 1` and not `body.x: 2` exclude each other",
            None,
        ),
        (
            "{any: [{body.x: {in: []}}, {body.y: {in: []}}]}",
            "`body.y: {in: []}` never holds, since no value is in that list, and so it is with each alternative",
            None,
        ),
        (
            "{all: [body.a > 1, {not: body.a > 1}]}",
            "`body.a > 1` and not `body.a > 1` exclude each other",
            None,
        ),
        (
            "{headers.x-token: 9f86d081884c7d659a2feaa0, headers.X-Token: xoxb-12345678901234567890}",
            '`headers.x-token: "…"` and `headers.X-Token: "…"` exclude each other',
            'for one of several values write {in: ["…", "…"]}',
        ),
    ],
)
def test_it_is_said_what_excludes_what(when: str, message: str, hint: str | None) -> None:
    (problem,) = of_condition(when)
    assert problem.message == f"the rule `one` never matches: {message}"
    assert problem.hint == hint


def test_conditions_of_more_than_a_hundred_parts_are_left_alone() -> None:
    parts = ", ".join(f"{{body.a{n}: 1}}" for n in range(98))
    assert len(of_condition(f"{{body.x: {{in: []}}, all: [{parts}]}}")) == 1
    parts += ", {body.b: 1}, {body.c: 1}"
    assert of_condition(f"{{body.x: {{in: []}}, all: [{parts}]}}") == []


def test_conditions_with_many_alternatives_are_looked_at_part_by_part() -> None:
    several = ", ".join(f"{{any: [{{body.a{n}: 1}}, {{body.b{n}: 2}}]}}" for n in range(10))
    assert of_condition(f"{{all: [{several}]}}") == []
    assert len(of_condition(f"{{body.x: 1, all: [{several}, {{body.x: 2}}]}}")) == 1
