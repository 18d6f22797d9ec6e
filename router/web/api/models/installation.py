"""The installation as it is answered."""

from __future__ import annotations

from router.web.api.models.shown import Shown
from router.web.api.models.types import Instant, Json


class Backlog(Shown):
    """How much waits to be decided."""

    events: int
    age_seconds: float


class RulesShown(Shown):
    """Which rules are in force."""

    hash: str | None


class Stats(Shown):
    """How things are."""

    backlog: Backlog
    rules: RulesShown
    connectors: int


class AuditEntry(Shown):
    """What somebody did that is no task's history."""

    id: str
    at: Instant
    actor: str
    action: str
    subject: str
    detail: Json
