"""What an event's row says of each rule: its verdict and why, what came of it, what a shadow would have done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rules.decision import CloseTask, OpenTask, RuleVerdict
from workers.fields import Row


def verdict_json(
    verdict: RuleVerdict, outcome: str | None, task: Row | None, kept: Sequence[str]
) -> dict[str, Any]:
    """Return a verdict as the Event JSON shows it (R14); with its reason, where it has one."""
    entry: dict[str, Any] = {
        "rule": verdict.rule,
        "item": verdict.item,
        "verdict": verdict.verdict,
        "outcome": outcome,
        "task_id": None if task is None else task["id"],
        "at": verdict.at,
        "why": [
            {
                "text": step.text,
                "verdict": step.verdict,
                "expected": step.expected,
                "found": step.found,
                "at": step.at,
                "reason": step.reason,
                "depth": step.depth,
            }
            for step in verdict.why
        ],
    }
    if verdict.reason is not None:
        reason = verdict.reason
        entry["reason"] = {"code": reason.code, "message": reason.message, "at": reason.at}
    if kept:
        entry["kept"] = list(kept)
    if verdict.errors:
        entry["errors"] = [
            {"field": each.field, "code": each.code, "message": each.message}
            | ({} if each.pointer is None else {"pointer": each.pointer})
            for each in verdict.errors
        ]
    if verdict.notes and outcome == "created":
        entry["notes"] = [
            {"code": each.code, "message": each.message, "at": each.at} for each in verdict.notes
        ]
    return entry


def shadow_json(verdict: RuleVerdict) -> dict[str, Any]:
    """Return what a shadow rule would have done (R13)."""
    action = verdict.action
    if isinstance(action, OpenTask):
        return {"rule": verdict.rule, "action": "task", "fields": dict(action.fields)}
    if isinstance(action, CloseTask):
        return {"rule": verdict.rule, "action": action.how, "fields": {"key": action.key.text}}
    return {"rule": verdict.rule, "action": "drop", "fields": {}}
