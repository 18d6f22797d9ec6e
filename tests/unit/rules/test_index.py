from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from rules.index import RuleIndex
from rules.plan import decide
from tests.support.rule_parts import condition, connector, event, rule, scope


def candidates(whens: Sequence[str | None], body: Any = None, **given: Any) -> list[int]:
    compiled = [None if when is None else condition(when) for when in whens]
    return list(RuleIndex(enumerate(compiled)).candidates(scope(body, **given)))


def test_rules_of_other_event_types_are_no_candidates() -> None:
    whens = ["{event: a}", "{event: {in: [b, c]}}", None, "{body.x: {gt: 1}}", "{event: a}"]
    assert candidates(whens, type="a") == [0, 2, 3, 4]
    assert candidates(whens, type="c") == [1, 2, 3]
    assert candidates(whens) == [2, 3]


def test_a_rule_is_filed_under_the_path_that_tells_most_rules_apart() -> None:
    whens = [f"{{event: same, body.vendor: v{n}}}" for n in range(50)]
    assert candidates(whens, {"vendor": "v7"}, type="same") == [7]


def test_rules_may_be_filed_under_several_paths() -> None:
    whens = ["{event: a}", "{body.x: 1}", "{body.y: 2}"]
    assert candidates(whens, {"y": 2, "x": 7}, type="b") == [2]
    assert candidates(whens, {"y": 2}, type="a") == [0, 2]


def test_values_are_found_as_json_compares_them() -> None:
    whens = ["{body.x: 5}", "{body.x: '5'}", "{body.x: true}", "{body.x: 1}", "{body.x: null}"]
    assert candidates(whens, {"x": 5.0}) == [0]
    assert candidates(whens, {"x": "5"}) == [1]
    assert candidates(whens, {"x": True}) == [2]
    assert candidates(whens, {"x": 1}) == [3]
    assert candidates(whens, {"x": None}) == [4]
    assert candidates(whens, {}) == []
    assert candidates(whens, {"x": [5]}) == []
    assert candidates(whens, {"x": {"5": 5}}) == []


def test_a_thousand_rules_cost_at_most_twice_what_ten_do() -> None:
    def cost(count: int) -> float:
        others = [
            rule(f"r{n}", f"{{event: other/{n}, body.total: {{gt: {n}}}}}")
            for n in range(count - 1)
        ]
        shop = connector(*others, rule("mine", "{event: mine, body.total: {gt: 1}}"))
        seen = event({"total": 5}, type="mine")
        assert [v.rule for v in decide(shop, seen).actions] == ["mine"]
        best = float("inf")
        for _ in range(5):
            started = time.perf_counter()
            for _ in range(200):
                decide(shop, seen)
            best = min(best, time.perf_counter() - started)
        return best

    assert cost(1_000) <= 2 * cost(10)
