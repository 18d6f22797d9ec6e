"""Entries of the directory's `routing` that never match, or that an earlier one takes all from.

The first entry that matches counts, and one that is undecided does not. So an entry is never reached
only if every test of an earlier one is a test of its own too.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import Final

from rules.conditions import Condition, compile_condition
from rules.document import Node
from rules.lint.files import Effort, Files
from rules.lint.literals import identity, is_small, ways
from rules.lint.never import impossible, is_dead
from rules.lint.unreached import CODE
from rules.problems import Problem, Report, Span
from rules.scope import ScopeSpec

_CONTACT: Final = ScopeSpec(roots=frozenset({"contact"}))

Tests = Sequence[frozenset[tuple[Hashable, bool]]]
"""The ways in which a condition holds, each as the tests that have to answer so."""


def routing_in_vain(files: Files) -> Iterator[Problem]:
    """Give a problem for each entry of `routing` that does nothing."""
    effort = Effort()
    before: list[tuple[Span, Tests]] = []
    for node in _entries(files):
        place, when = next(iter(node.entries.values())).key.span, node.get("when")
        condition = None if when is None else compile_condition(when, Report(), _CONTACT)
        if when is not None:
            if condition is None or not is_small(condition):
                continue
            yield from impossible(condition, when, "this entry of `routing` never matches", place)
            if is_dead(condition):
                continue
        tests = _tests(condition)
        by = _first(before, tests, effort)
        if by is None:
            before.append((place, tests))
        else:
            yield Problem(
                CODE,
                f"this entry of `routing` is never reached: the one at {by} matches first",
                place,
                "warning",
                hint="write what is more special first",
            )


def _first(before: Sequence[tuple[Span, Tests]], tests: Tests, effort: Effort) -> Span | None:
    for span, its in before:
        if not effort.take():
            return None
        if _all_in(its, tests):
            return span
    return None


def _entries(files: Files) -> Sequence[Node]:
    bodies = [root.get("directory") for root in files.of_kind("directory")]
    listed = [body.get("routing") for body in bodies if body is not None]
    nodes = [node for one in listed if one is not None for node in one.items]
    return [node for node in nodes if node.entries]


def _tests(condition: Condition | None) -> Tests:
    several = ways([(condition, True)]) or ()
    return [frozenset((identity(one.leaf), one.want) for one in way) for way in several]


def _all_in(before: Tests, after: Tests) -> bool:
    """Tell whether each way of holding of the second holds a way of the first."""
    return bool(after) and all(any(one <= other for one in before) for other in after)
