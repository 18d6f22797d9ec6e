"""Every key of an `expect` is held against what came of an event, and says what it found instead."""

from __future__ import annotations

from typing import Any

import pytest

from rules.models_tests import ExpectModel
from rules.testing import _CHECKS, Came, unmet, unmet_of_all
from tests.support.rule_parts import node


def decision(
    rule: str, outcome: str | None, verdict: str = "matched", **given: Any
) -> dict[str, Any]:
    return {"rule": rule, "verdict": verdict, "outcome": outcome, **given}


def action(task: str, rule: str, done: str = "created") -> dict[str, Any]:
    return {"id": task, "rule": rule, "action": done}


def task(id_: str, title: str = "Look into it", key: str | None = None) -> dict[str, Any]:
    return {"id": id_, "title": title, "key": key}


ROUTED = Came(
    status="routed",
    decisions=[
        decision("order", "created"),
        decision("not asked for", None, "not"),
        decision("alert", "created"),
        decision("alert", "counted"),
        decision("done", "completed"),
    ],
    actions=[
        action("t1", "order"),
        action("t2", "alert"),
        action("t3", "alert", "counted"),
        action("t4", "done", "completed"),
    ],
    shadow=[{"rule": "quiet"}, {"rule": "quiet"}],
    tasks=[task("t1", "Order"), task("t2", "One"), task("t3", "Two"), task("t4", "Three", "k4")],
    deliver={"crm", "main"},
)
DROPPED = Came("dropped", "too small", [decision("small", "dropped")])
DUPLICATE = Came("duplicate")
UNDECIDED = Came("undecided", "body.a: is not there", [decision("order", "undecided", "undecided")])
REFUSED = Came(
    "refused",
    "a task needs a title",
    [
        decision(
            "order",
            "refused",
            errors=[{"field": "title", "code": "blank"}, {"field": "type", "code": "unknown-name"}],
        ),
        decision("other", None),
    ],
)


def told(expect: str, came: Came = ROUTED) -> list[str]:
    return [f"{d.path}: {d.expected} | {d.found}" for d in unmet(node(expect), came)]


def test_every_key_that_may_be_written_is_compared() -> None:
    assert list(_CHECKS) == list(ExpectModel.model_fields)


@pytest.mark.parametrize(
    ("expect", "came"),
    [
        ("{rule: order}", ROUTED),
        ("{rules: [order, alert, done]}", ROUTED),
        ("{status: routed}", ROUTED),
        ("{rule: order, outcome: created}", ROUTED),
        ("{rule: alert, outcome: [created, counted]}", ROUTED),
        ("{outcome: [created, created, counted, completed]}", ROUTED),
        ("{rule: order, task: {title: Order}}", ROUTED),
        ("{tasks: 4}", ROUTED),
        ("{rule: alert, tasks: [{title: One}, {title: Two}]}", ROUTED),
        ("{complete: k4}", ROUTED),
        ("{complete: [k4]}", ROUTED),
        ("{cancel: []}", ROUTED),
        ("{deliver: [main, crm]}", ROUTED),
        ("{shadow: [quiet]}", ROUTED),
        ("{dropped: true}", DROPPED),
        ("{dropped: too small}", DROPPED),
        ("{dropped: {matches: small$}}", DROPPED),
        ("{tasks: 0, rule: small, outcome: dropped, deliver: [], shadow: []}", DROPPED),
        ("{dropped: 5}", Came("dropped", "5")),
        ("{duplicate: true, tasks: []}", DUPLICATE),
        ("{undecided: true}", UNDECIDED),
        ("{undecided: {matches: not there}, outcome: undecided}", UNDECIDED),
        ("{refused: true}", REFUSED),
        ("{refused: {title: blank, type: true}, rule: order}", REFUSED),
    ],
)
def test_what_came_as_expected_is_no_difference(expect: str, came: Came) -> None:
    assert told(expect, came) == []


@pytest.mark.parametrize(
    ("expect", "came", "words"),
    [
        ("{rule: small}", ROUTED, 'rule: "small" | "order" and "alert" and "done" matched'),
        ("{rule: order}", UNDECIDED, 'rule: "order" | no rule matched'),
        (
            "{rules: [alert, order, done]}",
            ROUTED,
            'rules: ["alert","order","done"] | "order" and "alert" and "done" matched',
        ),
        ("{rules: []}", DROPPED, 'rules: [] | "small" matched'),
        ("{status: routed}", DROPPED, "status: routed | dropped: too small"),
        ("{status: routed}", DUPLICATE, "status: routed | duplicate"),
        ("{outcome: created}", ROUTED, "outcome: created | created, created, counted, completed"),
        ("{rule: order, outcome: updated}", ROUTED, "outcome: updated | created"),
        ("{rule: alert, outcome: [created]}", ROUTED, "outcome: created | created, counted"),
        ("{outcome: created}", DUPLICATE, "outcome: created | nothing was done"),
        ("{rule: order, task: {title: Ordre}}", ROUTED, 'task.title: "Ordre" | "Order"'),
        (
            "{rule: alert, task: {title: One}}",
            ROUTED,
            'task: one task | 2 tasks: ["One","Two"]',
        ),
        ("{task: {title: One}}", DROPPED, "task: one task | no task"),
        ("{tasks: 1}", DROPPED, "tasks: 1 task | no task"),
        ("{rule: order, tasks: 0}", ROUTED, 'tasks: no task | 1 task: ["Order"]'),
        ("{rule: order, tasks: [{}, {}]}", ROUTED, 'tasks: 2 tasks | 1 task: ["Order"]'),
        (
            "{rule: alert, tasks: [{title: One}, {title: Tow}]}",
            ROUTED,
            'tasks[1].title: "Tow" | "Two"',
        ),
        ("{complete: k5}", ROUTED, 'complete: "k5" | completed: "k4"'),
        ("{cancel: [a, 5]}", ROUTED, 'cancel: "a", "5" | nothing was cancelled'),
        ("{deliver: [crm]}", ROUTED, 'deliver: ["crm"] | ["crm","main"]'),
        ("{deliver: [crm]}", DROPPED, 'deliver: ["crm"] | no destination'),
        ("{shadow: []}", ROUTED, 'shadow: [] | ["quiet"]'),
        ("{shadow: [quiet]}", DROPPED, 'shadow: ["quiet"] | no shadow rule would act'),
        ("{dropped: true}", ROUTED, "dropped: dropped | routed"),
        ("{dropped: too big}", DROPPED, "dropped: too big | too small"),
        (
            "{dropped: too big}",
            UNDECIDED,
            "dropped: dropped: too big | undecided: body.a: is not there",
        ),
        ("{dropped: {matches: ^a}}", DROPPED, 'dropped: matches "^a" | too small'),
        ("{dropped: x}", Came("dropped"), "dropped: x | no reason"),
        ("{undecided: true}", DROPPED, "undecided: undecided | dropped: too small"),
        ("{duplicate: true}", DROPPED, "duplicate: duplicate | dropped: too small"),
        ("{refused: true}", DROPPED, "refused: refused | dropped: too small"),
        ("{refused: {title: too-long}}", REFUSED, "refused.title: too-long | blank"),
        (
            "{refused: {due: not-a-date}}",
            REFUSED,
            "refused.due: not-a-date | title: blank, type: unknown-name",
        ),
        ("{refused: {due: true}}", Came("refused"), "refused.due: true | no field"),
    ],
)
def test_what_came_otherwise_is_told(expect: str, came: Came, words: str) -> None:
    assert told(expect, came) == [words]


def test_rules_that_should_have_matched_are_named_so_that_it_can_be_told_why_they_did_not() -> None:
    found = unmet(node("{rule: small, rules: [order, gone], shadow: [quiet, off]}"), ROUTED)

    assert [difference.rules for difference in found] == [("small",), ("gone",), ("off",)]


def test_several_tasks_where_one_was_expected_is_told_how_to_write() -> None:
    (difference,) = unmet(node("{rule: alert, task: {title: One}}"), ROUTED)

    assert difference.hint == "write `tasks` for several"


def test_all_differences_are_told_in_the_order_of_the_file() -> None:
    assert [line.split(":")[0] for line in told("{tasks: 1, status: dropped, rule: small}")] == [
        "tasks",
        "status",
        "rule",
    ]


def test_of_several_events_the_tasks_they_left_are_compared() -> None:
    tasks = [task("t1", "One"), task("t2", "Two")]

    assert unmet_of_all(node("{tasks: [{title: One}, {title: Two}]}"), tasks) == []
    (difference,) = unmet_of_all(node("{task: {title: Two}}"), tasks)
    assert difference.found == '2 tasks: ["One","Two"]'
    assert unmet_of_all(node("{task: {title: One}}"), tasks[:1]) == []
