"""Rules that complete or cancel by a key that no rule opens a task with: nothing ever comes of them.

No false alarms: keys are compared by the text before their first and after their last template, and
only those that can never be equal count as different. Rules that are switched off count as opening:
their tasks may still be there. A shared key may be opened by any connector, so it is judged only if no
file has an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rules.compiled import CloseAction, RuleAction, TaskAction
from rules.document import Node
from rules.lint.files import Effort, Files, LintedConnector, LintedRule
from rules.problems import Problem, did_you_mean
from rules.template import Value
from rules.template_values import Constant, TextValue
from rules.values import storable, text

CODE: Final = "R073"

_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class _Key:
    """What is fixed about a key; `whole` if that is all of it."""

    written: str
    start: str
    end: str
    whole: bool
    shared: str | None

    def may_be(self, other: _Key) -> bool:
        """Tell whether two keys can be the same."""
        if self.shared != other.shared:
            return False
        if self.whole and other.whole:
            return self.start == other.start
        for one, another in ((self, other), (other, self)):
            if one.whole and not (
                one.start.startswith(another.start)
                and one.start.endswith(another.end)
                and len(one.start) >= len(another.start) + len(another.end)
            ):
                return False
        if self.whole or other.whole:
            return True
        starts = self.start.startswith(other.start) or other.start.startswith(self.start)
        return starts and (self.end.endswith(other.end) or other.end.endswith(self.end))


def closes_nothing(files: Files) -> Iterator[Problem]:
    """Give a problem for each rule that closes tasks which no rule opens."""
    effort = Effort()
    everywhere = _distinct(key for connector in files.connectors for key in _opened(connector))
    for connector in files.connectors:
        own = _distinct(_opened(connector))
        for each in connector.live:
            action = each.rule.action
            if not isinstance(action, CloseAction):
                continue
            if action.shared is not None and not files.complete:
                continue
            opened = own if action.shared is None else everywhere
            closing = _key(action.key, action.shared, _node(each, action.how))
            if not any(not effort.take() or closing.may_be(key) for key in opened):
                yield _problem(each, action, closing, opened)


def _distinct(keys: Iterable[_Key]) -> Sequence[_Key]:
    return list(dict.fromkeys(keys))


def _opened(connector: LintedConnector) -> Iterator[_Key]:
    actions: list[tuple[RuleAction, Node | None]] = [
        (each.rule.action, _node(each, "task")) for each in connector.rules
    ]
    otherwise = connector.connector.otherwise
    if otherwise is not None:
        node = connector.root.get("otherwise")
        actions.append((otherwise.action, _key_node(node, "task")))
    for action, node in actions:
        if isinstance(action, TaskAction) and action.key is not None:
            yield _key(action.key, action.shared, node)


def _node(each: LintedRule, action: str) -> Node | None:
    return _key_node(each.node, action)


def _key_node(rule: Node | None, action: str) -> Node | None:
    inner = None if rule is None else rule.get(action)
    key = None if inner is None else inner.get("key")
    return key if key is None or key.kind == "scalar" else key.get("shared")


def _key(value: Value, shared: str | None, node: Node | None) -> _Key:
    written = "" if node is None else str(node.value)
    if isinstance(value, Constant):
        whole = storable(text(value.value))
        return _Key(written, whole, whole, whole=True, shared=shared)
    first, last = "", ""
    if isinstance(value, TextValue):
        ends = (value.parts[0], value.parts[-1])
        first, last = (storable(part) if isinstance(part, str) else "" for part in ends)
    return _Key(written, first, last, whole=False, shared=shared)


def _problem(
    each: LintedRule, action: CloseAction, closing: _Key, opened: Sequence[_Key]
) -> Problem:
    node = _node(each, action.how)
    usable = list(dict.fromkeys(key.written for key in opened if key.shared == closing.shared))
    scope = "this connector" if action.shared is None else "any connector"
    expected = ", ".join(usable[:_SHOWN]) + (", …" if len(usable) > _SHOWN else "")
    return Problem(
        CODE,
        f"the rule `{each.rule.name}` closes nothing: no rule of {scope} opens a task with this key",
        each.place if node is None else node.span,
        "warning",
        found=closing.written or None,
        expected=expected or None,
        hint=did_you_mean(closing.written, usable) if usable else "give the `task` the same `key`",
    )
