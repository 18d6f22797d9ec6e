"""Tasks as they are answered."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict

from router.core.names import Kind
from router.web.api.models.given import Link
from router.web.api.models.shown import Shown
from router.web.api.models.types import Day, Instant, Json, Priority, State


class ShownReminder(Shown):
    """When somebody is reminded of the task."""

    days_before: int
    time: str | None
    notify: Literal["email", "none"]


class ShownContact(Shown):
    """Whom the task is from, as it was when the task was made or changed."""

    id: str
    email: str | None
    name: str | None
    phone: str | None = None
    external_id: str | None = None


class Creator(Shown):
    """Who made the task."""

    type: Literal["person", "contact", "connector", "api"]
    id: str


class Source(Shown):
    """What made the task; all null where a client of the API did."""

    connector: str | None
    event_id: str | None
    rule: str | None
    version: str | None
    at: str | None


class Copy(Shown):
    """A destination's copy of a task."""

    destination: str
    state: State
    external_id: str | None


class Task(Shown):
    """A task. `version` grows by 1 with each change and is its ETag."""

    id: str
    number: int
    key: str | None
    version: int
    title: str
    description: str | None
    status: str
    status_kind: Kind
    type: str | None
    priority: Priority | None
    start_at: Instant | None
    due_at: Instant | None
    due_date: Day | None
    due_time: str | None
    timezone: str | None
    all_day: bool
    duration_minutes: int | None
    reminder: ShownReminder | None
    assignees: list[str]
    followers: list[str]
    labels: list[str]
    contact: ShownContact | None
    client: str | None
    project: str | None
    links: list[Link]
    custom: Json
    creator: Creator
    occurrences: int
    completed_at: Instant | None
    created_at: Instant
    updated_at: Instant
    source: Source
    deliveries: list[Copy]


_TASK: Json = {
    "id": "0193573a-6e5c-7000-8000-000000000001",
    "number": 1042,
    "key": "order-820982911946154508",
    "version": 2,
    "title": "Fulfil order #1001",
    "description": None,
    "status": "open",
    "status_kind": "initial",
    "type": None,
    "priority": "high",
    "start_at": None,
    "due_at": "2026-11-24T17:00:00Z",
    "due_date": "2026-11-24",
    "due_time": "17:00",
    "timezone": "Europe/London",
    "all_day": False,
    "duration_minutes": None,
    "reminder": {"days_before": 1, "time": "10:00", "notify": "email"},
    "assignees": ["jane"],
    "followers": [],
    "labels": ["shopify"],
    "contact": {
        "id": "0193573a-6e5c-7000-8000-000000000002",
        "email": "a@b.example",
        "name": "A B",
    },
    "client": "acme",
    "project": "in-house/support",
    "links": [{"object": "people", "id": "891dcbfc"}],
    "custom": {"order_total": "640.00"},
    "creator": {"type": "contact", "id": "0193573a-6e5c-7000-8000-000000000002"},
    "occurrences": 1,
    "completed_at": None,
    "created_at": "2026-11-23T09:12:45.120Z",
    "updated_at": "2026-11-23T10:00:00.000Z",
    "source": {
        "connector": "shop",
        "event_id": "0193573a-6e5c-7000-8000-000000000003",
        "rule": "big order",
        "version": "2026-11-20T09:12:44Z",
        "at": "rules/routes/shop.yaml:31",
    },
    "deliveries": [{"destination": "crm", "state": "current", "external_id": "77"}],
    "history": [
        {
            "at": "2026-11-23T10:00:00.000Z",
            "event_id": None,
            "rule": None,
            "actor": "api:board",
            "action": "updated",
            "fields": {"priority": {"from": None, "to": "high"}},
            "note": None,
        }
    ],
}


class HistoryEntry(Shown):
    """A change of a task: when, who (`actor`), from which event and by which rule, and what."""

    at: Instant
    event_id: str | None
    rule: str | None
    actor: str | None
    action: str
    fields: Json
    note: str | None


class TaskWhole(Task):
    """A task with its history, oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TASK]})

    history: list[HistoryEntry]


class Contact(Shown):
    """Somebody tasks are from."""

    id: str
    email: str | None
    name: str | None
    phone: str | None
    external_id: str | None
    created_at: Instant
    updated_at: Instant
