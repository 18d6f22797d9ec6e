"""What clients send: requests are read by these models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from router.core.store.contacts import KNOWN_BY
from router.web.api.models.types import (
    ADDRESS,
    CLOCK,
    NUMBER,
    ONE_LINE,
    SOME_LINE,
    SOME_TEXT,
    WHOLE,
    Json,
    Names,
    Note,
    Priority,
)


class Given(BaseModel):
    """What a client sends: nothing that is not known, and of the types of JSON."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _not_null(schema: Json) -> None:
    """Say that a field is not null where it is named; its reader sees to it, and has better words."""
    del schema["default"]
    text, _null = schema.pop("anyOf")
    schema.update(text)


def _has(name: str) -> JsonDict:
    return {"required": [name], "properties": {name: {"type": "string"}}}


Phone = Annotated[str, Field(max_length=100, json_schema_extra=NUMBER)]
ExternalId = Annotated[str, Field(max_length=255, json_schema_extra=SOME_LINE)]


class GivenReminder(Given):
    """When somebody is reminded of the task."""

    days_before: Annotated[int, Field(ge=0, le=3650), WHOLE] | None = None
    time: Annotated[str, Field(max_length=20, json_schema_extra=CLOCK)] | None = Field(
        None, examples=["10:00"]
    )
    notify: Literal["email", "none"] | None = None


class GivenContact(Given):
    """Whom the task is from: by what they are known by, or by the `id` of a contact."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [*map(_has, KNOWN_BY), _has("id")]})

    id: str | None = Field(None, max_length=100)
    email: Annotated[str, Field(max_length=1000, json_schema_extra=ADDRESS)] | None = Field(
        None, examples=["a@b.example"]
    )
    phone: Phone | None = Field(None, examples=["+44 20 7946 0018"])
    external_id: ExternalId | None = Field(None, examples=["cus_1042"])
    name: str | None = Field(None, max_length=1000, examples=["A B"])


class Link(Given):
    """A record elsewhere that the task is about."""

    object: str = Field(max_length=512, examples=["people"], json_schema_extra=SOME_TEXT)
    id: str = Field(max_length=512, json_schema_extra=SOME_TEXT)


class TaskFields(Given):
    """The fields of a task that may be set."""

    title: Annotated[str, Field(max_length=100_000, json_schema_extra=SOME_LINE)] | None = Field(
        None, examples=["Call back"], json_schema_extra=_not_null
    )
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
    duration_minutes: Annotated[int, Field(ge=1, le=1_000_000), WHOLE] | None = None
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

    title: str = Field(max_length=100_000, examples=["Call back"], json_schema_extra=SOME_LINE)
    key: Annotated[str, Field(max_length=512, json_schema_extra=SOME_TEXT)] | None = Field(
        None, description="the open task of the same key is answered instead"
    )
    deliver: Names | None = Field(None, description="the destinations that get a copy")


class TaskPatch(TaskFields):
    """What is changed of a task (RFC 7396): what is not named stays, null empties a field."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"priority": "high", "due": None}]})

    status: str | None = Field(None, max_length=512, examples=["open"], json_schema_extra=_not_null)


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
        json_schema_extra={
            "examples": [{"email": "a@b.example", "name": "A B"}],
            "anyOf": [*map(_has, KNOWN_BY)],
        }
    )

    email: Annotated[str, Field(max_length=1000, json_schema_extra=ADDRESS)] | None = None
    phone: Phone | None = None
    external_id: ExternalId | None = None
    name: str | None = Field(None, max_length=1000)


class ContactPatch(Given):
    """What is changed of a contact; an address is another contact's."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "A. B."}]})

    name: str | None = Field(None, max_length=1000)
    phone: Phone | None = None
    external_id: ExternalId | None = None


class ReplayAsked(Given):
    """How an event is decided again."""

    force: bool = False


class RetryAsked(Given):
    """How a delivery is sent again; with `external_id` the copy is there already, and that is its id."""

    external_id: (
        Annotated[str, Field(min_length=1, max_length=255, json_schema_extra=ONE_LINE)] | None
    ) = None


class DropAsked(Given):
    """Why a delivery is given up."""

    reason: str = Field(min_length=1, max_length=500, json_schema_extra=ONE_LINE)
