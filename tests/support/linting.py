"""What `rules.lint` says of files, for its tests."""

from __future__ import annotations

from textwrap import dedent, indent

from rules.problems import Problem
from tests.support.rule_files import HEAD, warnings

OTHERWISE = "otherwise: {drop: nothing to do}\n"


def found(text: str, code: str, **others: str) -> list[Problem]:
    """Return the problems with a code in files of which none has an error."""
    problems = warnings(text, **others)
    assert [one for one in problems if one.severity == "error"] == []
    return [one for one in problems if one.code == code]


def of_rules(rules: str, code: str, head: str = "") -> list[Problem]:
    """Return the problems with a code in the rules of a connector; `head` stands before them."""
    text = f"{HEAD}{dedent(head)}rules:\n{indent(dedent(rules), '  ')}{OTHERWISE}"
    return found(text, code)


def of_condition(when: str, code: str = "R070") -> list[Problem]:
    """Return the problems with a code in the condition of a rule without `for_each`."""
    return of_rules(f"- {{name: one, when: {when}, task: {{title: x}}}}\n", code)


def said(problems: list[Problem]) -> list[str]:
    return [f"{one.span.line}:{one.span.column} {one.message}" for one in problems]
