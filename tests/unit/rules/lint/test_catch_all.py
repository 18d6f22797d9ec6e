from __future__ import annotations

import pytest

from tests.support.linting import found
from tests.support.rule_files import HEAD

RULE = "name: one, when: {event: a}, task: {title: x}"


@pytest.mark.parametrize(
    ("rest", "count"),
    [
        (f"rules: [{{{RULE}}}]", 1),
        (f"rules: [{{{RULE}}}]\notherwise: {{drop: x}}", 0),
        (f"rules: [{{{RULE}}}]\notherwise: {{task: {{title: x}}}}", 0),
        ("rules: [{name: one, task: {title: x}}]", 0),
        ("rules: [{name: one, for_each: body.x, task: {title: x}}]", 1),
        (f"rules: [{{{RULE}}}, {{name: two, mode: shadow, task: {{title: x}}}}]", 1),
        (f"rules: [{{mode: off, {RULE}}}]", 0),
        (f"rules: [{{mode: shadow, {RULE}}}]", 0),
        ("rules: []", 0),
        ("", 0),
        ("otherwise: {drop: x}", 0),
    ],
)
def test_a_connector_with_live_rules_says_what_becomes_of_the_rest(rest: str, count: int) -> None:
    problems = found(f"{HEAD}{rest}\n", "R076")
    assert [str(one.span) for one in problems] == ["a.yaml:4:1"] * count


def test_each_connector_is_asked_for_itself() -> None:
    text = f"{HEAD}rules: [{{{RULE}}}]\n"
    (problem,) = found(text + "otherwise: {drop: x}\n", "R076", b=text.replace("shop", "other"))
    assert problem.span.file == "b.yaml"
    assert "events of `other`" in problem.message
