"""What clients send and get, as models: requests are read by them, and `/openapi.json` is made of them all."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from router.core.names import Kind

Priority = Literal["low", "medium", "high"]
State = Literal["pending", "current", "retrying", "uncertain", "held", "failed", "dropped"]
EventStatus = Literal[
    "accepted", "routed", "dropped", "duplicate", "undecided", "refused", "held", "failed"
]
Note = Annotated[str, Field(max_length=100_000)]
Names = Annotated[list[Annotated[str, Field(max_length=512)]], Field(max_length=200)]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Day = Annotated[str, Field(json_schema_extra={"format": "date"})]
Json = dict[str, Any]


class Given(BaseModel):
    """What a client sends: nothing that is not known, and of the types of JSON."""

    model_config = ConfigDict(extra="forbid", strict=True)


class GivenReminder(Given):
    """When somebody is reminded of the task."""

    days_before: int | None = Field(None, ge=0, le=3650)
    time: str | None = Field(None, max_length=20, examples=["10:00"])
    notify: Literal["email", "none"] | None = None


class GivenContact(Given):
    """Whom the task is from: by `email`, or by the `id` of a contact."""

    id: str | None = Field(None, max_length=100)
    email: str | None = Field(None, max_length=1000, examples=["a@b.example"])
    name: str | None = Field(None, max_length=1000, examples=["A B"])


class Link(Given):
    """A record elsewhere that the task is about."""

    object: str = Field(max_length=512, examples=["people"])
    id: str = Field(max_length=512)


class TaskFields(Given):
    """The fields of a task that may be set."""

    title: str | None = Field(None, max_length=100_000, examples=["Call back"])
    description: str | None = None
    status: str | None = Field(None, max_length=512, examples=["open"])
    type: str | None = Field(None, max_length=512)
    priority: Priority | None = None
    start: str | None = Field(None, max_length=200, description="a phrase as `due` takes it")
    start_at: str | None = Field(None, max_length=200)
    due: str | None = Field(
        None,
        max_length=200,
        description="a phrase such as `tomorrow` or `+2 business days`, a day, or an instant",
        examples=["tomorrow"],
    )
    due_at: str | None = Field(None, max_length=200)
    due_date: str | None = Field(None, max_length=200)
    due_time: str | None = Field(None, max_length=200, description="needs `due_date`")
    timezone: str | None = Field(None, max_length=200, examples=["Europe/London"])
    duration_minutes: int | None = Field(None, ge=1, le=1_000_000)
    reminder: GivenReminder | None = None
    assignees: Names | None = Field(None, examples=[["jane"]])
    followers: Names | None = None
    labels: Names | None = Field(None, examples=[["phone"]])
    contact: GivenContact | None = None
    client: str | None = Field(None, max_length=512)
    project: str | None = Field(None, max_length=512)
    links: Annotated[list[Link], Field(max_length=200)] | None = None
    custom: Json | None = Field(None, max_length=200)


class TaskNew(TaskFields):
    """A task to be made."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "title": "Call back",
                    "key": "call-1042",
                    "due": "tomorrow",
                    "labels": ["phone"],
                    "contact": {"email": "a@b.example", "name": "A B"},
                }
            ]
        }
    )

    title: str = Field(max_length=100_000, examples=["Call back"])
    key: str | None = Field(
        None, max_length=512, description="the open task of the same key is answered instead"
    )
    deliver: Names | None = Field(None, description="the destinations that get a copy")


class TaskPatch(TaskFields):
    """What is changed of a task (RFC 7396): what is not named stays, null empties a field."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"priority": "high", "due": None}]})


class Turn(Given):
    """Why a task is completed or opened again."""

    note: Note | None = Field(None, examples=["They called themselves"])


class Comment(Given):
    """A note for a task's history."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "Asked the customer"}]})

    note: Note


class ContactNew(Given):
    """A contact to be made."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "a@b.example", "name": "A B"}]}
    )

    email: str = Field(max_length=1000)
    name: str | None = Field(None, max_length=1000)


class ContactPatch(Given):
    """What is changed of a contact; an address is another contact's."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "A. B."}]})

    name: str | None = Field(None, max_length=1000)


class ReplayAsked(Given):
    """How an event is decided again."""

    force: bool = False


class RetryAsked(Given):
    """How a delivery is sent again; with `external_id` the copy is there already, and that is its id."""

    external_id: str | None = Field(None, min_length=1, max_length=255)


class DropAsked(Given):
    """Why a delivery is given up."""

    reason: str = Field(min_length=1, max_length=500)


class Shown(BaseModel):
    """What a client gets."""

    model_config = ConfigDict(extra="forbid")


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


class Reason(Shown):
    """Why a copy is as it is."""

    code: str
    message: str


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


class Connector(Shown):
    """A connector: where it is reached, and what keeps it from working."""

    name: str
    source: str
    url: str
    reply: Literal["accepted", "routed"]
    body_limit: int
    problem: str | None


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


class Contact(Shown):
    """Somebody tasks are from."""

    id: str
    email: str
    name: str | None
    created_at: Instant
    updated_at: Instant


class AuditEntry(Shown):
    """What somebody did that is no task's history."""

    id: str
    at: Instant
    actor: str
    action: str
    subject: str
    detail: Json


class FieldProblem(BaseModel):
    """Something that is wrong with a field; `pointer` (RFC 6901) leads to it in the body."""

    field: str
    pointer: str | None = None
    code: str
    message: str


class Problem(BaseModel):
    """Why a request was not done (RFC 9457); rely on `code`."""

    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
    errors: list[FieldProblem] | None = None
    version: int | None = Field(None, description="what it is now, with `version-mismatch`")
