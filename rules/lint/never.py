"""Rules that never match, and parts of an `any` that never hold.

No false alarms: a rule is reported only if every way of holding has a contradiction that
`rules.lint.conflict` is certain of, with what `for_each` asks taken into account. Rules with
`mode: off` are left alone: they were put aside as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from rules.conditions import Condition
from rules.conditions_tree import Any_
from rules.document import Node
from rules.lint.conflict import Conflict, conflict
from rules.lint.describe import conflict_words, hint_for, last_span
from rules.lint.files import Files
from rules.lint.literals import Literal, is_small, split, ways
from rules.paths import Path
from rules.problems import Problem, Span

CODE: Final = "R070"


def never_matches(files: Files) -> Iterator[Problem]:
    """Give a problem for each rule, or part of an `any`, that no event can satisfy."""
    for connector in files.connectors:
        for each in connector.rules:
            rule, when = each.rule, each.node.get("when")
            if rule.mode == "off" or (rule.when is None and rule.for_each is None):
                continue
            subject = f"the rule `{rule.name}` never matches"
            node = each.node if when is None else when
            yield from impossible(rule.when, node, subject, each.place, rule.for_each)


def is_dead(condition: Condition | None, loop: Path | None = None) -> bool:
    """Tell whether a condition is never true, as far as that can be seen."""
    return _dead(condition, [], loop) is not None


def impossible(
    condition: Condition | None, node: Node, subject: str, place: Span, loop: Path | None = None
) -> Iterator[Problem]:
    """Give what is impossible about a condition; `node` holds it, `place` is whose it is."""
    if not is_small(condition):
        return
    found = _dead(condition, [], loop)
    if found is not None:
        yield _problem(subject, found, node, place)
    elif condition is not None:
        for part in dead_parts(condition, loop):
            subject = f"part {part.number} of this `any` never holds"
            yield _problem(subject, part.conflict, node, place)


def _dead(
    condition: Condition | None, around: Sequence[Literal], loop: Path | None, *, want: bool = True
) -> Conflict | None:
    """Return why a condition never gives an answer beside what else has to hold; None if it may."""
    whole = split(condition, want)
    known = [*around, *whole.literals]
    found = conflict(known, loop)
    if found is not None:
        return found
    for choice in whole.choices:
        dead = [_dead(part, known, loop, want=answer) for part, answer in choice.parts]
        if found := _last(dead):
            return found
    if around or not whole.choices:
        return None
    return _last([conflict(way, loop) for way in ways([(condition, want)]) or ()])


def _last(conflicts: Sequence[Conflict | None]) -> Conflict | None:
    """Return the last of the conflicts of all alternatives; None if one of them may hold."""
    if not conflicts or not all(conflicts):
        return None
    last = conflicts[-1]
    return last and replace(last, others=len(conflicts) > 1)


class DeadPart(NamedTuple):
    """A part of an `any` that never holds, its number from 1, and why."""

    number: int
    condition: Condition
    conflict: Conflict


def dead_parts(
    condition: Condition, loop: Path | None, around: Sequence[Literal] = ()
) -> Iterator[DeadPart]:
    """Give the parts of each `any` that never hold beside what else has to."""
    whole = split(condition)
    known = [*around, *whole.literals]
    for choice in whole.choices:
        for number, (part, want) in enumerate(choice.parts, 1):
            found = _dead(part, known, loop, want=want)
            if found is None and want:
                yield from dead_parts(part, loop, known)
            elif found is not None and isinstance(choice.group, Any_):
                yield DeadPart(number, part, found)


def _problem(subject: str, found: Conflict, node: Node, place: Span) -> Problem:
    span = last_span(found.literals, node) if found.literals else place
    message = f"{subject}: {conflict_words(found)}"
    return Problem(CODE, message, span, "warning", hint=hint_for(found))
