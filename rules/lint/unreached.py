"""What is never reached: rules behind others under `match: first`, and `otherwise`.

Under `match: first` a live rule is asked only if all live ones before it said no. So it is never
reached if it cannot be true while an earlier one is false; whether it can is asked of
`rules.lint.conflict`, which is certain where it says that it cannot. An earlier rule that is undecided
stops the event too, and counts as reached. `otherwise` never acts where a live rule has no condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rules.compiled import Rule
from rules.lint.candidates import Candidates
from rules.lint.conflict import conflict
from rules.lint.files import Effort, Files, LintedConnector, LintedRule
from rules.lint.literals import Literal, is_small, touching, ways
from rules.lint.never import is_dead
from rules.paths import Path
from rules.problems import Problem

CODE: Final = "R071"

Ways = Sequence[Sequence[Literal]] | None


def never_reached(files: Files) -> Iterator[Problem]:
    """Give a problem for each rule and each `otherwise` that nothing comes to."""
    effort = Effort()
    for connector in files.connectors:
        if connector.connector.match == "first":
            yield from _behind_others(connector, effort)
        yield from _otherwise(connector)


def is_catch_all(rule: Rule) -> bool:
    """Tell whether a live rule matches every event."""
    return rule.mode == "live" and rule.when is None and rule.for_each is None


def _behind_others(connector: LintedConnector, effort: Effort) -> Iterator[Problem]:
    usable = [one for one in connector.live if _may_match(one.rule)]
    find = _Finder(usable, effort)
    for later in usable:
        earlier = find.before(later)
        if earlier is not None:
            yield _of_rule(earlier, later)


class _Finder:
    """Finds the rule because of which another is never reached."""

    __slots__ = ("_always", "_by_number", "_candidates", "_effort", "_negated")

    def __init__(self, rules: Sequence[LintedRule], effort: Effort) -> None:
        self._effort = effort
        self._by_number = {one.number: one for one in rules}
        self._candidates = Candidates((one.number, one.rule.when) for one in rules)
        self._negated = {one.number: ways([(one.rule.when, False)]) for one in rules}
        self._always: dict[Path | None, LintedRule] = {}
        for one in rules:
            if one.rule.when is None:
                self._always.setdefault(one.rule.for_each, one)

    def before(self, later: LintedRule) -> LintedRule | None:
        """Return the first rule found that takes whatever a later one would match."""
        loop, when = later.rule.for_each, later.rule.when
        for path in dict.fromkeys([None, loop]):
            always = self._always.get(path)
            if always is not None and always.number < later.number:
                return always
        matching = ways([(when, True)])
        for number in self._candidates.covering(when, later.number):
            if not self._effort.take():
                break
            earlier = self._by_number[number]
            if earlier.rule.for_each is not None and earlier.rule.for_each != loop:
                continue
            if _excluded(self._negated[number], matching, self._effort, loop):
                return earlier
        return None


def _may_match(rule: Rule) -> bool:
    return is_small(rule.when) and not is_dead(rule.when, rule.for_each)


def _excluded(before: Ways, after: Ways, effort: Effort, loop: Path | None = None) -> bool:
    """Tell whether what would have to hold of two conditions never holds together.

    Neither is impossible by itself, so only what has to do with both is looked at.
    """
    if before is None or after is None:
        return False
    return all(
        effort.take() and conflict([*touching(way, other), *other], loop) is not None
        for other in before
        for way in after
    )


def _of_rule(earlier: LintedRule, later: LintedRule) -> Problem:
    rule = earlier.rule
    what = "every event" if is_catch_all(rule) else "whatever it would match"
    return Problem(
        CODE,
        f"the rule `{later.rule.name}` is never reached: `{rule.name}` on line "
        f"{earlier.place.line} takes {what} first",
        later.place,
        "warning",
        hint=f"under `match: first` write it before `{rule.name}`",
    )


def _otherwise(connector: LintedConnector) -> Iterator[Problem]:
    node = connector.root.entries.get("otherwise")
    taking = next((each for each in connector.rules if is_catch_all(each.rule)), None)
    if node is not None and connector.connector.otherwise is not None and taking is not None:
        yield Problem(
            CODE,
            f"`otherwise` is never reached: the rule `{taking.rule.name}` on line "
            f"{taking.place.line} matches every event",
            node.key.span,
            "warning",
            hint="it acts when no rule matched: remove it, or give that rule a condition",
        )
