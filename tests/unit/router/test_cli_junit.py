"""Results as JUnit XML of the shape that GitHub, GitLab and Jenkins read."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from router.cli.junit import as_junit
from router.cli.rule_tests import Result, Unmet
from rules.matching import Difference
from rules.problems import Problem, Span
from rules.rule_tests import RuleTest

SPAN = Span("routes/shop.yaml", 31, 5, 33, 1)


def result(
    name: str = "a",
    *,
    connector: str = "shop",
    unmet: str | None = None,
    trouble: str | None = None,
) -> Result:
    difference = Difference("task.title", SPAN, '"a"', unmet or "")
    return Result(
        RuleTest(connector, name, SPAN, ()),
        0.0125,
        ("routed",),
        () if unmet is None else (Unmet(1, difference),),
        trouble,
    )


def parsed(*results: Result, problems: tuple[Problem, ...] = ()) -> ET.Element:
    return ET.fromstring(as_junit(results, problems))  # noqa: S314  our own


def test_a_suite_is_a_connector_and_a_case_a_test_with_its_place() -> None:
    root = parsed(result("a"), result("b", unmet='"b"'), result("c", connector="code"))

    assert root.tag == "testsuites"
    assert root.attrib == {
        "name": "hookyard rules test",
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "0",
        "time": "0.037500",
    }
    shop, code = root.findall("testsuite")
    assert (shop.get("name"), shop.get("tests"), shop.get("failures")) == ("shop", "2", "1")
    assert (code.get("name"), code.get("tests"), code.get("failures")) == ("code", "1", "0")
    first, second = shop.findall("testcase")
    assert first.attrib == {
        "classname": "shop",
        "name": "a",
        "file": "routes/shop.yaml",
        "line": "31",
        "time": "0.012500",
    }
    assert list(first) == []
    assert [child.tag for child in second] == ["failure"]


def test_a_failure_says_what_was_expected_and_found_and_where() -> None:
    failure = parsed(result(unmet='"b"')).find("testsuite/testcase/failure")

    assert failure is not None
    assert failure.attrib == {"type": "failure", "message": 'task.title: expected "a", found "b"'}
    assert failure.text == (
        "routes/shop.yaml:31\n"
        "event: routed\n"
        "routes/shop.yaml:31:5: task.title\n"
        '    expected  "a"\n'
        '    found     "b"'
    )


def test_a_test_that_could_not_be_run_is_an_error() -> None:
    root = parsed(result(trouble="gone.json cannot be read"))

    error = root.find("testsuite/testcase/error")
    assert error is not None
    assert error.get("message") == "gone.json cannot be read"
    assert (root.get("errors"), root.get("failures")) == ("1", "0")


def test_rules_that_cannot_be_used_are_an_error_of_their_own() -> None:
    root = parsed(problems=(Problem("R011", "there is no key `sorce` here", SPAN),))

    (suite,) = root.findall("testsuite")
    assert (root.get("tests"), root.get("errors"), suite.get("errors")) == ("1", "1", "1")
    error = suite.find("testcase/error")
    assert error is not None
    assert error.get("message") == "1 error"
    assert error.text == "routes/shop.yaml:31:5: error R011: there is no key `sorce` here\n"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("\x00", "\\x00"),
        ("\ufffe", "\\ufffe"),
        ("\ud800", "\\ud800"),
        ('<&">', '<&">'),
        ("é 日本 🎉", "é 日本 🎉"),
    ],
)
def test_what_xml_cannot_hold_is_escaped(words: str, shown: str) -> None:
    root = parsed(result(name=words, unmet=words))

    case = root.find("testsuite/testcase")
    assert case is not None
    assert case.get("name") == shown
    (failure,) = case
    assert shown in (failure.text or "")
    assert shown in (failure.get("message") or "")


def test_it_says_that_it_is_utf_8() -> None:
    assert as_junit([]).startswith('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites ')
