"""What clients send and get, as models: requests are read by them, and `/openapi.json` is made of them all."""

from __future__ import annotations

from router.web.api.models.connectors import (
    ActivityDay,
    Connector,
    ConnectorActivity,
    ConnectorCode,
    Received,
    TaskMade,
)
from router.web.api.models.deliveries import Attempt, Delivery, DeliveryWhole, Destination
from router.web.api.models.events import Event, EventWhole, Refusal, Replay
from router.web.api.models.given import (
    Comment,
    ContactNew,
    ContactPatch,
    DropAsked,
    Given,
    GivenContact,
    GivenReminder,
    Link,
    ReplayAsked,
    RetryAsked,
    TaskFields,
    TaskNew,
    TaskPatch,
    Turn,
)
from router.web.api.models.installation import AuditEntry, Backlog, RulesShown, Stats
from router.web.api.models.problem import FieldProblem, Problem
from router.web.api.models.shown import Reason, Shown
from router.web.api.models.tasks import (
    Contact,
    Copy,
    Creator,
    HistoryEntry,
    ShownContact,
    ShownReminder,
    Source,
    Task,
    TaskWhole,
)

__all__ = [
    "ActivityDay",
    "Attempt",
    "AuditEntry",
    "Backlog",
    "Comment",
    "Connector",
    "ConnectorActivity",
    "ConnectorCode",
    "Contact",
    "ContactNew",
    "ContactPatch",
    "Copy",
    "Creator",
    "Delivery",
    "DeliveryWhole",
    "Destination",
    "DropAsked",
    "Event",
    "EventWhole",
    "FieldProblem",
    "Given",
    "GivenContact",
    "GivenReminder",
    "HistoryEntry",
    "Link",
    "Problem",
    "Reason",
    "Received",
    "Refusal",
    "Replay",
    "ReplayAsked",
    "RetryAsked",
    "RulesShown",
    "Shown",
    "ShownContact",
    "ShownReminder",
    "Source",
    "Stats",
    "Task",
    "TaskFields",
    "TaskMade",
    "TaskNew",
    "TaskPatch",
    "TaskWhole",
    "Turn",
]
