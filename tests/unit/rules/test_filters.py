from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rules.filters import FILTERS, TESTS
from rules.scope import Scope, ScopeSpec
from tests.support.rule_parts import failure, render, value, value_problems

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "filters.md").read_text()
SPEC = ScopeSpec(roots=frozenset({"gone"}))
EXAMPLES = re.findall(r"^- `(\{\{.*\}\})` gives `(.*)`$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("template", "expected"), EXAMPLES)
def test_every_example_of_the_page_gives_what_it_says(template: str, expected: str) -> None:
    found = value(template, SPEC).render(Scope({}))
    wanted = json.loads(expected, parse_float=Decimal)
    assert found == wanted
    assert type(found) is type(wanted)
    assert str(found) == str(wanted)


def test_every_filter_and_test_is_on_the_page_with_an_example() -> None:
    sections = re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]
    headed = {name for part in sections for name in re.findall(r"`(\w+)", part.split("\n")[0])}
    assert headed == set(FILTERS)
    for part in sections:
        assert " gives `" in part, part
        assert re.search(r"\b[Nn]ull\b|As `", part), part
    listed = PAGE.split("## Tests")[1]
    assert {name for name in TESTS if f"`{name}" not in listed} == set()


def test_what_the_page_says_of_null_is_so() -> None:
    for part in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]:
        if "Null is an error" not in part:
            continue
        for name in re.findall(r"`(\w+)", part.split("\n")[0]):
            arguments = {"batch": "(1)", "groupby": "('a')", "map": "('upper')"}.get(name, "")
            arguments = arguments or ("('a')" if "attr" in name else "")
            assert "null is not" in failure(f"{{{{ none | {name}{arguments} }}}}").reason.lower()
        if "Null is empty" in part:
            name = re.findall(r"`(\w+)", part)[0]
            assert render(f"{{{{ none | {name} }}}}") == ""


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ 'x' | number }}", '"x" is not a number'),
        ("{{ [] | number }}", "[] is not a number"),
        ("{{ true | number }}", "true is not a number"),
        ("{{ 'a' | round }}", '"a" is not a number'),
        ("{{ 1 | round(200) }}", "`round` takes from 0 to 100 digits"),
        ("{{ 1 | round(method='up') }}", "`round` knows common, ceil, floor"),
        ("{{ body.huge | int }}", "a number has at most 4000 digits"),
        ("{{ body.huge | round(2) }}", "a number has at most 4000 digits"),
        ("{{ body.huge | money }}", "a number has at most 4000 digits"),
        ("{{ 5 | length }}", "5 is not a list"),
        ("{{ 5 | items }}", "5 is not a mapping"),
        ("{{ {} | dictsort(by='size') }}", "`dictsort` sorts by key or value"),
        ("{{ [1] | batch(0) }}", "`batch` takes a whole number from 1 to 1000"),
        ("{{ 5 | fromjson }}", "5 is not a text"),
        ("{{ '{' | fromjson }}", '"{" is not JSON'),
        ("{{ '[NaN]' | fromjson }}", '"[NaN]" is not JSON'),
        ("{{ '1e9999999999999999999' | fromjson }}", '"1e9999999999999999999" is not JSON'),
        ("{{ body.deep | fromjson }}", "the JSON has more than 100 levels"),
        ("{{ 'a' | lookup([1]) }}", "`lookup` takes a mapping"),
        ("{{ 'a' | lookup({}) }}", '"a" is not in the table'),
        ("{{ 'a' | hash('md5') }}", "`hash` knows sha256, sha512, sha1"),
        ("{{ 'a' | regex(body.bad) }}", "not a regular expression of RE2: missing ): ("),
        ("{{ 'a' | regex('b') }}", 'what the pattern "b" looks for is not there'),
        ("{{ 'a' | regex('(b)?a') }}", 'group 1 of the pattern "(b)?a" is not there'),
        ("{{ 'a' | shorten(0) }}", "a length is a whole number from 1 to 1000000"),
        ("{{ 'abc' | truncate(2) }}", "the length of `truncate` is shorter than its end"),
        ("{{ 'a' | indent(5000) }}", "a width is a whole number from 1 to 1000"),
        ("{{ 'a' | wordwrap('a') }}", "a width is a whole number from 1 to 1000"),
        ("{{ 1 | date('%c') }}", "`date` knows %a"),
        ("{{ 'soon' | date }}", '"soon" is not a date'),
        ("{{ [] | date }}", "[] is not a date"),
        ("{{ 9e30 | date }}", "9E+30 is not a date"),
        ("{{ 1 | date(zone='Mars/Base') }}", '"Mars/Base" is not a time zone'),
        ("{{ 1 | date(zone=5) }}", "5 is not a time zone"),
        ("{{ [] | first }}", "there is no first item"),
        ("{{ [] | last }}", "there is no last item"),
        ("{{ ['a', 1] | sum }}", '"a" is not a number; `| number` reads one from a text'),
        ("{{ body.gone | upper }}", "body.gone is not there"),
        ("{{ 'a' | replace(body.gone, 'b') }}", "body.gone is not there"),
        ("{{ 'a' | replace(old='a', new=body.gone) }}", "body.gone is not there"),
        ("{{ [body.gone] | join }}", "body.gone is not there"),
        ("{{ [{}] | map(attribute='a') | join }}", ".a is not there"),
    ],
)
def test_a_value_a_filter_cannot_use_is_an_error(template: str, reason: str) -> None:
    deep = "[" * 101 + "]" * 101
    error = failure(template, {"huge": Decimal("1e999999"), "bad": "(", "deep": deep})
    assert error.reason.startswith(reason)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ body.a | default(body.b) | default('c') }}", "c"),
        ("{{ none | number }}", None),
        ("{{ none | number(7) }}", 7),
        ("{{ 'x' | number(none) }}", None),
        ("{{ 7 | int }}", 7),
        ("{{ 2 | abs }}", 2),
        ("{{ -1.5 | abs }}", Decimal("1.5")),
        ("{{ none | money }}", ""),
        ("{{ 5 | money }}", "5.00"),
        ("{{ none | date }}", ""),
        ("{{ '2026-11-23 10:00' | date('%H:%M %z', 'Europe/London') }}", "10:00 +0000"),
        ("{{ '2026-11-23T10:00:00+02:00' | date('%H:%M') }}", "10:00"),
        ("{{ 'ab' | first ~ ('ab' | last) }}", "ab"),
        ("{{ 'ab' | reverse }}", "ba"),
        ("{{ 'abc' | length }}", 3),
        ("{{ {'b': 'x', 'a': 'Y'} | dictsort(by='value') | map('first') | join }}", "ba"),
        ("{{ 'x' | regex('(?P<n>x)', 'n') }}", "x"),
        ("{{ 'abc' | regex('b', 0) }}", "b"),
        ("{{ 'a <!-- > b --> c <i' | striptags }}", "a c"),
        ("{{ '<!-- open' | striptags }}", ""),
        ("{{ [3, 1] | min }}", 1),
        ("{{ ['b', 'A'] | sort | join }}", "Ab"),
        ("{{ [{'a': {'b': 1}}] | map(attribute='a.b') | first }}", 1),
        ("{{ [{'a': 1}, {}] | map(attribute='a', default=0) | sum }}", 1),
        ("{{ [1, 2, 3] | select('in', [1, 3]) | list }}", [1, 3]),
        ("{{ [1, true, '1'] | select('eq', 1) | list }}", [1]),
        ("{{ [{'a': 1}, {}] | selectattr('a', 'defined') | length }}", 1),
        ("{{ [1, 2] | reject('odd') | list }}", [2]),
        ("{{ 'AB' is upper and 'ab' is lower and 1 is odd and 2 is even }}", True),
        ("{{ 1 is number and true is not number and 1.5 is not integer }}", True),
        ("{{ 'a' is string and {} is mapping and [] is sequence and true is boolean }}", True),
        ("{{ true is true and false is false and none is none }}", True),
        ("{{ 1 is lt(2) and 2 is ge(2) and 1 is ne('1') }}", True),
        ("{{ body.gone is undefined }}", True),
    ],
)
def test_filters_and_tests_do_what_they_are_for(template: str, expected: Any) -> None:
    found = render(template, {})
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("template", "word"),
    [
        ("{{ body.a | uper }}", "uper"),
        ("{{ body.a is defind }}", "defind"),
        ("{{ body.a | attr('x') }}", "attr"),
        ("{{ body.a | random }}", "random"),
        ("{{ body.a | replace('x') }}", "replace"),
        ("{{ body.a | number(nix=1) }}", "number"),
        ("{{ body.a | regex('(') }}", "regex"),
        ("{{ body.a | join(*body.b) }}", "join"),
        ("{{ body.a | join(**body.b) }}", "join"),
    ],
)
def test_filters_that_are_not_there_or_wrongly_called_are_found_by_the_check(
    template: str, word: str
) -> None:
    (problem,) = value_problems(f'"{template}"')
    assert problem.code == "R062"
    assert problem.span.column == template.index(word) + 2


def test_long_results_of_filters_are_refused() -> None:
    body = {"long": "a" * 900_000, "lines": "abcde" * 199_999}
    for template in (
        "{{ body.long | replace('a', 'bbbb') }}",
        "{{ [body.long, body.long] | join }}",
        "{{ body.long ~ body.long }}",
        "{{ ('a\n' * 5000) | indent(1000) }}",
        "{{ body.lines | wordwrap(5) }}",
    ):
        assert failure(template, body).code == "template"


def test_json_in_a_text_is_read_exactly_and_fit_to_be_stored() -> None:
    nested = '{"a": [1, 9007199254740993, 1.10, null, true, "\\ud800\\u0000"], "b\\u0000": {}}'
    levels = "[" * 100 + "]" * 100

    found = render("{{ body.text | fromjson | tojson }}", {"text": nested})
    assert found == '{"a":[1,9007199254740993,1.10,null,true,"\ufffd\ufffd"],"b\ufffd":{}}'
    assert render("{{ body.text | fromjson | tojson }}", {"text": levels}) == levels
    assert render("{{ body.text | fromjson | default('?') }}", {"text": "[" * 100_000}) == "?"
    assert render("{{ none | fromjson }}") is None
