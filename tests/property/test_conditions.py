"""Three-valued logic holds whatever conditions are made of, and whatever an event holds."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules.conditions_tree import All, Any_, Condition, Not
from rules.values import json_equal, number, scalar_key, text, version_order
from tests.support.rule_parts import condition, scope
from tests.support.rule_values import conditions, json_values, leaves

BODIES = st.fixed_dictionaries({}, optional=dict.fromkeys("abc", json_values))


def opposite(one: Condition) -> Condition:
    return Not("", (one,))


@given(st.lists(leaves, min_size=1, max_size=4), BODIES)
def test_de_morgan_holds(parts: list[str], body: Any) -> None:
    seen = scope(body)
    compiled = tuple(condition(part) for part in parts)
    negated = tuple(opposite(part) for part in compiled)
    assert opposite(All("", compiled)).test(seen) is Any_("", negated).test(seen)
    assert opposite(Any_("", compiled)).test(seen) is All("", negated).test(seen)


@given(conditions, BODIES)
def test_a_double_negation_changes_nothing(when: str, body: Any) -> None:
    compiled = condition(when)
    assert opposite(opposite(compiled)).test(scope(body)) is compiled.test(scope(body))


@given(st.lists(leaves, min_size=2, max_size=4), st.randoms(), BODIES)
def test_the_order_of_parts_does_not_matter(parts: list[str], random: Any, body: Any) -> None:
    seen = scope(body)
    compiled = [condition(part) for part in parts]
    shuffled = list(compiled)
    random.shuffle(shuffled)
    for group in (All, Any_):
        assert group("", tuple(compiled)).test(seen) is group("", tuple(shuffled)).test(seen)


@given(conditions, BODIES)
def test_a_trace_comes_to_the_answer_of_the_test(when: str, body: Any) -> None:
    compiled, seen = condition(when), scope(body)
    answer, steps = compiled.judge(seen)
    assert answer is compiled.test(seen)
    assert steps == compiled.trace(seen)
    assert steps
    undecided = [step for step in steps if step.verdict == "undecided"]
    assert undecided or answer is not None
    assert all(step.reason or step.text in {"any", "all", "not"} for step in undecided)


@given(conditions, BODIES)
def test_a_condition_is_false_without_the_equalities_it_needs(when: str, body: Any) -> None:
    compiled, seen = condition(when), scope(body)
    for path, keys in compiled.needs().items():
        if scalar_key(path.get(seen)) not in keys:
            assert compiled.test(seen) is False


@given(json_values, json_values)
def test_equality_is_symmetric_and_agrees_with_the_keys_of_scalars(left: Any, right: Any) -> None:
    assert json_equal(left, left)
    assert json_equal(left, right) is json_equal(right, left)
    keys = scalar_key(left), scalar_key(right)
    if None not in keys:
        assert (keys[0] == keys[1]) is json_equal(left, right)


@given(json_values)
def test_every_value_has_a_text_and_a_number_or_none(value: Any) -> None:
    assert isinstance(text(value), str)
    found = number(value)
    assert found is None or number(text(found)) == found


@given(st.text(), st.text())
def test_versions_are_never_both_newer_unless_of_different_kinds(left: str, right: str) -> None:
    assert version_order(left, left) == 0
    orders = {version_order(left, right), version_order(right, left)}
    assert orders in ({0}, {1, -1}, {1})
