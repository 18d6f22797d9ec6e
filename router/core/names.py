"""The directory's names, as whoever compiled the rules publishes them with the intake table.

The receiver never sees a rule file; by this it tells who and what a task may name (decision N8).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["initial", "in_progress", "done", "cancelled"]


class Named(BaseModel):
    """Something the directory lists; `ids` are its ids at destinations."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    ids: Mapping[str, str] = Field(default_factory=dict)


class Person(Named):
    """Somebody who works here."""

    name: str | None = None
    email: str | None = None


class Client(Named):
    """A client; a contact whose address is of one of its domains is its."""

    domains: tuple[str, ...] = ()


class Project(Named):
    """A project: whose it is, and who gets its tasks unless they say."""

    client: str | None = None
    assignees: tuple[str, ...] = ()


class Label(Named):
    """A label."""


class Status(Named):
    """A status of tasks."""

    kind: Kind


class TaskType(Named):
    """A type of tasks."""


DEFAULT_STATUSES = (
    Status(id="open", kind="initial"),
    Status(id="doing", kind="in_progress"),
    Status(id="done", kind="done"),
    Status(id="cancelled", kind="cancelled"),
)
"""The statuses where the directory lists none (decision N11)."""


class Names(BaseModel):
    """All that the directory lists, and the names of the destinations.

    `known` holds, per kind of name that is not free, what may be written and the name it stands for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    people: tuple[Person, ...] = ()
    clients: tuple[Client, ...] = ()
    projects: tuple[Project, ...] = ()
    labels: tuple[Label, ...] = ()
    statuses: tuple[Status, ...] = DEFAULT_STATUSES
    task_types: tuple[TaskType, ...] = ()
    known: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)
    timezone: str = "UTC"
    holidays: tuple[date, ...] = ()
    destinations: tuple[str, ...] = ()
