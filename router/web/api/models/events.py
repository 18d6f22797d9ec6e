"""Events, replays and refusals as they are answered."""

from __future__ import annotations

from typing import Any

from router.web.api.models.shown import Shown
from router.web.api.models.types import EventStatus, Instant, Json


class Event(Shown):
    """A webhook and what came of it; `decisions` without their `why`."""

    id: str
    connector: str
    status: EventStatus
    reason: str | None
    code: str | None
    type: str | None
    delivery_id: str | None
    received_at: Instant
    decided_at: Instant | None
    rules_hash: str | None
    decisions: list[Json]
    tasks: list[Json]
    shadow: list[Json]
    duplicate_of: str | None
    replays: int


class EventWhole(Event):
    """An event with what came in."""

    headers: dict[str, str]
    query: dict[str, str]
    body: Any


class Replay(Shown):
    """A replay that is queued; it is done when the event's `replays` is `replay` or more."""

    event_id: str
    replay: int
    force: bool


class Refusal(Shown):
    """A request that was never accepted, and why."""

    id: str
    connector: str
    at: Instant
    status: int
    code: str
    reason: str
    remote: str | None
    headers: dict[str, str]
