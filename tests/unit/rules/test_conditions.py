from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.conditions_tree import Leaf
from rules.decision import Step
from rules.operators import OPERATORS
from rules.scope import ScopeSpec
from tests.support.rule_parts import condition, condition_problems, scope

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "conditions.md"
WORDS = {True: "matched", False: "not", None: "undecided"}


def answer(when: str, body: Any = None, **given: Any) -> bool | None:
    return condition(when).test(scope(body, **given))


def _examples() -> list[tuple[str, str, str]]:
    found, when = [], ""
    for part in re.finditer(
        r"```yaml\nwhen: (.*)\n```|^- `(\{.*\})` (\w+)$", PAGE.read_text(), re.MULTILINE
    ):
        if part[1] is not None:
            when = part[1]
        else:
            found.append((when, part[2], part[3]))
    return found


@pytest.mark.parametrize(("when", "body", "verdict"), _examples())
def test_every_line_of_the_page_is_so(when: str, body: str, verdict: str) -> None:
    parsed = json.loads(body, parse_float=Decimal)
    assert WORDS[answer(when, parsed)] == verdict


def test_every_operator_has_examples_on_the_page() -> None:
    headings = re.findall(r"^### `(\w+)`$", PAGE.read_text(), re.MULTILINE)
    assert headings == list(OPERATORS)
    shown = {word for when, _, _ in _examples() for word in OPERATORS if f"{word}:" in when}
    assert shown | {"eq"} == set(OPERATORS)


def test_a_key_whose_value_is_null_is_there() -> None:
    body = {"x": None}
    assert answer("{body.x: {exists: true}}", body) is True
    assert answer("{body.x: {eq: null}}", body) is True
    assert answer("{body.x: }", body) is True
    assert answer("{body.x: {type: null}}", body) is True
    assert answer('{body.x: {type: "null"}}', body) is True
    assert answer("{body.x: {gt: 1}}", body) is None
    assert answer("{body.x: {starts_with: a}}", body) is None


@pytest.mark.parametrize(
    "operator",
    [
        "eq: null",
        "ne: 1",
        "in: [null]",
        "not_in: [1]",
        "gt: 1",
        "has: a",
        "matches: a",
        "exists: true",
        "type: string",
        "cidr: 10.0.0.0/8",
        'between_times: ["1:00", "2:00"]',
    ],
)
def test_on_a_missing_path_every_operator_is_false_and_not_around_it_true(operator: str) -> None:
    assert answer(f"{{body.a.b: {{{operator}}}}}", {}) is False
    assert answer(f"{{not: {{body.a.b: {{{operator}}}}}}}", {}) is True


def test_exists_asks() -> None:
    assert answer("{body.a.b: {exists: false}}", {}) is True
    assert answer("{body.a.b: {exists: false}}", {"a": {"b": None}}) is False


UNDECIDED = "{body.u: {gt: 1}}"
TRUE = "{body.t: 1}"
FALSE = "{body.t: 2}"
BODY = {"u": "many", "t": 1}


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (f"{{all: [{TRUE}, {TRUE}]}}", True),
        (f"{{all: [{UNDECIDED}, {FALSE}]}}", False),
        (f"{{all: [{FALSE}, {UNDECIDED}]}}", False),
        (f"{{all: [{UNDECIDED}, {TRUE}]}}", None),
        (f"{{any: [{FALSE}, {FALSE}]}}", False),
        (f"{{any: [{UNDECIDED}, {TRUE}]}}", True),
        (f"{{any: [{TRUE}, {UNDECIDED}]}}", True),
        (f"{{any: [{UNDECIDED}, {FALSE}]}}", None),
        (f"{{not: {UNDECIDED}}}", None),
        (f"{{not: {FALSE}}}", True),
        ("{body.t: 1, body.u: {gt: 1}}", None),
        ("{body.t: 2, body.u: {gt: 1}}", False),
        ("{body.t: {gte: 1, lt: 2}}", True),
        ("{body.t: {gte: 1, lt: 1}}", False),
        (f"{{any: [{{not: {UNDECIDED}}}, 'body.t == 1']}}", True),
    ],
)
def test_undecided_parts_decide_only_where_no_other_part_does(
    when: str,
    expected: bool | None,  # noqa: FBT001  three values, not a flag
) -> None:
    compiled = condition(when)
    assert compiled.test(scope(BODY)) is expected
    assert compiled.judge(scope(BODY))[0] is expected


@pytest.mark.parametrize(
    ("when", "body", "expected"),
    [
        ("{body.x: [1, 2]}", {"x": [1, Decimal("2.0")]}, True),
        ("{body.x: [1, 2]}", {"x": 1}, False),
        ("{body.x: {eq: {a: 1}}}", {"x": {"a": 1}}, True),
        ("{body.x: {in: [{a: 1}, b]}}", {"x": {"a": 1}}, True),
        ("{body.x: {in: [{a: 1}, b]}}", {"x": {"a": 2}}, False),
        ("{body.x: {in: [true, null]}}", {"x": 1}, False),
        ("{body.x: {in: [true, null]}}", {"x": True}, True),
        ("{body.x: {not_in: [[1]]}}", {"x": [1]}, True),
        ("{body.x: {has: 1}}", {"x": [Decimal("1.0")]}, True),
        ("{body.x: {has: 1}}", {"x": "1"}, None),
        ("{body.x: {has: {a: 1}}}", {"x": [{"a": 1}]}, True),
        ("{body.x: {has_any: [1, a]}}", {"x": "a"}, True),
        ("{body.x: {has_any: [1, b]}}", {"x": "a"}, None),
        ("{body.x: {has_all: [1, a]}}", {"x": "a"}, None),
        ("{body.x: {has_all: [1, b]}}", {"x": "a"}, False),
        ("{body.x: no}", {"x": "no"}, True),
        ("{body.x: {type: number}}", {"x": Decimal("1.5")}, True),
        ("{body.x: {type: array}}", {"x": []}, True),
        ("{body.x: {type: object}}", {"x": []}, False),
        ("{body.x: {matches: '(?i)WORLD'}}", {"x": "hello world"}, True),
        ("{body.x: {matches: a}}", {"x": "\ud800a"}, True),
        ("{body.x: {cidr: '::ffff:10.0.0.0/104'}}", {"x": "10.9.9.9"}, True),
        ("{body.x: {cidr: '2001:db8::/32'}}", {"x": "2001:db8::1"}, True),
        ("{body.x: {cidr: 10.0.0.0/8}}", {"x": "2001:db8::1"}, False),
        ("{body.x: {cidr: 10.0.0.0/8}}", {"x": 167772161}, None),
        ("{body.x: {gt: '5'}}", {"x": "6"}, True),
        ("{body.x: {gte: '2026-11-23T00:00:00Z'}}", {"x": "2026-11-23T01:00:00+01:00"}, True),
        ("{body.x: {gte: '2026-11-23T00:00:00Z'}}", {"x": 5}, None),
        ('{body.x: {between_times: ["09:00", "17:00"]}}', {"x": "9:00"}, True),
        ('{body.x: {between_times: ["09:00", "17:00"]}}', {"x": "17:00"}, False),
        ('{body.x: {between_times: ["09:00", "17:00"]}}', {"x": "2026-07-01T08:30:00Z"}, True),
        ('{body.x: {between_times: ["09:00", "17:00"]}}', {"x": "2026-01-01T08:30:00Z"}, False),
        ('{body.x: {between_times: ["09:00", "17:00"]}}', {"x": "25:00"}, None),
        ('{body.x: {between_times: ["09:00", "17:00"]}}', {"x": "9999-12-31T23:59:59-23:00"}, None),
        ('{body.x: {between_times: ["23:00", "00:00"]}}', {"x": "2016-12-31T23:59:60Z"}, True),
    ],
)
def test_operators_decide_as_their_tables_say(
    when: str,
    body: Any,
    expected: bool | None,  # noqa: FBT001  three values, not a flag
) -> None:
    assert answer(when, body) is expected


def test_the_short_form_of_the_event_type() -> None:
    assert answer("{event: orders/create}", type="orders/create") is True
    assert answer("{event.type: orders/create}", type="orders/create") is True
    assert answer("{event: {exists: false}}") is True


def test_headers_are_found_in_any_case() -> None:
    assert answer("{headers.X-Topic: a}", headers={"x-topic": "a"}) is True


@pytest.mark.parametrize("source", ["body.n > 3", "{{ body.n > 3 }}", " {{ body.n > 3 }}\n"])
def test_an_expression_is_the_same_with_and_without_braces(source: str) -> None:
    compiled = condition(f"{source!r}".replace("'", '"'))
    assert compiled.test(scope({"n": 5})) is True
    assert compiled.test(scope({"n": 1})) is False
    assert compiled.test(scope({})) is None


def test_an_expression_that_is_neither_true_nor_false_is_undecided() -> None:
    compiled = condition("body.n")
    assert compiled.test(scope({"n": 1})) is None
    assert compiled.test(scope({"n": True})) is True
    assert compiled.trace(scope({"n": 1}))[0].reason == (
        "an expression has to be true or false, found a number"
    )
    assert compiled.trace(scope({}))[0].reason == "body.n is not there"


def test_a_variable_that_cannot_be_evaluated_makes_a_condition_undecided() -> None:
    seen = scope({}, variables={"total": "{{ body.total | number }}"})
    compiled = condition("{vars.total: {gte: 5}}")
    assert compiled.test(seen) is None
    assert compiled.trace(seen)[0].reason == "vars.total: body.total is not there"
    assert compiled.variables == {"total"}
    assert condition("{any: [vars.total == 1, {not: {vars.who: a}}]}").variables == {"total", "who"}
    assert condition("{body.a: {exists: true}}").variables == frozenset()


def test_a_trace_shows_each_part_with_what_was_expected_and_found() -> None:
    compiled = condition(
        "{event: push, not: {body.draft: true}, any: [body.n > 1, {body.u: {gt: 1}}]}"
    )
    steps = compiled.trace(scope({"draft": False, "n": 1, "u": "many"}, type="push"))
    assert [(s.depth, s.text, s.verdict) for s in steps] == [
        (0, "event eq", "matched"),
        (0, "not", "matched"),
        (1, "body.draft eq", "not"),
        (0, "any", "undecided"),
        (1, "body.n > 1", "not"),
        (1, "body.u gt", "undecided"),
    ]
    assert steps[5] == Step(
        "body.u gt",
        "undecided",
        1,
        "many",
        steps[5].at,
        "gt needs a number, a text that spells one, or a date and time of RFC 3339, found a string",
        1,
    )


def test_a_trace_says_when_only_the_type_differs() -> None:
    (step,) = condition("{body.price: 640}").trace(scope({"price": "640"}))
    assert step.reason == "only the type differs: found a string, expected a number"
    (step,) = condition("{body.price: {in: [1, 640]}}").trace(scope({"price": "640"}))
    assert step.reason == "only the type differs: found a string, expected a number"
    (step,) = condition("{body.price: 640}").trace(scope({"price": "641"}))
    assert step.reason is None
    (step,) = condition("{body.price: {ne: 640}}").trace(scope({"price": 640}))
    assert step.reason is None


def test_a_trace_keeps_long_values_short() -> None:
    (step,) = condition("{body.x: a}").trace(scope({"x": "y" * 5000}))
    assert len(step.found) == 200
    (step,) = condition("{body.x: a}").trace(scope({"x": ["y"] * 5000}))
    assert len(step.found) == 200
    (step,) = condition("{body.x: a}").trace(scope({}))
    assert (step.verdict, step.reason) == ("not", "body.x is not there")


@pytest.mark.parametrize(
    ("when", "code", "column"),
    [
        ("{}", "R054", 1),
        ("[body.a]", "R013", 1),
        ("{not: null}", "R013", 7),
        ("{any: []}", "R054", 7),
        ("{all: []}", "R054", 7),
        ("{any: {body.a: 1}}", "R013", 7),
        ("{not: [body.a]}", "R013", 7),
        ("{not: {}}", "R054", 7),
        ("{any: [{}]}", "R054", 8),
        ("{body.a: {}}", "R054", 10),
        ("{body.a: {x: 1, y: 2}}", "R055", 10),
        ("{body.a: {gtee: 1}}", "R052", 11),
        ("{body.a: {gt: 1, zz: 2}}", "R052", 18),
        ("{body..a: 1}", "R050", 7),
        ("{bdy.a: 1}", "R051", 2),
        ("{zzz: 1}", "R051", 2),
        ("{gt: 1}", "R051", 2),
        ("{vars.totl: 1}", "R051", 7),
        ("{vars: 1}", "R051", 2),
        ("{event.typ: 1}", "R051", 8),
        ("{event.zzzzzz: 1}", "R051", 8),
        ("{body.a: {in: a}}", "R053", 15),
        ("{body.a: {not_in: a}}", "R053", 19),
        ("{body.a: {gt: many}}", "R053", 15),
        ("{body.a: {gt: true}}", "R053", 15),
        ("{body.a: {lte: null}}", "R053", 16),
        ("{body.a: {has_any: a}}", "R053", 20),
        ("{body.a: {has_any: []}}", "R054", 20),
        ("{body.a: {has_all: []}}", "R054", 20),
        ("{body.a: {matches: 5}}", "R053", 20),
        ("{body.a: {matches: '(a'}}", "R056", 20),
        ("{body.a: {matches: '(?=a)'}}", "R056", 20),
        ("{body.a: {starts_with: 5}}", "R053", 24),
        ("{body.a: {exists: yes}}", "R053", 19),
        ("{body.a: {type: strin}}", "R053", 17),
        ("{body.a: {type: 5}}", "R053", 17),
        ("{body.a: {cidr: 10.0.0.1/8}}", "R053", 17),
        ("{body.a: {cidr: nowhere}}", "R053", 17),
        ("{body.a: {cidr: [10.0.0.0/8, 5]}}", "R053", 30),
        ("{body.a: {cidr: []}}", "R054", 17),
        ('{body.a: {between_times: "09:00"}}', "R053", 26),
        ('{body.a: {between_times: ["09:00", "24:00"]}}', "R053", 26),
        ('{body.a: {between_times: ["09:00", "09:00"]}}', "R053", 26),
        ("body.a >", "R060", 1),
        ("body.a == 1 }} and {{ body.b", "R060", 1),
        ("{not: bdy.a == 1}", "R061", 7),
    ],
)
def test_mistakes_are_named_where_they_stand(when: str, code: str, column: int) -> None:
    (problem,) = condition_problems(when)
    assert (problem.code, problem.span.line, problem.span.column) == (code, 1, column)


def test_mistakes_come_with_a_suggestion() -> None:
    assert condition_problems("{body.a: {gtee: 1}}")[0].hint == "did you mean `gte`?"
    assert condition_problems("{bdy.a: 1}")[0].hint == "did you mean `body`?"
    assert condition_problems("{event.typ: 1}")[0].hint == "did you mean `type`?"
    assert "eq: {…}" in str(condition_problems("{body.a: {x: 1, y: 2}}")[0].hint)
    assert "behind a path" in str(condition_problems("{gt: 1}")[0].hint)
    assert "host bits" in str(condition_problems("{body.a: {cidr: 10.0.0.1/8}}")[0].hint)


def test_all_mistakes_of_a_condition_are_reported_at_once() -> None:
    problems = condition_problems("{bdy.a: {gt: many}, any: [{body.b: {x: 1}}, 'body.c ==']}")
    assert [problem.code for problem in problems] == ["R051", "R053", "R055", "R060"]


def test_item_is_known_only_inside_for_each() -> None:
    (problem,) = condition_problems("{item.a: 1}", ScopeSpec.of_event())
    assert problem.message == "`item` is there only in a rule with `for_each`"


def test_a_condition_knows_which_equalities_it_needs() -> None:
    def needs(when: str) -> dict[str, set[Any]]:
        return {path.text: set(keys) for path, keys in condition(when).needs().items()}

    assert needs("{event: push}") == {"event": {"push"}}
    assert needs("{event: {in: [a, 5]}, body.x: {gt: 1}}") == {"event": {"a", 5}}
    assert needs("{event: {in: [a, b], eq: a}}") == {"event": {"a"}}
    assert needs("{any: [{event: a, body.x: 1}, {event: b}]}") == {"event": {"a", "b"}}
    assert needs("{any: [{event: a}, {body.x: 1}]}") == {}
    assert needs("{not: {event: a}}") == {}
    assert needs("{vars.who: a}") == {}
    assert needs("{body.x: [1]}") == {}
    assert needs("{body.x: {ne: 1}}") == {}
    assert needs("body.x == 1") == {}


def test_a_leaf_says_where_it_stands() -> None:
    compiled = condition("{body.a: 1}")
    assert isinstance(compiled, Leaf)
    assert compiled.at == "rules.yaml:1:10"


def test_the_examples_of_the_page_are_yaml() -> None:
    for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL):
        assert set(yaml.safe_load(block)) == {"when"}
