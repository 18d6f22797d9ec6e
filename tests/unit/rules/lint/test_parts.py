"""The smaller parts that the checks are made of."""

from __future__ import annotations

from typing import Any

import pytest

from rules.conditions import Condition
from rules.decision import Step
from rules.lint.candidates import Candidates
from rules.lint.conflict import conflict
from rules.lint.files import Effort, Stretches
from rules.lint.literals import is_small, split, ways
from rules.lint.unused import _anybody
from rules.lint.witness import _scope
from rules.scope import Scope
from rules.template_results import certain_results
from tests.support.rule_parts import condition, connector, node, rule


class Unheard(Condition):
    """A kind of condition that nobody has heard of yet."""

    __slots__ = ()

    @property
    def variables(self) -> frozenset[str]:
        return frozenset()

    def test(self, scope: Scope) -> bool | None:
        return None

    def judge(self, scope: Scope, depth: int = 0) -> tuple[bool | None, tuple[Step, ...]]:
        return None, ()


def test_a_kind_of_condition_that_is_not_known_excludes_nothing() -> None:
    assert split(Unheard("")).literals == []
    assert ways([(Unheard(""), True), (Unheard(""), False)]) == [[]]
    assert is_small(Unheard(""))
    assert conflict([]) is None


@pytest.mark.parametrize(
    ("when", "want", "count"),
    [
        ("{body.x: 1, body.y: 2}", True, 1),
        ("{body.x: 1, body.y: 2}", False, 2),
        ("{any: [{body.x: 1}, {body.y: 2}]}", True, 2),
        ("{any: [{body.x: 1}, {body.y: 2}]}", False, 1),
        ("{not: {any: [{body.x: 1}, {all: [{body.y: 2}, {body.z: 3}]}]}}", True, 2),
        ("{any: [{any: [{body.x: 1}, {body.y: 2}], not: {body.x: 1, body.y: 2}}]}", True, 4),
    ],
)
def test_a_condition_gives_an_answer_in_so_many_ways(when: str, want: bool, count: int) -> None:  # noqa: FBT001  the answer asked for
    several = ways([(condition(when), want)])
    assert several is not None
    assert len(several) == count


def test_without_a_condition_there_is_one_way_to_match_and_none_not_to() -> None:
    assert ways([(None, True)]) == [[]]
    assert ways([(None, False)]) == []


def test_of_too_many_ways_none_is_given() -> None:
    any_of = "{any: [{body.x: 1}, {body.y: 2}, {body.z: 3}]}"
    four = ", ".join([any_of] * 4)
    assert ways([(condition(f"{{all: [{four}]}}"), True)]) is None
    assert ways([(condition(f"{{any: [{{all: [{four}]}}]}}"), True)]) is None
    assert ways([(condition(any_of), True)] * 4) is None


def candidates(*conditions: str | None) -> Candidates:
    return Candidates(
        (n, None if one is None else condition(one)) for n, one in enumerate(conditions)
    )


def test_candidates_share_a_value_of_the_path_that_most_rules_need() -> None:
    several = candidates(
        "{event: a}", "{event: b, body.x: 1}", None, "{event: {in: [a, b]}}", "{body.x: 1}"
    )
    a, both, x = (
        condition("{event: a}"),
        condition("{event: {in: [a, b]}}"),
        condition("{body.x: 1}"),
    )
    assert list(several.meeting(a, 9)) == [0, 2, 3, 4]
    assert list(several.meeting(both, 9)) == [0, 1, 2, 3, 4]
    assert list(several.meeting(x, 9)) == list(several.meeting(None, 9)) == [0, 1, 2, 3, 4]
    assert list(several.meeting(a, 3)) == list(several.covering(a, 3)) == [0, 2]
    assert list(several.covering(a, 9)) == [0, 2, 3, 4]
    assert list(several.covering(x, 9)) == list(several.covering(None, 9)) == [2, 4]


def test_without_values_that_are_needed_all_are_candidates() -> None:
    several = candidates("{body.x: {gt: 5}}", None)
    assert (
        list(several.meeting(None, 9))
        == list(several.covering(condition("{event: a}"), 9))
        == [0, 1]
    )


def test_an_effort_ends() -> None:
    effort = Effort(3)
    assert [effort.take(), effort.take(2), effort.take()] == [True, True, False]


def test_stretches_are_met_where_they_share_a_character() -> None:
    stretches = Stretches([(5, 7), (1, 3), (5, 7)])
    meeting = [(start, start + 1) for start in range(9) if stretches.meet(start, start + 1)]
    assert meeting == [(1, 2), (2, 3), (5, 6), (6, 7)]
    assert stretches.meet(0, 9)
    assert not stretches.meet(3, 5)
    assert not Stretches([]).meet(0, 9)


@pytest.mark.parametrize(
    ("source", "open_to_anybody"),
    [("task", True), ("{preset: task}", True), ("shopify", False), ("{header: X-Key}", False)],
)
def test_a_source_whose_payload_is_a_task_may_name_anybody(
    source: str, open_to_anybody: Any
) -> None:
    assert _anybody(node(f"connector: x\nsource: {source}\n")) is open_to_anybody


def test_no_event_is_made_up_for_names_that_its_payload_does_not_tell() -> None:
    shop, any_event = connector(), rule("one")
    assert _scope(shop, any_event, {("contact", ("email",)): "a@acme.example"}) is None
    assert _scope(shop, any_event, {("body", ("email",)): "a@acme.example"}) is not None


def test_a_template_that_is_too_deep_to_read_again_has_no_certain_result() -> None:
    deep = "(" * 3_000 + "'x'" + ")" * 3_000
    assert certain_results(node(f'"{{{{ {deep} }}}}"')) == []
