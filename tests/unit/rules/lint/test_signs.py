from __future__ import annotations

import pytest

from tests.support.linting import of_condition, of_rules, said


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (">= 500", "write {gte: 500}"),
        ("<=500", "write {lte: 500}"),
        ("> 0.5", "write {gt: 0.5}"),
        (" < -5 ", "write {lt: -5}"),
        ("== 5", "write {eq: 5}"),
        ("= 5", "write {eq: 5}"),
        ("!= open", "write {ne: open}"),
        ("!= 5", "write {ne: 5}"),
    ],
)
def test_a_comparison_that_was_written_as_a_text_is_reported(text: str, hint: str) -> None:
    for when in (f"{{body.x: '{text}'}}", f"{{not: {{any: [{{body.x: {{eq: '{text}'}}}}]}}}}"):
        (problem,) = of_condition(when, "R077")
        assert (problem.found, problem.hint) == (f'"{text}"', hint)


@pytest.mark.parametrize(
    "when",
    [
        "{body.x: '>'}",
        "{body.x: '> all'}",
        "{body.x: '=HYPERLINK'}",
        "{body.x: '5 > 4'}",
        "{body.x: 5}",
        "{body.x: {ne: '> 5'}}",
        "{body.x: {starts_with: '> 5'}}",
        "body.x > 5",
    ],
)
def test_other_texts_are_not(when: str) -> None:
    assert of_condition(when, "R077") == []


def test_it_is_said_at_the_value_of_each_rule_of_every_mode() -> None:
    rules = """\
        - {name: one, mode: off, when: {body.x: '> 5'}, task: {title: x}}
        - name: two
          when:
            body.y:
              eq: '> 5'
          task: {title: y}
    """
    assert said(of_rules(rules, "R077")) == [
        "5:43 this compares `body.x` with a text that looks like a comparison",
        "9:13 this compares `body.y` with a text that looks like a comparison",
    ]
