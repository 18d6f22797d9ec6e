from __future__ import annotations

from typing import Any

import pytest

from rules.scope import RenderError
from rules.template_meter import BUDGET, ELEMENT, charge, deep_size, metered, size


@pytest.mark.parametrize(
    ("value", "shallow", "deep"),
    [
        ("abc", 3, 3),
        (5, 1, 1),
        (None, 1, 1),
        ([], ELEMENT, ELEMENT),
        (["abc", [1]], 3 * ELEMENT, 3 * ELEMENT + 3 + 2 * ELEMENT + 1),
        (("abc",), 2 * ELEMENT, 2 * ELEMENT + 3),
        ({"key": "abc"}, 2 * ELEMENT, 2 * ELEMENT + 3),
    ],
)
def test_looking_through_a_value_costs_what_it_holds(value: Any, shallow: int, deep: int) -> None:
    assert (size(value), deep_size(value)) == (shallow, deep)


def test_the_budget_can_be_used_up_to_the_last_unit_and_no_further() -> None:
    with metered():
        charge(BUDGET)
        with pytest.raises(RenderError, match="more work than one may"):
            charge(1)


def test_what_runs_inside_has_a_budget_of_its_own() -> None:
    with metered():
        charge(BUDGET - 1)
        with metered():
            charge(BUDGET)
        charge(1)
        with pytest.raises(RenderError):
            charge(1)
    with metered():
        charge(BUDGET)


def test_the_budget_is_given_back_after_an_error() -> None:
    with metered():
        with pytest.raises(RenderError), metered():
            charge(BUDGET + 1)
        charge(BUDGET)
