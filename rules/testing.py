"""What a test expects of an event, held against what came of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rules.document import Node
from rules.matching import Difference, differences, matches, shown
from rules.values import text


@dataclass(frozen=True, slots=True)
class Came:
    """What came of an event.

    `decisions`, `actions` (its `tasks`) and `shadow` are those of the Event JSON, `tasks` the tasks it
    made or changed as JSON, each once, in the order of acting; `deliver` the destinations that are
    told of them.
    """

    status: str
    reason: str | None = None
    decisions: Sequence[Mapping[str, Any]] = ()
    actions: Sequence[Mapping[str, Any]] = ()
    shadow: Sequence[Mapping[str, Any]] = ()
    tasks: Sequence[Mapping[str, Any]] = ()
    deliver: Collection[str] = ()

    @property
    def matched(self) -> list[str]:
        """The live rules that matched, each once."""
        return _once(one["rule"] for one in self.decisions if one["verdict"] == "matched")

    def outcomes(self, rule: str | None) -> list[str]:
        """What the actions came to, of one rule or of all."""
        return [
            one["outcome"]
            for one in self.decisions
            if one["outcome"] is not None and rule in {None, one["rule"]}
        ]

    def tasks_of(self, rule: str | None) -> list[Mapping[str, Any]]:
        """Return the tasks that a rule made or changed, or all."""
        ids = {one["id"] for one in self.actions if rule in {None, one["rule"]}}
        return [task for task in self.tasks if task["id"] in ids]

    def keys(self, action: str) -> list[Any]:
        """Return the keys of the tasks to which something was done."""
        keys = {task["id"]: task["key"] for task in self.tasks}
        return [keys[one["id"]] for one in self.actions if one["action"] == action]


Check = Callable[[Node, Came, str | None], Iterator[Difference]]


def unmet(expect: Node, came: Came) -> list[Difference]:
    """Return everything in which what came of an event is not as expected."""
    rule = expect.get("rule")
    name = rule.value if rule is not None and rule.is_text else None
    found: list[Difference] = []
    for key, node in expect.pairs():
        found += _CHECKS[key](node, came, name)
    return found


def unmet_of_all(expect: Node, tasks: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """Return everything in which the tasks that several events left are not as expected."""
    actions = [{"id": task["id"], "rule": "", "action": ""} for task in tasks]
    return unmet(expect, Came("routed", actions=actions, tasks=tasks))


def _rule(node: Node, came: Came, rule: str | None) -> Iterator[Difference]:
    if rule not in came.matched:
        names = (str(node.value),)
        yield Difference("rule", node.span, shown(node.value), _named(came.matched), rules=names)


def _rules(node: Node, came: Came, _rule: str | None) -> Iterator[Difference]:
    found = came.matched
    if node.value != found:
        missing = tuple(name for name in node.value if name not in found)
        yield Difference("rules", node.span, shown(node.value), _named(found), rules=missing)


def _named(rules: Sequence[str]) -> str:
    if not rules:
        return "no rule matched"
    return f"{' and '.join(map(shown, rules))} matched"


def _status(node: Node, came: Came, _rule: str | None) -> Iterator[Difference]:
    if node.value != came.status:
        yield Difference("status", node.span, str(node.value), _of(came))


def _of(came: Came) -> str:
    return came.status if came.reason is None else f"{came.status}: {came.reason}"


def _reason(status: str) -> Check:
    """Return what compares a status and its reason; `true` is met by any."""

    def check(node: Node, came: Came, _rule: str | None) -> Iterator[Difference]:
        wanted = node.value
        if came.status != status:
            expected = status if wanted is True else f"{status}: {_words(wanted)}"
            yield Difference(status, node.span, expected, _of(came))
        elif wanted is not True and not matches(_as_text(wanted), came.reason):
            yield Difference(status, node.span, _words(wanted), came.reason or "no reason")

    return check


def _as_text(wanted: Any) -> Any:
    return wanted if isinstance(wanted, dict) else text(wanted)


def _words(wanted: Any) -> str:
    if isinstance(wanted, dict):
        return f"matches {shown(next(iter(wanted.values())))}"
    return text(wanted)


def _duplicate(node: Node, came: Came, _rule: str | None) -> Iterator[Difference]:
    if came.status != "duplicate":
        yield Difference("duplicate", node.span, "duplicate", _of(came))


def _refused(node: Node, came: Came, _rule: str | None) -> Iterator[Difference]:
    if came.status != "refused":
        yield Difference("refused", node.span, "refused", _of(came))
        return
    errors = [error for one in came.decisions for error in one.get("errors", ())]
    codes = {error["field"]: error["code"] for error in errors}
    for field_, inner in node.pairs():
        if field_ not in codes:
            found = ", ".join(f"{name}: {code}" for name, code in codes.items()) or "no field"
            yield Difference(f"refused.{field_}", inner.span, _words(inner.value), found)
        elif inner.value is not True and text(inner.value) != codes[field_]:
            yield Difference(f"refused.{field_}", inner.span, text(inner.value), codes[field_])


def _outcome(node: Node, came: Came, rule: str | None) -> Iterator[Difference]:
    found = came.outcomes(rule)
    if isinstance(node.value, list):
        met = node.value == found
    else:
        met = bool(found) and all(each == node.value for each in found)
    if not met:
        wanted = ", ".join(node.value) if isinstance(node.value, list) else str(node.value)
        yield Difference("outcome", node.span, wanted, ", ".join(found) or "nothing was done")


def _task(node: Node, came: Came, rule: str | None) -> Iterator[Difference]:
    tasks = came.tasks_of(rule)
    if len(tasks) == 1:
        yield from differences(node, tasks[0], "task")
        return
    hint = "write `tasks` for several" if tasks else None
    yield Difference("task", node.span, "one task", _counted(tasks), hint)


def _tasks(node: Node, came: Came, rule: str | None) -> Iterator[Difference]:
    tasks = came.tasks_of(rule)
    wanted = node.value if isinstance(node.value, int) else len(node.items)
    if wanted != len(tasks):
        expected = "no task" if not wanted else f"{wanted} task{'s' * (wanted != 1)}"
        yield Difference("tasks", node.span, expected, _counted(tasks))
        return
    for position, (inner, task) in enumerate(zip(node.items, tasks, strict=False)):
        yield from differences(inner, task, f"tasks[{position}]")


def _counted(tasks: Sequence[Mapping[str, Any]]) -> str:
    if not tasks:
        return "no task"
    titles = shown([task["title"] for task in tasks])
    return f"{len(tasks)} task{'s' * (len(tasks) != 1)}: {titles}"


def _closed(name: str, action: str) -> Check:
    """Return what compares the keys of the tasks that were completed, or cancelled."""

    def check(node: Node, came: Came, _rule: str | None) -> Iterator[Difference]:
        found = came.keys(action)
        wanted = node.value if isinstance(node.value, list) else [node.value]
        if [text(key) for key in wanted] != found:
            shown_found = (
                f"{action}: {', '.join(map(shown, found))}" if found else f"nothing was {action}"
            )
            expected = ", ".join(shown(text(key)) for key in wanted)
            yield Difference(name, node.span, expected, shown_found)

    return check


def _deliver(node: Node, came: Came, _rule: str | None) -> Iterator[Difference]:
    if set(node.value) != set(came.deliver):
        found = shown(sorted(came.deliver)) if came.deliver else "no destination"
        yield Difference("deliver", node.span, shown(node.value), found)


def _shadow(node: Node, came: Came, _rule: str | None) -> Iterator[Difference]:
    found = _once(one["rule"] for one in came.shadow)
    if node.value != found:
        missing = tuple(name for name in node.value if name not in found)
        words = shown(found) if found else "no shadow rule would act"
        yield Difference("shadow", node.span, shown(node.value), words, rules=missing)


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


_CHECKS: Final[Mapping[str, Check]] = {
    "rule": _rule,
    "rules": _rules,
    "status": _status,
    "outcome": _outcome,
    "task": _task,
    "tasks": _tasks,
    "complete": _closed("complete", "completed"),
    "cancel": _closed("cancel", "cancelled"),
    "deliver": _deliver,
    "dropped": _reason("dropped"),
    "duplicate": _duplicate,
    "undecided": _reason("undecided"),
    "refused": _refused,
    "shadow": _shadow,
}
"""Every key of an `expect`, and what compares it."""
