"""The three kinds of rule files, as far as their shape goes; `rules.compile` sees to the meaning.

A key that is not declared here is an error. Each description is what editors show.
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from rules.contact import IDENTIFIERS
from rules.decision import OnClosed, OnOpen, Unknown, Update
from rules.model_shape import Shape
from rules.model_types import (
    Address,
    Burst,
    Bytes,
    ConnectorName,
    Dedupe,
    Destinations,
    Key,
    Line,
    Links,
    Mapping_,
    Minutes,
    Name,
    Names,
    Note,
    Priority,
    Ranges,
    Rate,
    Reminder,
    Seconds,
    Source,
    Text,
    Vars,
    When,
)
from rules.models_tests import RuleTestModel
from rules.names import SecretName


class Fields(Shape):
    """Fields of a task that a connector may fix or give defaults for."""

    description: Text = Field(None, description="the task's text")
    type: Text = Field(None, description="one of the directory's task types")
    priority: Priority = Field(None, description="low, medium or high")
    start: Text = Field(None, description="a date or phrase, with or without a time")
    start_at: Text = Field(None, description="the same as start")
    due: Text = Field(None, description="a date, or a phrase such as +1 business day 17:00")
    due_at: Text = Field(None, description="the same as due")
    due_date: Text = Field(None, description="a date in the task's time zone")
    due_time: Text = Field(None, description="a time such as 17:00, beside due_date")
    timezone: Text = Field(None, description="an IANA name such as Europe/London")
    duration_minutes: Minutes = Field(None, description="how long it takes")
    reminder: Reminder = Field(None, description="days_before, time and notify")
    assignees: Names = Field(None, description="people of the directory")
    followers: Names = Field(None, description="people of the directory")
    labels: Names = Field(None, description="labels of the directory")
    client: Text = Field(None, description="a client of the directory")
    project: Text = Field(None, description="a project of the directory")
    links: Links = Field(None, description="a list of {object, id}")
    custom: Mapping_ = Field(None, description="fields by the destination's own names")


class _TaskHead(Shape):
    title: Line = Field(None, description="required; one line")
    key: Key = Field(None, description="what the task is found by again, or {shared: …}")
    version: Text = Field(None, description="the sender's version: an older one changes nothing")


class TaskModel(Fields, _TaskHead):
    """The `task` action."""

    model_config = ConfigDict(json_schema_extra={"required": ["title"]})

    on_open: OnOpen = Field("update", description="the key has an open task")
    on_closed: OnClosed = Field("new", description="the key has a closed task")
    reopen_within: Seconds = Field(7 * 86_400, description="how long after closing")
    update: Update = Field("unless_edited", description="what a person changed")


class CloseModel(Shape):
    """The actions `complete` and `cancel`."""

    key: Key = Field(description="the key of the task, or {shared: …}")
    version: Text = Field(None, description="the sender's version: an older one changes nothing")
    note: Text = Field(None, description="why, for the task's history")
    reopen_within: Seconds = Field(
        7 * 86_400, description="how long a closing that comes before its task is remembered"
    )


_ONE_ACTION: JsonDict = {
    "oneOf": [{"required": [name]} for name in ("task", "complete", "cancel", "drop")]
}


class ActionModel(Shape):
    """One action and where it goes: what `otherwise` holds."""

    model_config = ConfigDict(json_schema_extra=_ONE_ACTION)

    task: TaskModel | None = Field(None, description="open a task, or act on the one of its key")
    complete: CloseModel | None = Field(None, description="complete the open task of a key")
    cancel: CloseModel | None = Field(None, description="cancel the open task of a key")
    drop: Line = Field(None, description="do nothing, and say why")
    deliver: list[Name] | None = Field(
        None, description="destinations, in place of the connector's"
    )


class _RuleHead(Shape):
    name: Name = Field(description="unique in the connector")
    description: Note = Field(None, description="for people")
    mode: Literal["live", "shadow", "off"] = Field("live", description="whether it acts")
    for_each: Name | None = Field(None, description="the path of a list; each member is `item`")
    when: When = Field(None, description="the condition; without one it always acts")


class RuleModel(ActionModel, _RuleHead):
    """One rule."""


class DedupeModel(Shape):
    """How the same event is known again."""

    key: Text = Field(None, description="the preset's own by default")
    within: Seconds = Field(48 * 3_600, description="how long a key is remembered")


class ContactModel(Shape):
    """Whom the tasks of a connector are from."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [part]} for part in IDENTIFIERS]}
    )

    email: Text = Field(None, description="the address; people are known by it, in any case")
    phone: Text = Field(
        None, description="the number with its country code; people are known by it"
    )
    external_id: Text = Field(
        None, description="what another system calls them; they are known by it"
    )
    name: Text = Field(None, description="the name, where nobody has given them one")
    unknown: Unknown = Field("create", description="what to do if nobody is known by any of them")


class LimitsModel(Shape):
    """What a connector takes at most."""

    rate: Rate | None = Field(None, description="requests in a span of time, such as 50/s")
    burst: Burst | None = Field(None, description="how many at once; the rate's number by default")
    body: Bytes | None = Field(None, description="the largest body")


class ConnectorModel(Shape):
    """A connector file."""

    model_config = ConfigDict(json_schema_extra={"required": ["connector", "source"]})

    version: Literal[1] = Field(1, description="of the file format")
    connector: ConnectorName = Field(description="its name: POST /hooks/NAME")
    description: Note = Field(None, description="for people")
    owner: Note = Field(None, description="for people")
    source: Source = Field(None, description="a preset, a mapping, or none")
    secrets: list[SecretName] = Field(default_factory=list, description="names of secrets")
    public_url: Address = Field(None, description="where the sender sends to, if it signs that")
    allow: Ranges = Field(None, description="addresses it takes webhooks from; any by default")
    limits: LimitsModel = Field(default_factory=LimitsModel, description="what it takes at most")
    reply: Literal["accepted", "routed"] = Field("accepted", description="what senders are told")
    dedupe: Dedupe = Field(None, description="off, or key and within")
    vars: Vars = Field(default_factory=dict, description="values named once")
    contact: ContactModel | None = Field(None, description="whom its tasks are from")
    fixed: Fields = Field(default_factory=Fields, description="fields no rule may set")
    defaults: Fields = Field(default_factory=Fields, description="fields where a rule sets none")
    deliver: list[Name] = Field(default_factory=list, description="default destinations")
    match: Literal["all", "first"] = Field("all", description="how many of the rules act")
    rules: list[RuleModel] = Field(default_factory=list, description="asked in this order")
    otherwise: ActionModel | None = Field(None, description="acts when no rule matched")
    tests: list[RuleTestModel] = Field(
        default_factory=list, description="events, and what should come of each: `rules test`"
    )


class DestinationsModel(Shape):
    """A destinations file; each destination has the shape of its type."""

    version: Literal[1] = Field(1, description="of the file format")
    destinations: Destinations = Field(description="destinations by name")


class PersonModel(Shape):
    """A person."""

    name: Note = Field(None, description="as people write it")
    email: Note = Field(None, description="may stand for the person in rules")
    ids: dict[str, Name] = Field(default_factory=dict, description="ids by destination")


class NamedModel(Shape):
    """A label."""

    ids: dict[str, Name] = Field(default_factory=dict, description="ids by destination")


class ClientModel(NamedModel):
    """A client."""

    domains: list[Name] = Field(default_factory=list, description="of its contacts' addresses")


class ProjectModel(NamedModel):
    """A project."""

    client: Name | None = Field(None, description="set with the project")
    assignees: list[Name] = Field(default_factory=list, description="set with the project")


class StatusModel(NamedModel):
    """A status and its kind."""

    id: Name = Field(description="its name")
    kind: Literal["initial", "in_progress", "done", "cancelled"] = Field(
        description="what it means"
    )


class RoutedModel(Shape):
    """What an entry of `routing` sets."""

    client: Name | None = Field(None, description="a client of the directory")
    project: Name | None = Field(None, description="a project of the directory")
    assignees: list[Name] | None = Field(None, description="people of the directory")


class RoutingModel(Shape):
    """An entry of `routing`."""

    when: When = Field(None, description="a condition on `contact`; without one it matches")
    set: RoutedModel = Field(description="fields that nothing else has set")


class DirectoryBody(Shape):
    """What a directory lists."""

    people: dict[str, PersonModel | None] = Field(default_factory=dict)
    clients: dict[str, ClientModel | None] = Field(default_factory=dict)
    projects: dict[str, ProjectModel | None] = Field(default_factory=dict)
    labels: dict[str, NamedModel | None] = Field(default_factory=dict)
    labels_open: bool = Field(default=False, description="labels beyond the list are fine")
    statuses: list[StatusModel] = Field(default_factory=list)
    task_types: list[Name] = Field(default_factory=list)
    timezone: Note = Field(None, description="of tasks that nothing else gives one")
    holidays: list[Name] = Field(default_factory=list, description="dates: no business days")
    routing: list[RoutingModel] = Field(default_factory=list, description="the first match counts")


class DirectoryModel(Shape):
    """A directory file."""

    version: Literal[1] = Field(1, description="of the file format")
    directory: DirectoryBody
