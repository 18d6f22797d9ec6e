from __future__ import annotations

import pytest

from tests.support.linting import OTHERWISE, found, of_rules, said
from tests.support.rule_files import HEAD, warnings


def reported(opened: str, closed: str) -> bool:
    rules = f"""\
        - {{name: one, when: {{event: a}}, task: {{title: x, key: {opened}}}}}
        - {{name: two, when: {{event: b}}, complete: {{key: {closed}}}}}
    """
    return bool(of_rules(rules, "R073"))


@pytest.mark.parametrize(
    ("opened", "closed"),
    [
        ('"order-{{ body.id }}"', '"orders-{{ body.id }}"'),
        ('"order-{{ body.id }}"', '"Order-{{ body.id }}"'),
        ('"{{ body.id }}-order"', '"{{ body.id }}-orders"'),
        ('"a-{{ body.id }}-b"', '"a-{{ body.id }}-c"'),
        ('"order-{{ body.id }}"', "order"),
        ("order", '"order-{{ body.id }}"'),
        ('"aba{{ body.id }}aba"', "aba"),
        ("one", "two"),
        ("1", "2"),
        ('"order-{{ body.id }}"', '{shared: "order-{{ body.id }}"}'),
        ('{shared: "order-{{ body.id }}"}', '"order-{{ body.id }}"'),
        ('{shared: "a-{{ body.id }}"}', '{shared: "b-{{ body.id }}"}'),
    ],
)
def test_a_key_that_can_be_that_of_no_task_is_reported(opened: str, closed: str) -> None:
    assert reported(opened, closed)


@pytest.mark.parametrize(
    ("opened", "closed"),
    [
        ('"order-{{ body.id }}"', '"order-{{ body.order_id }}"'),
        ('"order-{{ body.id }}"', '"order-{{ body.id }}-{{ body.x }}"'),
        ('"order-{{ body.id }}"', '"{{ body.key }}"'),
        ('"{{ body.key }}"', '"order-{{ body.id }}"'),
        ('"order-{{ body.id | lower }}"', '"orders-{{ body.id }}"'),
        ('"order-{{ body.id }}"', "order-1"),
        ('"{{ body.id }}-x"', "1-x"),
        ("one", "one"),
        ("1", '"1"'),
        ('{shared: "a-{{ body.id }}"}', '{shared: "a-{{ body.x }}"}'),
    ],
)
def test_a_key_that_may_be_that_of_a_task_is_not(opened: str, closed: str) -> None:
    assert not reported(opened, closed)


def test_it_says_which_keys_there_are() -> None:
    opened = "".join(
        f"- {{name: r{n}, when: {{event: a{n}}}, task: {{title: x, key: k{n}}}}}\n"
        for n in range(4)
    )
    rules = f"{opened}- {{name: two, when: {{event: b}}, cancel: {{key: kk}}}}\n"
    (problem,) = of_rules(rules, "R073")
    assert said([problem]) == [
        "9:49 the rule `two` closes nothing: no rule of this connector opens a task with this key"
    ]
    assert (problem.found, problem.expected) == ("kk", "k0, k1, k2, …")
    assert problem.hint == "did you mean `k0`?"


def test_without_any_key_it_says_what_to_do() -> None:
    rules = """\
        - {name: one, when: {event: a}, task: {title: x}}
        - {name: two, when: {event: b}, cancel: {key: {shared: k}}}
    """
    (problem,) = of_rules(rules, "R073")
    assert "no rule of any connector opens" in problem.message
    assert (problem.expected, problem.hint) == (None, "give the `task` the same `key`")


@pytest.mark.parametrize(("mode", "count"), [("live", 1), ("shadow", 0), ("off", 0)])
def test_only_live_rules_close(mode: str, count: int) -> None:
    rules = f"- {{name: two, mode: {mode}, when: {{event: b}}, cancel: {{key: k}}}}\n"
    assert len(of_rules(rules, "R073")) == count


@pytest.mark.parametrize("mode", ["live", "shadow", "off"])
def test_rules_of_every_mode_count_as_opening(mode: str) -> None:
    rules = f"""\
        - {{name: one, mode: {mode}, when: {{event: a}}, task: {{title: x, key: k}}}}
        - {{name: two, when: {{event: b}}, cancel: {{key: k}}}}
    """
    assert of_rules(rules, "R073") == []


def test_otherwise_opens_too() -> None:
    close = "rules: [{name: two, when: {event: b}, cancel: {key: k}}]\n"
    assert found(f"{HEAD}{close}otherwise: {{task: {{title: x, key: k}}}}\n", "R073") == []
    assert len(found(f"{HEAD}{close}otherwise: {{task: {{title: x}}}}\n", "R073")) == 1


def test_a_shared_key_may_be_opened_by_another_connector() -> None:
    close = f"{HEAD}rules: [{{name: two, when: {{event: b}}, cancel: {{key: {{shared: k}}}}}}]\n"
    other = (
        f"{HEAD.replace('shop', 'other')}"
        "rules: [{name: one, task: {title: x, key: {shared: k}}}]\n"
    )
    assert len(found(close + OTHERWISE, "R073")) == 1
    assert found(close + OTHERWISE, "R073", b=other) == []


def test_shared_keys_are_not_judged_while_a_file_has_an_error() -> None:
    close = f"{HEAD}rules: [{{name: two, when: {{event: b}}, cancel: {{key: {{shared: k}}}}}}]\n"
    assert [one.code for one in warnings(close + OTHERWISE, b="connector: [")] == ["R002"]
