"""Connectors, what they received, and programs that send to them, as they are answered."""

from __future__ import annotations

from typing import Literal

from router.web.api.models.problem import FieldProblem
from router.web.api.models.shown import Shown
from router.web.api.models.types import Day, EventStatus, Instant, Json


class Connector(Shown):
    """A connector: where it is reached, and what keeps it from working."""

    name: str
    source: str
    url: str
    reply: Literal["accepted", "routed"]
    body_limit: int
    problem: str | None


class ConnectorCode(Shown):
    """A program that makes a task; `choices` are names that its fields take."""

    connector: str
    lang: str
    code: str
    body: Json
    choices: dict[str, list[str]]


class TaskMade(Shown):
    """A task that came of an event."""

    id: str
    number: int
    action: str
    rule: str
    url: str


class Received(Shown):
    """An event and what came of it; `errors` say what was wrong with a task that was refused."""

    event_id: str
    received_at: Instant
    status: EventStatus
    reason: str | None
    code: str | None
    errors: list[FieldProblem]
    tasks: list[TaskMade]
    duplicate_of: str | None


class ActivityDay(Shown):
    """How many events of a day (UTC) came to what, by status; how many requests were refused, by code."""

    date: Day
    events: dict[str, int]
    refusals: dict[str, int]


class ConnectorActivity(Shown):
    """What a connector received, newest first, and counts of its days."""

    data: list[Received]
    days: list[ActivityDay]
    next_cursor: str | None
