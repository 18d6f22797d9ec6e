"""Deliveries and destinations as they are answered."""

from __future__ import annotations

from typing import Literal

from router.web.api.models.shown import Reason, Shown
from router.web.api.models.types import Instant, Json, State


class Delivery(Shown):
    """A destination's copy of a task, and how far it is."""

    id: str
    task_id: str
    destination: str
    state: State
    external_id: str | None
    reason: Reason | None
    attempts: int
    next_attempt_at: Instant | None
    updated_at: Instant


class Attempt(Shown):
    """One request to a destination."""

    at: Instant
    kind: str
    outcome: str
    status: int | None
    message: str | None
    duration_ms: int | None


class DeliveryWhole(Delivery):
    """A delivery with what the destination said last, and the latest attempts, oldest first."""

    last_answer: Json | None
    log: list[Attempt]


class Destination(Shown):
    """A destination: whether it is sent to, and how many copies wait for somebody."""

    name: str
    type: str | None
    state: Literal["ok", "open", "paused"]
    reason: Reason | None
    since: Instant | None
    until: Instant | None
    deliveries: dict[str, int]
