"""What two sets of rules make of the same events, and how that differs (decision X8).

Each side rehearses all events in order against a store of its own, so that keys, updates and
duplicates count as they would have. What differs is told event by event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

from workers.board import DONE
from workers.rehearsal import Rehearsed

Kind = Literal["added", "lost", "changed"]

_NOT_COMPARED: Final = frozenset(
    {
        "id",
        "number",
        "scope",
        "version",
        "edited",
        "source",
        "created_ms",
        "updated_ms",
        "deleted_ms",
    }
)
"""Columns of a task that follow from the rest, or only say which line of which file it comes from."""

_UNSETTLED: Final = frozenset({"undecided", "refused", "held", "failed"})


class Effect(NamedTuple):
    """What a rule (and item) did to a task; `fields` is the task as the event left it."""

    rule: str
    item: int | None
    action: str
    title: str
    fields: Mapping[str, Any]


class Outcome(NamedTuple):
    """What came of an event under one set of rules."""

    event_id: str
    connector: str
    type: str | None
    received_ms: int
    status: str
    reason: str | None
    effects: tuple[Effect, ...]


class Difference(NamedTuple):
    """One difference between two outcomes of an event.

    `added` and `lost`: what only the new and only the live rules do. `changed`: what both do, or the
    event's status; `fields` then holds the value on either side of everything that differs.
    """

    kind: Kind
    event_id: str
    connector: str
    type: str | None
    received_ms: int
    rule: str | None
    item: int | None
    action: str
    title: str
    fields: Mapping[str, Mapping[str, Any]]


def outcome_of(rehearsed: Rehearsed) -> Outcome:
    """Return what is compared of a rehearsed event."""
    event = rehearsed.event
    return Outcome(
        event["id"],
        event["connector"],
        event["type"],
        event["received_ms"],
        event["status"],
        event["reason"],
        tuple(_effects(rehearsed)),
    )


def _effects(rehearsed: Rehearsed) -> Iterator[Effect]:
    if not rehearsed.event["tasks"]:
        return
    tasks = {row["id"]: row for row in rehearsed.tasks}
    copies = rehearsed.copies
    for decision in rehearsed.event["decisions"]:
        task = tasks.get(decision["task_id"])
        if decision["outcome"] not in DONE or task is None:
            continue
        fields = {name: value for name, value in task.items() if name not in _NOT_COMPARED}
        fields["deliver"] = sorted(row["destination"] for row in copies.get(task["id"], ()))
        yield Effect(decision["rule"], decision["item"], decision["outcome"], task["title"], fields)


def compare(live: Outcome, new: Outcome) -> list[Difference]:
    """Return every difference between what both sets of rules make of one event."""
    before = {(each.rule, each.item): each for each in live.effects}
    after = {(each.rule, each.item): each for each in new.effects}
    differences = [
        _difference("lost", live, each) for place, each in before.items() if place not in after
    ]
    for place, each in after.items():
        was = before.get(place)
        if was is None:
            differences.append(_difference("added", new, each))
        elif fields := _changes(was, each):
            differences.append(_difference("changed", new, each, fields))
    if live.status != new.status and (not differences or _UNSETTLED & {live.status, new.status}):
        differences.append(_of_status(live, new))
    return differences


def _changes(was: Effect, each: Effect) -> dict[str, Mapping[str, Any]]:
    changes: dict[str, Mapping[str, Any]] = {}
    if was.action != each.action:
        changes["action"] = {"from": was.action, "to": each.action}
    for name in {**was.fields, **each.fields}:
        old, new = was.fields.get(name), each.fields.get(name)
        if old != new:
            changes[name] = {"from": old, "to": new}
    return changes


def _difference(
    kind: Kind,
    outcome: Outcome,
    effect: Effect,
    fields: Mapping[str, Mapping[str, Any]] | None = None,
) -> Difference:
    return Difference(
        kind,
        outcome.event_id,
        outcome.connector,
        outcome.type,
        outcome.received_ms,
        effect.rule,
        effect.item,
        effect.action,
        effect.title,
        fields or {},
    )


def _of_status(live: Outcome, new: Outcome) -> Difference:
    fields: dict[str, Mapping[str, Any]] = {"status": {"from": live.status, "to": new.status}}
    if live.reason != new.reason:
        fields["reason"] = {"from": live.reason, "to": new.reason}
    return Difference(
        "changed",
        new.event_id,
        new.connector,
        new.type,
        new.received_ms,
        None,
        None,
        new.status,
        "",
        fields,
    )
