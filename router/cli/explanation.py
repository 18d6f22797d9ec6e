"""A decision as a tree for people: every rule, each of its conditions, what was expected and found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from router.cli.output import plain
from router.cli.verdicts import SIGNS, at_place, step_words
from router.core.store.present import task_json
from rules.compiled import Connector, Rule
from rules.decision import CloseTask, Decision, Drop, OpenTask, RuleVerdict
from workers.board import DONE
from workers.rehearsal import Rehearsed

_NOT_SHOWN: Final = frozenset(
    {"id", "number", "key", "version", "source", "deliveries", "created_at", "updated_at"}
)
"""Fields of a task that the explanation says elsewhere, or that a task which is not made has not."""
_USUAL: Final = {"status": "open", "occurrences": 1, "all_day": False}


def explanation(connector: Connector, rehearsed: Rehearsed) -> Iterator[str]:
    """Give the lines of an explanation."""
    judged, row = rehearsed.judged, rehearsed.event
    yield from _head(row)
    if judged.decision is None:
        yield ""
        yield f"{row['status']}: {plain(row['reason'])}"
        return
    yield _dedupe(judged.decision)
    yield from _rules(connector, judged.decision, rehearsed)
    yield ""
    yield _outcome(row)


def _head(row: Mapping[str, Any]) -> Iterator[str]:
    yield f"connector   {row['connector']}"
    for name, column in (("type", "type"), ("delivery id", "delivery_id")):
        yield f"{name:11} {'none' if row[column] is None else plain(row[column])}"


def _dedupe(decision: Decision) -> str:
    key, within_s = decision.deduplication.key, decision.deduplication.within_s
    if key is None:
        return "dedupe      no key: nothing is a duplicate of it"
    return f"dedupe      {plain(key)}, for {_span(within_s)}"


def _span(seconds: int) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % size == 0 and seconds > size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _rules(connector: Connector, decision: Decision, rehearsed: Rehearsed) -> Iterator[str]:
    verdicts: dict[str, list[RuleVerdict]] = {}
    for verdict in (*decision.verdicts, *decision.shadow):
        verdicts.setdefault(verdict.rule, []).append(verdict)
    done = _Done(rehearsed)
    rules = [*connector.rules, *([connector.otherwise] if connector.otherwise else [])]
    for rule in rules:
        yield ""
        said = verdicts.get(rule.name, [])
        if not said:
            yield f"- {plain(rule.name)}  {_not_asked(rule, connector, decision)}  {rule.at}"
        for verdict in said:
            yield from _rule(rule, verdict, done)


def _not_asked(rule: Rule, connector: Connector, decision: Decision) -> str:
    if rule.mode == "off":
        return "off"
    if decision.undecided is not None and not decision.verdicts:
        return "not asked: the deduplication key could not be had"
    if rule is connector.otherwise:
        return "not asked: it acts when no rule matched and none is undecided"
    settled = next((v.rule for v in decision.verdicts if v.verdict != "not"), None)
    if connector.match == "first" and settled is not None:
        return f"not asked: `{plain(settled)}` settles the event (match: first)"
    listed = "its list" if rule.for_each is None else rule.for_each.text
    return f"no item: {listed} is empty, or not there"


def _rule(rule: Rule, verdict: RuleVerdict, done: _Done) -> Iterator[str]:
    item = "" if verdict.item is None else f" [{verdict.item}]"
    mode = "" if rule.mode == "live" else f"  ({rule.mode}: it only says what it would do)"
    yield f"{SIGNS[verdict.verdict]} {plain(verdict.rule)}{item}{mode}  {verdict.at}"
    for step in verdict.why:
        yield f"  {'  ' * step.depth}{SIGNS[step.verdict]} {step_words(step)}"
    if verdict.reason is not None and not verdict.refused:
        yield f"  undecided: {plain(verdict.reason.message)}{at_place(verdict.reason.at)}"
    for error in verdict.errors:
        yield f"  refused: {plain(error.message)}"
    if verdict.action is not None:
        yield from (f"  {line}" for line in _action(verdict, done))


class _Done:
    """What each verdict came to in the rehearsal."""

    def __init__(self, rehearsed: Rehearsed) -> None:
        self._decisions = {
            (entry["rule"], entry["item"]): entry for entry in rehearsed.event["decisions"]
        }
        self._tasks = {row["id"]: row for row in rehearsed.tasks}
        self._copies = rehearsed.copies

    def outcome(self, verdict: RuleVerdict) -> str | None:
        entry = self._decisions.get((verdict.rule, verdict.item))
        return None if entry is None else entry["outcome"]

    def task(self, verdict: RuleVerdict) -> dict[str, Any] | None:
        """Return the task a verdict made or changed."""
        entry = self._decisions.get((verdict.rule, verdict.item))
        return None if entry is None else self._tasks.get(entry["task_id"])

    def destinations(self, task_id: str) -> Sequence[str]:
        return [row["destination"] for row in self._copies.get(task_id, ())]


def _action(verdict: RuleVerdict, done: _Done) -> Iterator[str]:
    action = verdict.action
    outcome = done.outcome(verdict)
    said = f": {outcome}" if outcome is not None and not isinstance(action, Drop) else ""
    if isinstance(action, Drop):
        yield f"→ drop: {plain(action.reason)}"
    elif isinstance(action, CloseTask):
        yield f"→ {action.how} the open task of the key {plain(action.key.text)}{said}"
        yield from _fields({"version": action.version, "note": action.note})
    elif isinstance(action, OpenTask):
        key = "" if action.key is None else f" of the key {plain(action.key.text)}"
        yield f"→ task{key}{said}"
        yield from _fields({"version": action.version, **_task_fields(action, verdict, done)})


def _task_fields(action: OpenTask, verdict: RuleVerdict, done: _Done) -> dict[str, Any]:
    task = done.task(verdict)
    if task is None or done.outcome(verdict) not in DONE:
        return {**action.fields, "deliver": list(action.deliver)}
    fields = {
        name: value
        for name, value in task_json(task).items()
        if name not in _NOT_SHOWN and _USUAL.get(name) != value
    }
    fields.pop("creator", None)
    fields.pop("status_kind", None)
    return {**fields, "deliver": list(done.destinations(task["id"]))}


def _fields(fields: Mapping[str, Any]) -> Iterable[str]:
    given = {name: value for name, value in fields.items() if value not in (None, [], {})}
    width = max((len(name) for name in given), default=0)
    return (f"    {name:{width}}  {plain(value)}" for name, value in given.items())


def _outcome(row: Mapping[str, Any]) -> str:
    reason = f": {plain(row['reason'])}" if row["reason"] else ""
    return f"{row['status']}{reason}"
