"""Why a rule that should have matched did not: the first of its conditions that was not met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from router.cli.verdicts import at_place, step_words
from router.core.event import IncomingEvent
from rules.compiled import Connector, Rule
from rules.decision import Reason, RuleVerdict, Step
from rules.ruleset import RuleSet
from workers.judge import judge

_MOST_ITEMS = 3


def why_not(rule_set: RuleSet, event: IncomingEvent, name: str) -> list[str]:
    """Return why a rule did not match an event: a line for each item of its list, few where there are many."""
    connector = rule_set.connectors[event.connector]
    rule = next((one for one in connector.rules if one.name == name), None)
    if rule is None:
        return [f"{name}: it acts only where no rule matched and none is undecided"]
    decision = judge(event, _alone(rule_set, connector, rule)).decision
    if decision is None:
        return []  # the event itself could not be read, which its status says
    asked = decision.verdicts or decision.shadow
    if not asked:
        return [f"{name}: {_not_asked(rule, decision.undecided)}"]
    lines = [f"{_place(name, verdict)}: {_of(verdict)}" for verdict in asked[:_MOST_ITEMS]]
    if len(asked) > _MOST_ITEMS:
        lines.append(f"{name}: and {len(asked) - _MOST_ITEMS} more items")
    return lines


def _alone(rule_set: RuleSet, connector: Connector, rule: Rule) -> RuleSet:
    """Return the rules with this one alone in its connector, so that it is asked whatever others do."""
    bare = replace(connector, rules=(rule,), otherwise=None, match="all")
    return replace(rule_set, connectors={connector.name: bare})


def _not_asked(rule: Rule, undecided: Reason | None) -> str:
    if undecided is not None:
        return undecided.message
    listed = "its list" if rule.for_each is None else rule.for_each.text
    return f"{listed} has no item that it could match"


def _place(name: str, verdict: RuleVerdict) -> str:
    return name if verdict.item is None else f"{name}, item {verdict.item}"


def _of(verdict: RuleVerdict) -> str:
    if verdict.verdict == "matched":
        if verdict.reason is not None:
            return f"its action is refused: {verdict.reason.message}"
        return "it would match, but an earlier rule settles the event (match: first)"
    if verdict.verdict == "undecided" and verdict.reason is not None:
        return f"undecided: {verdict.reason.message}{at_place(verdict.reason.at)}"
    return _first_unmet(verdict.why)


def _first_unmet(steps: Sequence[Step]) -> str:
    """Return the first step that says no; of an `any` its parts, of a `not` what it is about."""
    place = next(n for n, step in enumerate(steps) if step.depth == 0 and step.verdict == "not")
    step = steps[place]
    inner = list(takewhile(lambda below: below.depth > 0, steps[place + 1 :]))
    if not inner:
        return step_words(step)
    parts = "; ".join(step_words(part) for part in inner if part.depth == 1)
    return f"{'none is met' if step.text == 'any' else 'it may not be'}: {parts}"
