from __future__ import annotations

import pytest
from yaml import YAMLError
from yaml.error import Mark, MarkedYAMLError

from rules.document import parse
from rules.problems import Problem, Report
from rules.source_text import SourceText
from rules.yaml_errors import explain


def problem_of(text: str) -> Problem:
    report = Report()
    assert parse(text, "a.yaml", report) is None
    (problem,) = [one for one in report.problems if one.code == "R002"]
    return problem


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a: b: c", "1:5", "a colon and a blank start a mapping here, where none can be"),
        ("a:\n  b: 1\nc\nd: 2", "4:1", "expected a colon after this key"),
        ("a: 'x' y", "1:8", "expected another key of this mapping, or its end"),
        ("- a\nb: 1", "2:1", "expected another `- ` of this list, or its end"),
        ("a: [b, c", "1:9", "a list in [ ] is not closed; it began on line 1"),
        ("a: 1\nb: {b: c]", "2:9", "a mapping in { } is not closed; it began on line 2"),
        ("a: 1\nb: 'x\n\ny", "4:2", "a quoted text is not closed; it began on line 2"),
        ('a: "\\q"', "1:5", "double quotes do not know this escape"),
        ("a: & b", "1:5", "a name is missing after & or *"),
        ("a: - b", "1:4", "a list cannot start here"),
        ("'a'\nb: 1", "2:1", "a second document, or a text beside the mapping, starts here"),
        ("a: !x!y b", "1:4", "tags are not used here"),
        ("a: | b", "1:6", "only a line break may follow | or > here"),
        ("a: [,]", "1:5", "a value is missing here"),
        ("%YAML 3.0\n---\na: 1", "1:1", "files are read as YAML 1.2"),
        ("a:\n\tb: 1", "2:1", "a tab is used to indent"),
        ("a: 1\n\tb: 2", "2:1", "a tab is used to indent"),
        ("a: |\n\tb", "2:1", "a tab is used to indent"),
        ("a: @b", "1:4", "no value can start with @"),
        ("a: `b`", "1:4", "no value can start with `"),
        ("a: %b", "1:4", "no value can start with %"),
    ],
)
def test_an_error_of_yaml_is_told_in_words_that_help(text: str, place: str, message: str) -> None:
    problem = problem_of(text)

    assert problem.message == message
    assert f"{problem.span.line}:{problem.span.column}" == place


@pytest.mark.parametrize(
    ("text", "place"),
    [("a: @b", "1:4-1:5"), ("&\r\n", "1:2-1:2"), ("&\n", "1:2-1:2"), ("&", "1:2-1:2")],
)
def test_an_error_at_the_end_of_a_line_does_not_reach_beyond_it(text: str, place: str) -> None:
    span = problem_of(text).span
    assert f"{span.line}:{span.column}-{span.end_line}:{span.end_column}" == place


def test_words_that_are_not_known_are_yamls_own() -> None:
    problem = problem_of("a: |0\n x")
    assert (problem.message, problem.hint) == ("found an indentation indicator equal to 0", None)


@pytest.mark.parametrize(
    "text", ["a: {{ body.x }", "a: {{ body.x }} more", "- {{ x", "a: 1\nb: {{ body['x'] | x('y' }}"]
)
def test_a_template_without_quotes_is_told_to_be_quoted(text: str) -> None:
    assert problem_of(text).hint == 'a template belongs in quotes: "{{ … }}"'


def test_an_error_without_a_place_is_at_the_end_of_the_file() -> None:
    report = Report()
    explain(YAMLError("?"), SourceText("a.yaml", "a: 1\nb"), report)
    (problem,) = report.problems
    assert (str(problem.span), problem.message) == ("a.yaml:2:2", "this cannot be read")


def test_an_error_beyond_the_end_of_the_file_is_at_its_end() -> None:
    mark = Mark("a.yaml", 99, 9, 9, None, 0)
    error = MarkedYAMLError("while reading", mark, "did not find expected ',' or ']'", mark)
    report = Report()
    explain(error, SourceText("a.yaml", "a: ["), report)
    (problem,) = report.problems
    assert (str(problem.span), problem.message) == (
        "a.yaml:1:5",
        "a list in [ ] is not closed; it began on line 1",
    )
