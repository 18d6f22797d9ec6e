from __future__ import annotations

import pytest

from rules.lint import CHECKS
from rules.lint.comments import IGNORABLE
from rules.problems import CODES
from tests.support.rule_files import HEAD, said_of_shop, warnings

RULE = "rules: [{name: one, when: {body.x: '> 5'}, task: {title: x}}]"


def codes(text: str, **others: str) -> list[str]:
    return [f"{one.span.line} {one.code}" for one in warnings(HEAD + text, **others)]


@pytest.mark.parametrize(
    ("comment", "left"),
    [
        ("", ["4 R076", "4 R077"]),
        ("# hookyard: ignore R077", ["4 R076"]),
        ("# hookyard: ignore R077, R076", []),
        ("#hookyard:ignore R076 R077", []),
        ("# hookyard: ignore R076,R077   ", []),
        ("# R077", ["4 R076", "4 R077"]),
        ("# hookyard: ignored R077", ["4 R076", "4 R077"]),
        ("# hookyard: ignore r077", ["4 R076", "4 R077", "4 R078"]),
        ("# hookyard: ignore", ["4 R076", "4 R077", "4 R078"]),
        ("# hookyard: ignore R076 R077 R070", ["4 R078"]),
        ("# hookyard: ignore R013", ["4 R076", "4 R077", "4 R078"]),
        ("# hookyard: ignore R033", ["4 R076", "4 R077", "4 R078"]),
    ],
)
def test_a_comment_ignores_the_warnings_of_its_line_that_it_names(
    comment: str, left: list[str]
) -> None:
    assert codes(f"{RULE} {comment}\n") == left
    assert codes(f"{RULE} {comment}\r\nvars: {{}}\r\n") == left


def test_it_ignores_nothing_on_other_lines_and_in_other_files() -> None:
    text = f"# hookyard: ignore R077\n{RULE} # hookyard: ignore R076\n"
    assert codes(text) == ["4 R078", "5 R077"]
    other = HEAD.replace("shop", "other") + "# hookyard: ignore R077\n"
    assert codes(f"{RULE}\n", b=other) == ["4 R076", "4 R077", "4 R078"]


def test_what_looks_like_a_comment_inside_a_text_is_none() -> None:
    text = """\
rules:
  - name: one
    task:
      title: 'x # hookyard: ignore R070'
      description: |
        # hookyard: ignore R070
      key: x#hookyard:ignore R070
"""
    assert codes(text) == []


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("R013", "R013 cannot be ignored"),
        ("R999", "R999 is no code"),
        ("R071", "there is no R071 on this line"),
    ],
)
def test_a_code_that_ignores_nothing_is_reported_at_its_place(comment: str, message: str) -> None:
    (problem,) = warnings(f"{HEAD}vars: {{}}   # hookyard: ignore {comment}\n")
    assert (str(problem.span), problem.code) == ("a.yaml:4:31", "R078")
    assert problem.message == message


def test_while_a_file_has_an_error_no_comment_is_called_needless() -> None:
    text = "vars: {}   # hookyard: ignore R074, R999\n"
    assert codes(text, b="connector: [") == ["4 R078", "1 R002"]


def test_a_warning_of_another_kind_is_ignored_too() -> None:
    rule = "rules: [{name: one, when: {body.x: '{{ body.y }}'}, task: {title: x}}]"
    assert codes(f"{rule}\notherwise: {{drop: x}}\n") == ["4 R065"]
    assert codes(f"{rule} # hookyard: ignore R065\notherwise: {{drop: x}}\n") == []


def test_errors_are_never_ignored() -> None:
    assert codes("x: 5   # hookyard: ignore R011\n") == ["4 R011", "4 R078"]
    text = "rules: [{name: '{{ x }}', task: {title: x}}]   # hookyard: ignore R065\n"
    assert codes(text) == ["4 R065"]


def test_without_the_checks_no_comment_is_read() -> None:
    assert said_of_shop(f"{RULE} # hookyard: ignore R013\n") == []


def test_all_warnings_of_files_can_be_ignored_and_nothing_else() -> None:
    assert CODES.keys() > IGNORABLE
    assert {code for code in CODES if "R070" <= code < "R078"} == IGNORABLE - {"R065"}
    assert len(CHECKS) >= len(IGNORABLE) - 1
