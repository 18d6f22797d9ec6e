"""Events, decisions and rows for tests of the workers, each with as little said as possible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from router.core.event import IncomingEvent
from router.core.ids import id_source
from rules.decision import (
    Action,
    CloseTask,
    Decision,
    Deduplication,
    Drop,
    OpenTask,
    Reason,
    RuleVerdict,
    TaskKey,
)
from workers.apply import Judged

NOW_MS = 1_790_000_000_000
NO_DEDUPE = Deduplication(None, 0)

_new_id = id_source()


def event(connector: str = "shop", *, received_ms: int = NOW_MS, **given: Any) -> IncomingEvent:
    given.setdefault("id", _new_id())
    given.setdefault("body", b"{}")
    given.setdefault("content_type", "application/json")
    return IncomingEvent(connector=connector, received_ms=received_ms, **given)


def open_task(key: str | None = None, *, shared: str | None = None, **given: Any) -> OpenTask:
    fields = given.pop("fields", {})
    return OpenTask(
        fields={"title": "Look into it", **fields},
        key=None if key is None else TaskKey(key, shared),
        **given,
    )


def complete(key: str, *, shared: str | None = None, **given: Any) -> CloseTask:
    return CloseTask("complete", TaskKey(key, shared), **given)


def cancel(key: str, *, shared: str | None = None, **given: Any) -> CloseTask:
    return CloseTask("cancel", TaskKey(key, shared), **given)


def matched(action: Action, rule: str = "rule", item: int | None = None) -> RuleVerdict:
    return RuleVerdict(
        rule=rule, at="rules/routes/shop.yaml:3", verdict="matched", item=item, action=action
    )


def decision(*actions: Action | RuleVerdict, **given: Any) -> Decision:
    verdicts = tuple(
        one if isinstance(one, RuleVerdict) else matched(one, f"rule {number}")
        for number, one in enumerate(actions)
    )
    given.setdefault("deduplication", NO_DEDUPE)
    if verdicts and all(isinstance(verdict.action, Drop) for verdict in verdicts):
        given.setdefault("dropped", Reason("dropped", "said so"))
    return Decision(verdicts=verdicts, **given)


def deduplicated(key: str, *actions: Action, within_s: int = 3600, **given: Any) -> Decision:
    return decision(*actions, deduplication=Deduplication(key, within_s), **given)


def judged(
    what: Decision | Action | Sequence[Action], of: IncomingEvent | None = None, **given: Any
) -> Judged:
    """Return an event with its decision; `given` goes to the event where none is passed."""
    if isinstance(what, Decision):
        made = what
    elif isinstance(what, OpenTask | CloseTask | Drop):
        made = decision(what)
    else:
        made = decision(*what)
    return Judged(of or event(**given), made)
