"""Tasks as the contract has them, to be copied to vendors: one with everything, one with hardly anything."""

from __future__ import annotations

from typing import Any

from router.core.store.present import task_json
from tests.support.rows import task_row
from workers.destinations.request import Copy, Ids, marker_of

CREATED_MS = 1_795_424_400_000
"""2026-11-23T09:00:00Z."""
AT = "rules/routes/shop.yaml:31"
DELIVERY = "0193573a-6e5c-7000-8000-0000000000c1"


def plain(**given: Any) -> dict[str, Any]:
    """Return a task with a title and nothing else that somebody chose."""
    row = {"id": "0193573a-6e5c-7000-8000-000000000001", "number": 1042, "title": "Call back"}
    times = {"created_ms": CREATED_MS, "updated_ms": CREATED_MS}
    source = {"connector": "shop", "event_id": "e1", "rule": "big order", "version": None, "at": AT}
    return {**task_json({**_EMPTY, **task_row(**row, **times, source=source)}), **given}


def full(**given: Any) -> dict[str, Any]:
    """Return a task with everything a task can have."""
    everything = {
        "key": "order-1",
        "title": "Fulfil order #1001",
        "description": "3 items, 640.00 EUR\n\nFragile.",
        "type": "call",
        "priority": "high",
        "start_at": "2026-11-24T08:00:00Z",
        "due_at": "2026-11-24T17:00:00Z",
        "due_date": "2026-11-24",
        "due_time": "18:00",
        "timezone": "Europe/Berlin",
        "all_day": False,
        "duration_minutes": 30,
        "reminder": {"days_before": 1, "time": "10:00", "notify": "email"},
        "assignees": ["jane", "amir"],
        "followers": ["amir"],
        "labels": ["shopify"],
        "contact": {"id": "c1", "email": "a@b.example", "name": "A B"},
        "client": "acme",
        "project": "in-house/support",
        "custom": {"order_total": "640.00"},
    }
    return plain(**{**everything, **given})


def all_day(**given: Any) -> dict[str, Any]:
    """Return the full task, due on a day."""
    return full(**{"due_at": "2026-11-24T22:59:59Z", "due_time": None, "all_day": True, **given})


def closed(task: dict[str, Any], kind: str = "done") -> dict[str, Any]:
    """Return a task after it was closed."""
    return {
        **task,
        "version": task["version"] + 1,
        "status": kind,
        "status_kind": kind,
        "completed_at": "2026-11-23T12:00:00.000Z",
    }


def copy_of(
    task: dict[str, Any],
    ids: Ids | None = None,
    *,
    external_id: str | None = None,
    delivery_id: str = DELIVERY,
) -> Copy:
    """Return what a request about a task is built from."""
    return Copy(
        task=task,
        key=delivery_id,
        destination="crm",
        delivery_id=delivery_id,
        external_id=external_id,
        event={"type": "orders/create"},
        ids=ids or Ids(),
        marker=marker_of(delivery_id),
    )


_EMPTY: dict[str, Any] = dict.fromkeys(
    [
        *("key", "description", "type", "priority", "start_ms", "due_ms", "due_date", "due_time"),
        *("timezone", "all_day", "duration_minutes", "reminder", "contact", "client", "project"),
        "completed_ms",
    ]
)
