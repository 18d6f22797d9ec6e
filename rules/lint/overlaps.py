"""Rules that open different tasks under one key for one event: the second only renames the first's.

No false alarms: that two rules can match one event is proven by an event made up for it, which the
conditions are asked about (`rules.lint.witness`). Only live rules under `match: all` count, whose keys
are written alike, whose titles differ, and of which the later would update the task; `on_open: count`
or `ignore` says that it is meant so. What completes or cancels is no such rule.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Any, Final

from rules.compiled import TaskAction
from rules.lint.candidates import Candidates
from rules.lint.files import Effort, Files, LintedConnector, LintedRule
from rules.lint.literals import is_small
from rules.lint.witness import witness
from rules.paths import Path
from rules.problems import Problem

CODE: Final = "R072"
_STEPS: Final = 4
"""What it takes to make up an event for two rules."""


def one_key_for_two(files: Files) -> Iterator[Problem]:
    """Give a problem for each rule that gives the task of another rule another title."""
    effort = Effort()
    for connector in files.connectors:
        if connector.connector.match == "all":
            for group in _groups(connector):
                yield from _of_group(connector, group, effort)


def _groups(connector: LintedConnector) -> Sequence[list[LintedRule]]:
    """Return the live rules that open tasks with keys, by key."""
    groups: dict[tuple[Hashable, str, Path | None], list[LintedRule]] = {}
    for each in connector.live:
        action = each.rule.action
        if isinstance(action, TaskAction) and action.key is not None and is_small(each.rule.when):
            key = (action.shared, str(_written(each, "key")), each.rule.for_each)
            groups.setdefault(key, []).append(each)
    return [group for group in groups.values() if len(group) > 1]


def _written(each: LintedRule, name: str) -> Any:
    task = each.node.get("task")
    node = None if task is None else task.get(name)
    return None if node is None else node.value


def _of_group(
    connector: LintedConnector, group: Sequence[LintedRule], effort: Effort
) -> Iterator[Problem]:
    candidates = Candidates((each.number, each.rule.when) for each in group)
    by_number = {each.number: each for each in group}
    for later in group:
        action = later.rule.action
        if not isinstance(action, TaskAction) or action.on_open != "update":
            continue
        for number in candidates.meeting(later.rule.when, later.number):
            if not effort.take():
                break
            earlier = by_number[number]
            if _written(earlier, "title") == _written(later, "title"):
                continue
            effort.take(_STEPS)
            both = witness(connector.connector, [earlier.rule, later.rule])
            if both is not None:
                yield _problem(earlier, later, both)
                break


def _problem(earlier: LintedRule, later: LintedRule, both: str) -> Problem:
    node = later.node.entries["task"].value.entries["key"].value
    return Problem(
        CODE,
        f"the rules `{earlier.rule.name}` (line {earlier.place.line}) and `{later.rule.name}` can match "
        "one event, and their tasks have one key",
        node.span,
        "warning",
        found=f"both match where {both}",
        hint="there the second only gives the first one's task another title: give each its own key, "
        "or conditions that exclude each other",
    )
