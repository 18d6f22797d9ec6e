"""Rows of the store with all that is required and nothing that matters; tests set what does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from router.core.clock import epoch_ms
from router.core.ids import IdSource, derived_id, id_source
from router.core.store.schema import Row

NOW = datetime(2026, 11, 23, 9, 12, 45, 120_000, UTC)
NOW_MS = epoch_ms(NOW)
HOUR_MS = 3_600_000


def ids_from(start: datetime = NOW) -> IdSource:
    """Return a source of ids, each a millisecond later than the one before."""
    at = start

    def clock() -> datetime:
        nonlocal at
        at += timedelta(milliseconds=1)
        return at

    return id_source(clock)


new_id = ids_from()


def event_row(**given: Any) -> Row:
    """Return a routed event."""
    return {
        "id": new_id(),
        "connector": "shop",
        "status": "routed",
        "received_ms": NOW_MS,
        "decided_ms": NOW_MS + 5,
        "rules_hash": "c0ffee",
        "decisions": [],
        "tasks": [],
        "shadow": [],
        "headers": {},
        "query": {},
        "content_type": "application/json",
        "body": b"{}",
        **given,
    }


def claim_row(key: str, event_id: str, **given: Any) -> Row:
    """Return a claim of an hour from now on."""
    return {
        "connector": "shop",
        "key": key,
        "event_id": event_id,
        "received_ms": NOW_MS,
        "until_ms": NOW_MS + HOUR_MS,
        **given,
    }


def task_row(**given: Any) -> Row:
    """Return an open task without a key."""
    task_id = new_id()
    return {
        "id": task_id,
        "number": 1,
        "scope": "shop",
        "version": 1,
        "title": "Fulfil order",
        "status": "open",
        "status_kind": "initial",
        "assignees": [],
        "followers": [],
        "labels": [],
        "links": [],
        "custom": {},
        "creator": {"type": "connector", "id": "shop"},
        "occurrences": 1,
        "created_ms": NOW_MS,
        "updated_ms": NOW_MS,
        "source": {
            "connector": "shop",
            "event_id": task_id,
            "rule": "big order",
            "version": None,
            "at": "routes/shop.yaml:31",
        },
        **given,
    }


def closed(row: Row, completed_ms: int, **given: Any) -> Row:
    """Return a task as it is after it was completed."""
    done = {"status": "done", "status_kind": "done", "completed_ms": completed_ms}
    return {**row, **done, "version": row["version"] + 1, **given}


def history_row(task_id: str, **given: Any) -> Row:
    """Return the row of a task's creation."""
    return {
        "id": new_id(),
        "task_id": task_id,
        "at_ms": NOW_MS,
        "action": "created",
        "fields": {},
        **given,
    }


def delivery_row(task_id: str, destination: str = "crm", **given: Any) -> Row:
    """Return a delivery that is due now."""
    return {
        "id": derived_id(task_id, destination),
        "task_id": task_id,
        "destination": destination,
        "state": "pending",
        "wanted_version": 1,
        "next_attempt_ms": NOW_MS,
        "created_ms": NOW_MS,
        "updated_ms": NOW_MS,
        **given,
    }


def contact_row(email: str | None, **given: Any) -> Row:
    """Return a contact without a name."""
    return {
        "id": new_id(),
        "address": (email or "").lower(),
        "email": email,
        "name": None,
        "phone": None,
        "external_id": None,
        "created_ms": NOW_MS,
        "updated_ms": NOW_MS,
        **given,
    }


def refusal_row(**given: Any) -> Row:
    """Return a refused request."""
    return {
        "id": new_id(),
        "connector": "shop",
        "at_ms": NOW_MS,
        "status": 401,
        "code": "bad-signature",
        "reason": "the signature does not match",
        "remote": "203.0.113.9",
        "headers": {"x-shopify-hmac-sha256": "[redacted]"},
        **given,
    }


def attempt_row(delivery_id: str, **given: Any) -> Row:
    """Return an attempt that was answered."""
    return {
        "id": new_id(),
        "delivery_id": delivery_id,
        "at_ms": NOW_MS,
        "kind": "create",
        "outcome": "delivered",
        "status": 201,
        "duration_ms": 12,
        **given,
    }
