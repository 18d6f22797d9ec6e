from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest

from rules.problems import Report
from rules.scope import ScopeSpec
from rules.template import compile_expression
from rules.template_pipes import PipedText, PipeValue
from rules.template_values import (
    Constant,
    ExpressionValue,
    ListValue,
    MappingValue,
    PathValue,
    TemplateValue,
    TextValue,
)
from tests.support.rule_parts import (
    ITEM_SPEC,
    SPAN,
    event,
    failure,
    render,
    scope,
    value,
    value_problems,
)

ORDER = {
    "id": 820982911946154508,
    "name": "#1001",
    "price": Decimal("19.90"),
    "zip": "00742",
    "test": False,
    "note": None,
    "items": [{"sku": "A", "n": 2}, {"sku": "B", "n": 3}],
    "keys": "mine",
    "values": {"upper": "also mine"},
    "nested": {"list": [1, [2]]},
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        # T1: a dot reads keys, never a method.
        ("{{ body.items[0].sku }}", "A"),
        ("{{ body.keys }}", "mine"),
        ("{{ body.values.upper }}", "also mine"),
        ("{{ body['items'][-1]['sku'] }}", "B"),
        ("{{ body.items.0.sku }}", "A"),
        ("{{ (body.items | last).sku }}", "B"),
        ("{{ body['na' ~ 'me'] }}", "#1001"),
        ("{{ body.items[body.items[0].n - 1].sku }}", "B"),
        # A backslash that begins no escape stands for itself, and Python has no say in it.
        (r"{{ '\d+\.\w' }}", r"\d+\.\w"),
        (r"""{{ '\\d\'\"' ~ "\n\x41\101\u00e9\N{BULLET}" }}""", "\\d'\"\nAA\u00e9\u2022"),
        (r"{{ '\é\/\8\🙂' }}", r"\é\/\8\🙂"),
        (r"{{ '\400\777\377' }}", "\u0100\u01ff\xff"),
        ("{{ 'a\\\nb' }}", "ab"),
        (r"\d{{ body.zip | regex('^0(\d)') }}\d", r"\d0\d"),
        # T2: default answers the whole path.
        ("{{ body.a.b.c | default('x') }}", "x"),
        ("{{ body.note.deeper | default('x') }}", "x"),
        ("{{ body.name.first | default('x') }}", "x"),
        ("{{ body.items[7].sku | default('x') }}", "x"),
        ("{{ body[body.name] | default('x') }}", "x"),
        ("{{ body.note | default('x') }}", None),
        # T3: null, booleans and lists in a text.
        ("[{{ body.note }}]", "[]"),
        ("{{ body.test }}/{{ not body.test }}", "false/true"),
        ("{{ body.nested.list }} {{ body.values }}", '[1,[2]] {"upper":"also mine"}'),
        ("{{ 'a' ~ none ~ true ~ 1.50 ~ [none] }}", "atrue1.5[null]"),
        # T4, T5: one expression keeps its type.
        ("{{ body.id }}", 820982911946154508),
        ("\n  {{ body.id }}\n", 820982911946154508),
        ("{{ body.zip }}", "00742"),
        ("{{ body.test }}", False),
        ("{{ body.note }}", None),
        ("{{ body.nested.list }}", [1, [2]]),
        ("{# what it is #} {{ body.id }}", 820982911946154508),
        ("{{ body.id }}{{ body.id }}", "820982911946154508820982911946154508"),
        ("{{ body.id }}.", "820982911946154508."),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ {1: 'a', none: 2} }}", {"1": "a", "": 2}),
        # T6: exact numbers.
        ("{{ body.price }} EUR", "19.90 EUR"),
        ("{{ body.price }}", Decimal("19.90")),
        ("{{ body.price + 0.1 }}", Decimal("20.00")),
        ("{{ body.price == 19.9 and body.price > 19.8 }}", True),
        # T11: statements make a text.
        ("{% if body.test %}a{% else %}b{% endif %}", "b"),
        ("{% for i in body['items'] %}{{ i.sku }}{{ loop.index }};{% endfor %}", "A1;B2;"),
        ("{% set n = body.items | length %}{{ n }}", "2"),
        ("{% set t %}{{ body.name }}!{% endset %}{{ t }}", "#1001!"),
        ("{% for k, v in body['values'] | items %}{{ k }}={{ v }}{% endfor %}", "upper=also mine"),
        ("{% for i in body['items'] if i.n > 2 %}{{ i.sku }}{% endfor %}", "B"),
        ("{% for i in [] %}x{% else %}none{% endfor %}", "none"),
        ("{% for i in [1,2,3] %}{{ loop.cycle('a','b') }}{% endfor %}", "aba"),
        ("{% for i in [1,1,2] %}{{ loop.changed(i) }} {% endfor %}", "true false true "),
        ("{% for i in [1,2] %}{{ loop.previtem | default('-') }}{% endfor %}", "-1"),
        ("{% for i in range(3) %}{{ i }}{{ ',' if not loop.last }}{% endfor %}", "0,1,2"),
        ("{{ 'yes' if body.test }}", None),
        ("{% raw %}{{ body }}{% endraw %}", "{{ body }}"),
        # T18: headers in any case.
        ("{{ headers['X-Topic'] }}/{{ headers['x-topic'] }}", "orders/orders"),
        ("{{ headers }}", {"x-topic": "orders"}),
        # Plain texts.
        ("no template", "no template"),
        ("one line break at the end goes\n", "one line break at the end goes"),
        ("{{ body.name }} a block text\n", "#1001 a block text"),
        ("{ not a template }", "{ not a template }"),
        # Comparing and calculating.
        ("{{ 1 == true or '1' == 1 or none == '' }}", False),
        ("{{ 1 < 2 < 3 and not 1 < 3 < 2 }}", True),
        ("{{ 'a' < 'b' }}", True),
        ("{{ 'ame' in 'name' and 'sku' in body.items[0] and 2 in [1, 2.0] }}", True),
        ("{{ true not in [1] }}", True),
        ("{{ 7 / 2 }}", Decimal("3.5")),
        ("{{ 6 / 2 }}", 3),
        ("{{ 0 / 2 }}", 0),
        ("{{ 7 // 2 ~ ' ' ~ -7 // 2 ~ ' ' ~ 7 % 3 }}", "3 -4 1"),
        ("{{ -7.5 // 2 }}", Decimal(-4)),
        ("{{ -7.5 % 2 }}", Decimal("0.5")),
        ("{{ 7.5 // 2 }}", Decimal(3)),
        ("{{ 2 ** 10 }}", 1024),
        ("{{ 2 ** -1 }}", Decimal("0.5")),
        ("{{ -body.price }}", Decimal("-19.90")),
        ("{{ +3 }}", 3),
        ("{{ 'a' + 'b' }}", "ab"),
        ("{{ [1] + [2] }}", [1, 2]),
        ("{{ '-' * 3 }}", "---"),
        ("{{ 10 ** 30 + 1 }}", 10**30 + 1),
        ("{{ 0.1 + 0.2 }}", Decimal("0.3")),
        ("{{ 0.5 * 3 - 1 }}", Decimal("0.5")),
        ("{{ body.name[1:3] }}", "10"),
        ("{{ body.items[:1] | length }}", 1),
        ("{{ 'yes' if body.test else 'no' }}", "no"),
    ],
)
def test_templates_become_what_the_rule_language_says(template: str, expected: Any) -> None:
    found = render(template, ORDER, headers={"x-topic": "orders"})
    assert found == expected
    assert type(found) is type(expected) or isinstance(found, dict)
    if isinstance(found, Decimal):
        assert str(found) == str(expected)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ body.a.b.c }}", "body.a.b.c is not there"),
        ("x {{ body.a.b.c }}", "body.a.b.c is not there"),
        ("{{ body['a b'].c | upper }}", 'body["a b"].c is not there'),
        ("{{ body.items[9].sku ~ 'x' }}", "body.items[9].sku is not there"),
        ("{{ body.name.upper }}", "body.name.upper is not there"),
        ("{{ event.type }}", "event.type is not there"),
        ("{{ event.delivery_id ~ '' }}", "event.delivery_id is not there"),
        ("{{ [body.gone] }}", "body.gone is not there"),
        ("{{ {'a': body.gone} }}", "body.gone is not there"),
        ("{{ body.gone == 1 }}", "body.gone is not there"),
        ("{{ 1 in body.gone }}", "body.gone is not there"),
        ("{{ body.gone and true }}", "body.gone is not there"),
        ("{{ body.gone is none }}", "body.gone is not there"),
        ("{{ 'a' if body.gone else 'b' }}", "body.gone is not there"),
        ("{% if body.gone %}a{% endif %}", "body.gone is not there"),
        ("{% for i in body.gone %}a{% endfor %}", "body.gone is not there"),
        ("{{ body[body.gone] }}", "body.gone is not there"),
        ("{{ (body.items | first).gone }}", ".gone is not there"),
        ("{{ (body.items | list)[7] }}", "[7] is not there"),
        ("{{ -body.gone }}", "body.gone is not there"),
        ("{{ body.gone[1:] }}", "body.gone is not there"),
    ],
)
def test_what_is_not_there_is_an_error_that_names_the_whole_path(
    template: str, reason: str
) -> None:
    error = failure(template, ORDER)
    assert (error.code, error.reason) == ("undefined", reason)
    assert error.at == "rules.yaml:1:1"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (
            "{{ body.name > 5 }}",
            '"#1001" and 5 have no order; `| number` reads a number from a text',
        ),
        ("{{ none < 1 }}", "null is not a number; `| number` reads one from a text"),
        ("{{ body.name + 1 }}", '`+` does not go with "#1001" and 1; `~` joins texts'),
        ("{{ 'a' * 'b' }}", '`*` does not go with "a" and "b"'),
        ("{{ 'a %s' % 'b' }}", '`%` does not go with "a %s" and "b"'),
        ("{{ true + 1 }}", "true is not a number; `| number` reads one from a text"),
        ("{{ {} + {} }}", "{} is not a number; `| number` reads one from a text"),
        ("{{ 1 in 'a' }}", "only a text can be looked for in a text"),
        ("{{ 1 in 5 }}", "`in` looks in lists, mappings and texts, not in 5"),
        (
            "{% for i in 'abc' %}{% endfor %}",
            'a loop goes through a list or a mapping, not through "abc"',
        ),
        ("{% for a, b in [1] %}{% endfor %}", "cannot unpack non-iterable int object"),
        ("{{ range }}", "the result is function, which is no value"),
        ("{{ 10 ** 4000 }}", "a power has a whole exponent of at most 1000"),
        ("{{ 2 ** 2 ** 2000 }}", "a power has a whole exponent of at most 1000"),
        ("{{ 2 ** 0.5 }}", "a power has a whole exponent of at most 1000"),
        ("{{ (10 ** 1000) ** 5 }}", "a number has at most 4000 digits"),
        ("{{ body.big * body.big }}", "a number has at most 4000 digits"),
        ("{{ 'x' * 10001 }}", "a repeated text has at most 10000 characters"),
        ("{{ range(100000) }}", "a range has at most 10000 numbers"),
    ],
)
def test_what_cannot_be_calculated_is_an_error(template: str, reason: str) -> None:
    error = failure(template, {**ORDER, "big": 10**3000})
    assert error.reason == reason
    assert error.code == "template"


@pytest.mark.parametrize(
    "template", ["{{ 1 / 0 }}", "{{ 1 % 0 }}", "{{ 1.5 // 0 }}", "{{ body.e * body.e }}"]
)
def test_calculations_without_a_result_are_errors(template: str) -> None:
    assert failure(template, {"e": Decimal("1e999999")}).code == "template"


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
        "{% for a in range(9999) %}{{ body.long }}{% endfor %}",
        "{% set t %}{% for a in range(9999) %}{{ body.long }}{% endfor %}{% endset %}a",
        "{% for a in range(9999) %}{% if 'y' in body.list %}{% endif %}{% endfor %}",
        "{% for a in range(9999) %}{% if 'y' in body.long %}{% endif %}{% endfor %}",
        "{% for a in range(9999) %}{% set x = body.list | sort %}{% endfor %}a",
        "{% for a in range(9999) %}{% set x = body.long ~ body.long %}{% endfor %}a",
        "{% for a in range(9999) %}{{ 'x' * 10000 }}{% endfor %}",
        "{{ body.list | map('replace', 'x', body.long) | list }}",
        "{% for a in range(9999) %}{% if body.list == body.same %}{% endif %}{% endfor %}",
        "{% for a in range(9999) %}" + "x" * 2000 + "{% endfor %}",
        "{{ range(9999) | map('string') | map('trim') | map('replace', '', body.long) | list }}",
    ],
)
def test_a_template_is_bounded_in_work_and_output(template: str) -> None:
    body = {"long": "x" * 100_000, "list": ["x"] * 50_000, "same": ["x"] * 50_000}
    started = time.perf_counter()
    error = failure(template, body)
    assert error.code == "template"
    assert time.perf_counter() - started < 2


def test_one_template_that_did_too_much_leaves_the_next_its_whole_budget() -> None:
    failure("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}")
    assert render("{% for a in range(9000) %}{% endfor %}ok") == "ok"


def test_longer_texts_than_a_result_may_have_are_errors() -> None:
    body = {"long": "x" * 600_000, "longest": "x" * 1_000_001}
    for template in (
        "{{ body.long }}{{ body.long }}",
        "{{ body.long ~ body.long }}",
        "{% if true %}{{ body.long }}{{ body.long }}{% endif %}",
        "{{ body.longest }}",
    ):
        assert failure(template, body).reason == "a text has at most 1000000 characters"


@pytest.mark.parametrize(
    "template",
    [
        "{{ body.__class__ }}",
        "{{ body['__class__'] }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ (body | list).__class__ }}",
        "{% for i in [1] %}{{ loop.__init__ }}{% endfor %}",
        "{% for i in [1] %}{{ loop._recurse }}{% endfor %}",
    ],
)
def test_python_is_out_of_reach(template: str) -> None:
    assert failure(template, {}).code == "undefined"


@pytest.mark.parametrize(
    ("yaml", "code", "column"),
    [
        ('"{{ bdy.id }}"', "R061", 5),
        ('"a {{ body.id }} b {{ bdy.id }}"', "R061", 23),
        ('"{{ event.typ }}"', "R061", 11),
        ('"{{ vars.totl }}"', "R061", 10),
        ('"{{ vars }}"', "R061", 5),
        ('"{{ vars[body.x] }}"', "R061", 5),
        ('"{{ vars | length }}"', "R061", 5),
        ('"{{ body.x | lookup(vars) }}"', "R061", 21),
        ('"{{ headers.x-topic }}"', "R061", 15),
        ('"{{ self }}"', "R061", 5),
        ('"{{ lipsum(5) }}"', "R060", 5),
        ('"{{ cycler }}"', "R061", 5),
        ('"{% set body = 1 %}"', "R061", 9),
        ('"{% set loop = 1 %}"', "R061", 9),
        ('"{% set _x = 1 %}"', "R061", 9),
        ('"{% set ns.x = 1 %}"', "R061", 9),
        ('"{% for range in [] %}{% endfor %}"', "R061", 9),
        ('"{% for loop in [] %}{% endfor %}"', "R061", 9),
        ('"{{ body.name.upper() }}"', "R060", 15),
        ('"{{ body.items() }}"', "R060", 10),
        ('"{{ range(*body.x) }}"', "R060", 5),
        ('"{{ (body.x | first)() }}"', "R060", 2),
        ("\"{% include 'x' %}\"", "R063", 5),
        ("\"{% import 'x' as y %}\"", "R063", 5),
        ("\"{% from 'x' import y %}\"", "R063", 5),
        ("\"{% extends 'x' %}\"", "R063", 5),
        ('"{% block x %}{% endblock %}"', "R063", 5),
        ('"{% macro x() %}{% endmacro %}"', "R063", 5),
        ('"{% filter upper %}{% endfilter %}"', "R063", 5),
        ('"{% with x = 1 %}{% endwith %}"', "R063", 5),
        ('"{% autoescape true %}{% endautoescape %}"', "R063", 5),
        ('"{% for i in [] recursive %}{% endfor %}"', "R063", 17),
        ('"{% call x() %}{% endcall %}"', "R063", 5),
        ('"{% do x %}"', "R060", 2),
        ('"{{ body.id"', "R060", 2),
        ('"{{ body. }}"', "R060", 2),
        ('"{{ }}"', "R060", 2),
        ('"{% if body.x %}"', "R060", 2),
        ('"{{ 1e999 }}"', "R060", 2),
        (f'"{{{{ {"9" * 5000} }}}}"', "R060", 2),
        ("'{{ ''it'' ~ bdy }}'", "R061", 14),
        ('"\\u00e9 {{ bdy }}"', "R061", 12),
        ("[fine, '{{ bdy }}']", "R061", 12),
        ("{a: {b: '{{ bdy }}'}}", "R061", 13),
    ],
)
def test_mistakes_in_templates_are_named_where_they_stand(
    yaml: str, code: str, column: int
) -> None:
    problems = value_problems(yaml)
    assert [(p.code, p.span.line, p.span.column) for p in problems[:1]] == [(code, 1, column)]


def test_mistakes_in_block_texts_have_their_own_line() -> None:
    (problem,) = value_problems("|\n  First {{ body.id }}\n  then {{ bdy.id }}\n")
    assert (problem.span.line, problem.span.column) == (3, 11)
    (problem,) = value_problems(">\n  First {{ body.id }}\n  then {{ body.id | uper }}\n")
    assert (problem.span.line, problem.span.column) == (3, 21)
    assert problem.hint == "did you mean `upper`?"


def test_all_mistakes_of_a_template_are_reported_at_once() -> None:
    problems = value_problems('"{{ bdy.id }} {{ bdy2.x }} {{ event.typ }}"')
    assert [p.message for p in problems] == [
        "there is no `bdy`",
        "there is no `bdy2`",
        "there is no `event.typ`",
    ]
    assert problems[0].hint == "did you mean `body`?"


def test_a_method_call_is_answered_with_the_filter() -> None:
    (problem,) = value_problems('"{{ body.name.upper() }}"')
    assert problem.hint == "write `| upper`"


def test_nesting_too_deep_is_a_problem_not_a_crash() -> None:
    loops = "".join(f"{{% for a{n} in [1] %}}" for n in range(30)) + "{% endfor %}" * 30
    for source in ("{{ " + "(" * 4000 + "1" + ")" * 4000 + " }}", loops):
        problems = value_problems(f'"{source}"')
        assert [p.message for p in problems] == ["the template is nested too deeply"]


def test_keys_of_the_payload_are_not_checked_but_those_of_known_roots_are() -> None:
    spec = ScopeSpec.of_event()
    value("{{ body.x.y }} {{ headers.a }} {{ query.b }}", spec)
    assert value_problems('"{{ item.x }}"', spec)[0].message == (
        "`item` is there only in a rule with `for_each`"
    )
    value("{{ task.title }} {{ external_id }}", ScopeSpec.of_destination())


def test_values_of_any_shape_are_compiled_part_by_part() -> None:
    compiled = value({"a": ["{{ body.n }}", 1, None], "b": {"c": "x {{ body.n }}"}, "d": 1.5})
    assert isinstance(compiled, MappingValue)
    assert compiled.render(scope({"n": 2})) == {
        "a": [2, 1, None],
        "b": {"c": "x 2"},
        "d": Decimal("1.5"),
    }


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("text", Constant),
        (5, Constant),
        (["a", {"b": None}], Constant),
        ("{{ body.a }}", PathValue),
        ("{{ body }}", PathValue),
        ("a {{ body.a }}", TextValue),
        ("{{ body.a | upper }}", PipeValue),
        ("{{ body.a | default(1.5) | number }}", PipeValue),
        ("a {{ body.a | upper }}", PipedText),
        ("{{ body.a | default(body.b) }}", ExpressionValue),
        ("{{ body.a | map('upper') }}", ExpressionValue),
        ("{{ body.a | round(precision=1) }}", ExpressionValue),
        ("a {{ body.a + 1 }}", TemplateValue),
        ("{% set x = body.a %}{{ x }}", TemplateValue),
        (["{{ body.a }}"], ListValue),
    ],
)
def test_what_needs_no_jinja_does_without(raw: Any, kind: type) -> None:
    assert type(value(raw)) is kind


def test_variables_are_read_once_and_only_when_used() -> None:
    variables = {
        "total": "{{ body.total | number }}",
        "who": "{{ vars.total }} for {{ body.name }}",
    }
    seen = scope({"total": "5.50", "name": "Jane"}, variables=variables)
    assert value("{{ vars.who }}").render(seen) == "5.50 for Jane"
    assert value("{{ vars.total * 2 }}").render(seen) == Decimal("11.00")
    broken = scope({"name": "Jane"}, variables=variables)
    assert value("{{ body.name }}").render(broken) == "Jane"
    assert value("{{ vars.who | default('nobody') }}").render(broken) == "nobody"


def test_an_error_of_a_variable_counts_where_it_is_used() -> None:
    variables = {"total": "{{ body.total | number }}", "who": "{{ vars.total }}"}
    for template in ("{{ vars.who }}", "{{ vars.who ~ '' }}"):
        error = failure(template, {}, variables=variables)
        assert error.reason == "vars.who: vars.total: body.total is not there"
        assert error.code == "undefined"
    for template in ("{{ vars.who }}", "{{ vars.who | default('x') }}"):
        error = failure(template, {"total": "many"}, variables=variables)
        assert error.reason == 'vars.who: vars.total: "many" is not a number'
        assert error.code == "template"


def test_a_variable_made_of_itself_is_an_error() -> None:
    error = failure(
        "{{ vars.total }}", variables={"total": "{{ vars.who }}", "who": "{{ vars.total }}"}
    )
    assert "made of itself" in error.reason


def test_a_value_knows_the_variables_it_uses() -> None:
    compiled = value(["{{ vars.total }}", {"a": "x {{ vars.who | upper }}"}])
    assert compiled.variables == {"total", "who"}
    assert value("{{ vars['who'] }}").variables == {"who"}


def test_floats_which_only_code_makes_are_read_as_they_print() -> None:
    assert render("{{ body.f + 1 }}", {"f": 1.1}) == Decimal("2.1")


def test_an_expression_is_compiled_with_or_without_braces() -> None:
    report = Report()
    for source in ("body.n > 1", "{{ body.n > 1 }}", "\n{{ body.n > 1 }}\n"):
        compiled = compile_expression(source, SPAN, report, ITEM_SPEC)
        assert compiled is not None
        assert compiled.render(scope({"n": 2})) is True
    for source in ("{{ body.n }} {{ body.m }}", "{{ body.n }} text", "body.n }} {{ body.m"):
        assert compile_expression(source, SPAN, report, ITEM_SPEC) is None
    assert {problem.message for problem in report.problems} == {"a condition is one expression"}


def test_the_fields_of_the_event_are_texts() -> None:
    seen = event({}, type="push", delivery_id="d", source="github")
    found = render(
        "{{ event }}", {}, type=seen.type, delivery_id=seen.delivery_id, source=seen.source
    )
    assert found == {
        "id": seen.id,
        "type": "push",
        "delivery_id": "d",
        "received_at": "2026-11-23T09:12:45.120Z",
        "connector": "shop",
        "source": "github",
    }
