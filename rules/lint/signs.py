"""Texts that look like comparisons: `body.total: "> 500"` looks for a text that starts with `>`.

A text counts that is a sign of comparison and a number, or `!=` and anything: no sender is known whose
values look so, and an operator is what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rules.conditions_tree import All, Any_, Condition, Leaf, Not
from rules.lint.describe import spans_in
from rules.lint.files import Files
from rules.problems import Problem
from rules.values import number

CODE: Final = "R077"

_SIGN: Final = re.compile(r"(>=|<=|>|<|==|!=|=)\s*(\S.*)", re.DOTALL)
_OPERATORS: Final = {
    ">=": "gte",
    "<=": "lte",
    ">": "gt",
    "<": "lt",
    "==": "eq",
    "=": "eq",
    "!=": "ne",
}


def looks_like_a_comparison(files: Files) -> Iterator[Problem]:
    """Give a problem for each text in a condition that was meant as an operator."""
    for connector in files.connectors:
        for each in connector.rules:
            found = [(leaf, meant) for leaf in _leaves(each.rule.when) if (meant := _meant(leaf))]
            spans = spans_in(each.node) if found else {}
            for leaf, meant in found:
                yield Problem(
                    CODE,
                    f"this compares `{leaf.path.text}` with a text that looks like a comparison",
                    spans[leaf.at],
                    "warning",
                    found=f'"{leaf.expected}"',
                    hint=f"write {{{meant}}}",
                )


def _leaves(condition: Condition | None) -> Iterator[Leaf]:
    waiting = [] if condition is None else [condition]
    while waiting:
        one = waiting.pop()
        if isinstance(one, All | Any_ | Not):
            waiting.extend(one.parts)
        elif isinstance(one, Leaf):
            yield one


def _meant(leaf: Leaf) -> str | None:
    if leaf.operator.name != "eq" or not isinstance(leaf.expected, str):
        return None
    found = _SIGN.fullmatch(leaf.expected.strip())
    if found is None:
        return None
    sign, rest = found.groups()
    if number(rest) is None and sign != "!=":
        return None
    return f"{_OPERATORS[sign]}: {rest}"
