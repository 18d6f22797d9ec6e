"""Checks what a test expects: that what it names is there, and that it can come true at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rules import fields
from rules.compile_task import TASK as TASK_RULE
from rules.compile_task import is_endpoint
from rules.document import Node
from rules.models_tests import MATCHES, is_pattern
from rules.operators import OPERATORS
from rules.problems import Report, did_you_mean
from rules.scope import ScopeSpec

_OTHERWISE: Final = "otherwise"
_NO_SCOPE: Final = ScopeSpec.of_event(frozenset(), "UTC")
_SHOWN: Final = 12

TASK: Final[Mapping[str, tuple[str, ...]]] = {
    "id": (),
    "number": (),
    "key": (),
    "version": (),
    "title": (),
    "description": (),
    "status": (),
    "status_kind": (),
    "type": (),
    "priority": (),
    "start_at": (),
    "due_at": (),
    "due_date": (),
    "due_time": (),
    "timezone": (),
    "all_day": (),
    "duration_minutes": (),
    "reminder": ("days_before", "time", "notify"),
    "assignees": (),
    "followers": (),
    "labels": (),
    "contact": ("id", "email", "name", "phone", "external_id"),
    "client": (),
    "project": (),
    "links": (),
    "custom": (),
    "creator": ("type", "id"),
    "occurrences": (),
    "completed_at": (),
    "created_at": (),
    "updated_at": (),
    "source": ("connector", "event_id", "rule", "version", "at"),
    "deliveries": (),
}
"""The fields of a task as the API shows it, and the keys of those that are mappings."""

_NO_DUPLICATE: Final = frozenset({"routed", "dropped", "undecided", "refused"})
_WITH_TASKS: Final = frozenset({"routed", "undecided"})
_STATUSES: Final[Mapping[str, frozenset[str]]] = {
    "rule": _NO_DUPLICATE,
    "rules": _NO_DUPLICATE,
    "outcome": _NO_DUPLICATE,
    "shadow": _NO_DUPLICATE,
    "task": _WITH_TASKS,
    "tasks": _WITH_TASKS,
    "deliver": _WITH_TASKS,
    "complete": _WITH_TASKS,
    "cancel": _WITH_TASKS,
    "dropped": frozenset({"dropped"}),
    "duplicate": frozenset({"duplicate"}),
    "undecided": frozenset({"undecided"}),
    "refused": frozenset({"refused"}),
}
"""The statuses an event can have if what is expected under a key comes true."""


@dataclass(frozen=True, slots=True)
class Known:
    """What tests may name: the connector's rules with their modes, and the destinations.

    `destinations` None: they are not all known, so that none can be called unknown.
    """

    rules: Mapping[str, Any]
    destinations: Iterable[str] | None

    @classmethod
    def of(cls, root: Node, destinations: Iterable[str] | None) -> Known:
        """Return what the tests of a connector file may name."""
        rules = root.get("rules")
        named: dict[str, Any] = {TASK_RULE: "live"} if is_endpoint(root) else {}
        for item in () if rules is None else rules.items:
            name, mode = item.get("name"), item.get("mode")
            if name is not None and name.is_text:
                named[name.value] = "live" if mode is None else mode.value
        if _OTHERWISE in root.entries:
            named[_OTHERWISE] = "live"
        return cls(named, destinations)


def check_expect(node: Node, known: Known, report: Report) -> None:
    """Report what an `expect` names that is not there, and what can never come true."""
    for name, inner in node.pairs():
        members = inner.items if inner.kind == "sequence" else [inner]
        for each in members:
            if name in {"rule", "rules", "shadow"}:
                _check_rule(each, known, report, shadow=name == "shadow")
            elif name == "deliver":
                _check_destination(each, known, report)
            elif name in {"task", "tasks"}:
                _check_task(each, report)
            elif is_pattern(each.value):
                _check_pattern(each, report)
    _check_statuses(node, report)


def _check_rule(node: Node, known: Known, report: Report, *, shadow: bool) -> None:
    if not node.is_text:
        return
    mode = known.rules.get(node.value)
    if node.value not in known.rules:
        _unknown(node, f"there is no rule `{node.value[:80]}`", known.rules, report)
    elif shadow and mode != "shadow":
        hint = "write `rule` for a rule that acts"
        report.add("R049", node.span, f"`{node.value}` is no shadow rule", hint=hint)
    elif not shadow and mode in {"shadow", "off"}:
        message = f"the rule `{node.value}` never acts: its mode is `{mode}`"
        report.add(
            "R049",
            node.span,
            message,
            hint="write it under `shadow`" if mode == "shadow" else None,
        )


def _check_destination(node: Node, known: Known, report: Report) -> None:
    names = known.destinations
    if node.is_text and names is not None and node.value not in names:
        _unknown(node, f"there is no destination `{node.value[:80]}`", names, report)


def _check_task(node: Node, report: Report) -> None:
    for name, inner in node.pairs():
        key = node.key(name)
        if name not in TASK:
            _unknown(key, f"a task has no field `{name[:80]}`", TASK, report, _shown_as(name))
        elif TASK[name] and inner.kind == "mapping" and not is_pattern(inner.value):
            for part in inner.entries:
                if part not in TASK[name]:
                    message = f"`{name}` has no `{part[:80]}`"
                    _unknown(inner.key(part), message, TASK[name], report)
        if name == "custom":
            for _, value in inner.pairs():
                _check_patterns(value, report)
        else:
            _check_patterns(inner, report)


def _shown_as(name: str) -> str | None:
    """Return how a task shows a field that rules write in other forms."""
    if name in fields.DUE_FORMS:
        return "a task shows its due date as `due_at`, `due_date` and `due_time`"
    return "a task shows it as `start_at`" if name in fields.START_FORMS else None


def _check_patterns(node: Node, report: Report) -> None:
    if is_pattern(node.value):
        _check_pattern(node, report)
        return
    for inner in (*node.items, *(value for _, value in node.pairs())):
        _check_patterns(inner, report)


def _check_pattern(node: Node, report: Report) -> None:
    OPERATORS[MATCHES].compile(node.entries[MATCHES].value, report, _NO_SCOPE)


def _unknown(
    node: Node, message: str, names: Iterable[str], report: Report, hint: str | None = None
) -> None:
    listed = list(names)
    hint = hint or did_you_mean(str(node.value), listed)
    few = ", ".join(listed[:_SHOWN]) + (", …" if len(listed) > _SHOWN else "")
    expected = None if hint else few or "there is none"
    report.add("R048", node.span, message, expected=expected, hint=hint)


def _check_statuses(node: Node, report: Report) -> None:
    """Report expectations of which one event can meet only one."""
    before: list[tuple[str, frozenset[str]]] = []
    for name, inner in node.pairs():
        statuses = _statuses(name, inner)
        if statuses is None or report.has_inside(inner.span):
            continue
        other = next((one for one, theirs in before if not theirs & statuses), None)
        if other is not None:
            place = node.key(name).span
            report.add("R049", place, f"`{name}` and `{other}` cannot both come true")
        before.append((name, statuses))


def _statuses(name: str, node: Node) -> frozenset[str] | None:
    if name == "status":
        return frozenset({node.value}) if node.is_text else None
    if name in {"rules", "shadow", "tasks", "deliver"} and not node.value:
        return None  # nothing of the kind, which is true of many events
    return _STATUSES.get(name)
