"""A task's fields as rules give them (the contract's names) and as the store keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from rules.due import DueError, at_instant, on_day, zone_of
from rules.values import instant

Row = dict[str, Any]

OPEN_KINDS = frozenset({"initial", "in_progress"})

_INSTANTS = {"start_at": "start_ms", "due_at": "due_ms"}
_LISTS = frozenset({"assignees", "followers", "labels", "links"})
_DEFAULT_KINDS = {
    "open": "initial",
    "doing": "in_progress",
    "done": "done",
    "cancelled": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Statuses:
    """Which statuses a task can have: kinds by id, in the directory's order (decision N11)."""

    kinds: Mapping[str, str] = field(default_factory=lambda: dict(_DEFAULT_KINDS))

    def first(self, kind: str) -> str:
        """Return the first status of a kind; the kind's default where the directory lists none."""
        for status, its_kind in self.kinds.items():
            if its_kind == kind:
                return status
        return next(status for status, its_kind in _DEFAULT_KINDS.items() if its_kind == kind)


def columns(fields: Mapping[str, Any], statuses: Statuses) -> Row:
    """Return the columns that a rule's fields set.

    `start_at` and `due_at` are RFC 3339 texts and become milliseconds; a `status` brings its kind.

    Raises:
        ValueError: A field cannot be kept: an instant that is none, a status nobody knows.
    """
    row: Row = {}
    for name, value in fields.items():
        if name in _INSTANTS:
            row[_INSTANTS[name]] = _milliseconds(name, value)
        elif name == "status":
            if value not in statuses.kinds:
                raise ValueError(f"there is no status {value!r}")
            row["status"], row["status_kind"] = value, statuses.kinds[value]
        elif name in _LISTS:
            row[name] = list(value or ())
        elif name == "custom":
            row[name] = dict(value or {})
        else:
            row[name] = value
    return row


def changes(fields: Mapping[str, Any], row: Row, statuses: Statuses) -> Row:
    """Return the columns that a rule's fields set of a task that is there.

    A due date that stays is shown in the zone the task has then (decision D12): its instant stays,
    or, where it is a day without a time, that day.

    Raises:
        ValueError: As `columns`.
    """
    found = columns(fields, statuses)
    zone = found.get("timezone")
    if zone in {None, row["timezone"]} or "due_date" in found or row["due_date"] is None:
        return found
    try:
        return {**found, **_shown_in(zone_of(str(zone)), row)}
    except DueError:  # at the end of the calendar there may be no such day in the zone
        return found


def _shown_in(zone: tzinfo, row: Row) -> Row:
    if row["all_day"]:
        day = on_day(date.fromisoformat(row["due_date"]), None, zone)
        return {"due_ms": _milliseconds("due_at", day.at)}
    shown = at_instant(datetime.fromtimestamp(row["due_ms"] / 1000, UTC), zone)
    return {"due_date": shown.date, "due_time": shown.time}


def blank(statuses: Statuses) -> Row:
    """Return the columns of a new task of which nothing is known yet; the caller adds the rest."""
    return {
        "version": 1,
        "description": None,
        "status": statuses.first("initial"),
        "status_kind": "initial",
        "type": None,
        "priority": None,
        "start_ms": None,
        "due_ms": None,
        "due_date": None,
        "due_time": None,
        "timezone": None,
        "all_day": False,
        "duration_minutes": None,
        "reminder": None,
        "assignees": [],
        "followers": [],
        "labels": [],
        "contact": None,
        "client": None,
        "project": None,
        "links": [],
        "custom": {},
        "occurrences": 1,
        "completed_ms": None,
        "deleted_ms": None,
        "edited": None,
    }


def _milliseconds(name: str, value: Any) -> int | None:
    if value is None:
        return None
    seconds = instant(value)
    if seconds is None:
        raise ValueError(f"{name} is not an instant")
    return int(seconds * 1000)
