"""Rows as the JSON of the contract: Task, Event, Delivery, and a refusal (decision E23)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from router.core import jsonio
from router.core.clock import rfc3339_of_ms
from router.core.forms import read_form
from router.core.store.plain import storable
from router.core.store.schema import Row

_ATTEMPTED: Final = {"pending", "retrying", "uncertain"}
"""States in which a delivery has a next attempt."""

_SOURCE: Final = ("connector", "event_id", "rule", "version", "at")


def task_json(
    row: Row, *, deliveries: Iterable[Row] = (), history: Iterable[Row] | None = None
) -> dict[str, Any]:
    """Return a task; with `history` (oldest first) as `GET /tasks/{id}` has it."""
    shown = {
        "id": row["id"],
        "number": row["number"],
        "key": row["key"],
        "version": row["version"],
        "title": row["title"],
        "description": row["description"],
        "status": row["status"],
        "status_kind": row["status_kind"],
        "type": row["type"],
        "priority": row["priority"],
        "start_at": _on_the_clock(row["start_ms"]),
        "due_at": _on_the_clock(row["due_ms"]),
        "due_date": row["due_date"],
        "due_time": row["due_time"],
        "timezone": row["timezone"],
        "all_day": row["all_day"],
        "duration_minutes": row["duration_minutes"],
        "reminder": row["reminder"],
        "assignees": row["assignees"],
        "followers": row["followers"],
        "labels": row["labels"],
        "contact": row["contact"],
        "client": row["client"],
        "project": row["project"],
        "links": row["links"],
        "custom": row["custom"],
        "creator": row["creator"],
        "occurrences": row["occurrences"],
        "completed_at": _instant(row["completed_ms"]),
        "created_at": _instant(row["created_ms"]),
        "updated_at": _instant(row["updated_ms"]),
        "source": {name: row["source"].get(name) for name in _SOURCE},
        "deliveries": [
            {name: copy[name] for name in ("destination", "state", "external_id")}
            for copy in deliveries
        ],
    }
    if history is not None:
        shown["history"] = [change_json(change) for change in history]
    return shown


def event_json(row: Row, *, whole: bool) -> dict[str, Any]:
    """Return an event; lists, where it is not `whole`, leave out `headers`, `query`, `body`, `why`."""
    shown = {
        "id": row["id"],
        "connector": row["connector"],
        "status": row["status"],
        "reason": row["reason"],
        "code": row["code"],
        "type": row["type"],
        "delivery_id": row["delivery_id"],
        "received_at": _instant(row["received_ms"]),
        "decided_at": _instant(row["decided_ms"]),
        "rules_hash": row["rules_hash"],
        "decisions": row["decisions"],
        "tasks": row["tasks"],
        "shadow": row["shadow"],
        "duplicate_of": row["duplicate_of"],
        "replays": row["replays"],
    }
    if whole:
        body = body_value(row["content_type"], row["body"])
        return {**shown, "headers": row["headers"], "query": row["query"], "body": body}
    shown["decisions"] = [
        {name: value for name, value in decision.items() if name != "why"}
        for decision in row["decisions"]
    ]
    return shown


def delivery_json(row: Row, *, attempts: Iterable[Row] | None = None) -> dict[str, Any]:
    """Return a delivery; with its `attempts` (oldest first) as `GET /deliveries/{id}` has it."""
    has_next = row["state"] in _ATTEMPTED
    shown = {
        "id": row["id"],
        "task_id": row["task_id"],
        "destination": row["destination"],
        "state": row["state"],
        "external_id": row["external_id"],
        "reason": row["reason"],
        "attempts": row["attempts"],
        "next_attempt_at": _instant(row["next_attempt_ms"]) if has_next else None,
        "updated_at": _instant(row["updated_ms"]),
    }
    if attempts is not None:
        shown["last_answer"] = row["last_answer"]
        shown["log"] = [attempt_json(attempt) for attempt in attempts]
    return shown


def attempt_json(row: Row) -> dict[str, Any]:
    """Return one attempt at a delivery."""
    return {
        "at": _instant(row["at_ms"]),
        "kind": row["kind"],
        "outcome": row["outcome"],
        "status": row["status"],
        "message": row["message"],
        "duration_ms": row["duration_ms"],
    }


def refusal_json(row: Row) -> dict[str, Any]:
    """Return a refusal."""
    return {
        "id": row["id"],
        "connector": row["connector"],
        "at": _instant(row["at_ms"]),
        "status": row["status"],
        "code": row["code"],
        "reason": row["reason"],
        "remote": row["remote"],
        "headers": row["headers"],
    }


def body_value(content_type: str, body: bytes) -> Any:
    """Return what a stored body says: JSON as it is, a form's fields (T14), any other as text."""
    try:
        form = read_form(body, content_type)
        return jsonio.loads(body) if form is None else storable(form)
    except jsonio.UnparseableError:
        return storable(body.decode("utf-8", "replace"))


def contact_json(row: Row) -> dict[str, Any]:
    """Return a contact."""
    return {
        "id": row["id"],
        "email": row["email"],
        "name": row["name"],
        "phone": row["phone"],
        "external_id": row["external_id"],
        "created_at": _instant(row["created_ms"]),
        "updated_at": _instant(row["updated_ms"]),
    }


def audit_json(row: Row) -> dict[str, Any]:
    """Return an entry of the audit log."""
    return {
        "id": row["id"],
        "at": _instant(row["at_ms"]),
        "actor": row["actor"],
        "action": row["action"],
        "subject": row["subject"],
        "detail": row["detail"],
    }


def change_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a line of a task's history."""
    return {
        "at": _instant(row["at_ms"]),
        "event_id": row["event_id"],
        "rule": row["rule"],
        "actor": row["actor"],
        "action": row["action"],
        "fields": row["fields"],
        "note": row["note"],
    }


def _instant(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else rfc3339_of_ms(milliseconds)


def due_json(row: Row) -> dict[str, Any]:
    """Return when a task is due, and the zone that is said in; nothing where it is never due."""
    if row["due_date"] is None:
        return {}
    shown = {name: row[name] for name in ("due_date", "due_time", "all_day", "timezone")}
    return {"due_at": _on_the_clock(row["due_ms"]), **shown}


def _on_the_clock(milliseconds: int | None) -> str | None:
    """Return an instant somebody chose, such as 17:00: without milliseconds where it has none."""
    text = _instant(milliseconds)
    return None if text is None else text.replace(".000Z", "Z")
