"""Heffl: tasks of a team, version 2 of its API, which is labelled an early preview.

https://docs.heffl.com/api-v2: introduction, authentication, tasks, tags, custom fields, errors, id prefixes (as
published in November 2026). What was not found there is on docs/destinations/heffl.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time, timedelta
from typing import Any, Literal
from urllib.parse import quote

from pydantic import Field

from rules.catalogues import Demands
from rules.model_types import Rate
from rules.names import SecretName
from workers.destinations import mapping
from workers.destinations.destination import (
    BaseUrl,
    Destination,
    Entry,
    Found,
    Listed,
    LookUp,
    Vendor,
)
from workers.destinations.fitting import fit
from workers.destinations.outcome import Answer, Kind, Outcome
from workers.destinations.reading import (
    about,
    content_of,
    created,
    id_of,
    inner,
    mappings,
    reset_after,
    words,
)
from workers.destinations.request import Ask, Change, Copy, Request

CHANGES: frozenset[Change] = frozenset({"create", "update", "delete"})
"""No `complete`: an update says the status, so that a completion is one request."""

Type = Literal["call", "todo", "meeting"]

_BASE = "/api/v2"
_PAGE = 100
_ABOUT_THEN = timedelta(hours=1)
"""How far the vendor's clock and ours may be apart."""
_STATUSES = {
    "initial": "OPEN",
    "in_progress": "IN_PROGRESS",
    "done": "COMPLETED",
    "cancelled": "CANCELLED",
}
_TYPES: dict[str, Type] = {"call": "call", "todo": "todo", "meeting": "meeting"}
_ENTITIES = {"project": "projects", "lead": "leads", "deal": "deals"}
_NAMES = {
    "title": "title",
    "description": "description",
    "status": "status",
    "type": "type",
    "priority": "priority",
    "startDate": "start_at",
    "dueDate": "due_at",
    "showTime": "all_day",
    "durationMinutes": "duration_minutes",
    "assigneeIds": "assignees",
    "tagIds": "labels",
    "entity": "links",
    "entityId": "links",
    "cf_": "custom",
}
_FIELD = re.compile(r"cf_|\w+")


class Config(Vendor):
    """A destination of type `heffl`."""

    type: Literal["heffl"] = "heffl"
    base_url: BaseUrl = "https://api.heffl.com"
    api_key: SecretName = Field(description="name of the secret with the API key")
    task_types: dict[str, Type] = Field(
        default_factory=dict, description="types there by types of the directory"
    )
    all_day_time: mapping.ClockTime = Field(
        "00:00", description="the time of a due date that has none, which is not shown"
    )
    rate: Rate | None = Field(
        (60, 60_000), description="requests in any window of a span, of all workers"
    )


def build(config: Config, change: Change, copy: Copy) -> Request | None:
    """Return the request for a change."""
    if change == "create":
        return _call(config, "POST", "/tasks", mapping.merged(config, copy, _fields(config, copy)))
    path = mapping.place_of(copy, "/tasks")
    if change == "delete":
        return _call(config, "DELETE", path)
    given = {"description": None, "priority": None, **_fields(config, copy)}
    return _call(config, "PATCH", path, mapping.merged(config, copy, given))


def classify(config: Config, ask: Ask, answer: Answer, now_s: float) -> Outcome:
    """Return what an answer means."""
    del config
    outcome = Outcome.from_status(answer, now_s=now_s, changing=ask not in {"create", "look"})
    said = content_of(answer)
    if outcome.kind is Kind.DELIVERED and ask == "create":
        return created(answer, id_of(inner(said, "id")), "id")
    if outcome.kind is Kind.RATE_LIMITED and outcome.retry_after_s is None:
        wait_s = reset_after(answer, "ratelimit-reset", now_s)
        return replace(outcome, retry_after_s=wait_s)
    if answer.status == 409:  # noqa: PLR2004  the vendor says not to try again
        outcome = replace(outcome, kind=Kind.REJECTED, code="rejected")
    if outcome.kind is Kind.REJECTED:
        return about(outcome, _refused(said), _NAMES)
    return outcome


def omitted(config: Config, change: Change, copy: Copy) -> tuple[str, ...]:
    """Name what a request cannot take away: nothing says that these may be null."""
    del config
    if change != "update":
        return ()
    times = ("start_at", "due_at", "duration_minutes")
    gone = tuple(name for name in times if copy.task.get(name) is None)
    return gone if _entity(copy) else (*gone, "links", "project")


def find(config: Config, copy: Copy) -> Request | None:
    """Return the request for the newest tasks, among which the copy must be."""
    sent = mapping.as_sent(copy, lambda: build(config, "create", copy))
    if not copy.marker or copy.marker not in words(inner(sent, "description")):
        return None
    return _page(config, "/tasks", orderBy="createdAt", orderDir="desc")


def read_found(config: Config, copy: Copy, request: Request, answer: Answer) -> Found:
    """Return the tasks with the marker; older ones than the task itself need not be looked at.

    A list whose tasks come without their descriptions shows nothing.
    """
    del config
    said = content_of(answer)
    listed = inner(said, "data")
    if not isinstance(listed, list):
        return Found()
    tasks = mappings(listed)
    ids = (id_of(task.get("id")) for task in tasks if copy.marker in words(task.get("description")))
    found = tuple(each for each in ids if each is not None)
    if tasks and not any("description" in task for task in tasks):
        return Found(found)
    oldest = mapping.made_at(copy) - _ABOUT_THEN
    times = [mapping.moment(words(task.get("createdAt"))) for task in tasks]
    if any(at is not None and at < oldest for at in times):
        return Found(found, complete=True)
    following = _following(request, said)
    is_last = following is None and inner(said, "meta", "hasMore") is False
    return Found(found, complete=is_last, next=following)


def check(config: Config) -> Request:
    """Return the request for one task."""
    return _call(config, "GET", "/tasks", query=[("pageSize", "1")])


def directory(config: Config) -> Sequence[LookUp]:
    """Return the look-ups for users, tags and projects."""
    return [
        LookUp("people", _page(config, "/users")),
        LookUp("labels", _page(config, "/tags")),
        LookUp("projects", _page(config, "/projects")),
    ]


def read_directory(config: Config, lookup: LookUp, answer: Answer) -> Listed:
    """Return a page of what is there: of users those who are active, of tags those of tasks."""
    del config
    said = content_of(answer)
    entries = [
        Entry(found, _name(each), words(each.get("email")) or None)
        for each in mappings(inner(said, "data"))
        if (found := id_of(each.get("id"))) is not None and _is_meant(lookup, each)
    ]
    return Listed(tuple(entries), _following(lookup.request, said))


def demands(config: Config) -> Demands:
    """Say what a task must have: ids, for everything that has one there."""
    del config
    return Demands(ids=frozenset({"assignees", "labels", "project"}))


def _fields(config: Config, copy: Copy) -> dict[str, Any]:
    """Return a task there; what it does not have is left out."""
    task = copy.task
    due, text = _due(config, copy), fit(task.get("description") or "", None, tail=copy.marker)
    fields: dict[str, Any] = {
        "title": task["title"],
        "description": text or None,
        "status": copy.ids.statuses.get(task["status"]) or _STATUSES[task["status_kind"]],
        "type": _type(config, task.get("type")),
        "priority": (task.get("priority") or "").upper() or None,
        "startDate": task.get("start_at"),
        "dueDate": due,
        "showTime": bool(due) and not task.get("all_day"),
        "durationMinutes": task.get("duration_minutes"),
        "assigneeIds": mapping.ids_of(copy, "people", "assignees"),
        "tagIds": mapping.ids_of(copy, "labels", "labels"),
        **_entity(copy),
        **mapping.custom(copy, "cf_"),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _type(config: Config, name: str | None) -> Type:
    given = config.task_types.get(name or "")
    return given or _TYPES.get((name or "").strip().lower(), "todo")


def _due(config: Config, copy: Copy) -> str | None:
    due: str | None = copy.task.get("due_at")
    if due and copy.task.get("all_day"):
        return mapping.due_at_clock(copy, time.fromisoformat(config.all_day_time))
    return due


def _entity(copy: Copy) -> dict[str, str]:
    """Return what a task is about: the first link that has a word there, else the project."""
    project = mapping.ids_of(copy, "projects", "project")
    linked = mapping.link(copy, _ENTITIES) or next((("projects", each) for each in project), None)
    return {} if linked is None else {"entity": linked[0], "entityId": linked[1]}


def _refused(said: Any) -> list[str]:
    """Return the names of the fields that an error is about."""
    issues = mappings(inner(said, "error", "details", "issues"))
    found = (_FIELD.match(words(issue.get("field"))) for issue in issues)
    return [match[0] for match in found if match is not None]


def _name(each: Mapping[str, Any]) -> str:
    """Return the name of something; what users are called by is not published."""
    whole = words(each.get("name")) or words(each.get("title"))
    parts = (words(each.get(name)) for name in ("firstName", "lastName"))
    return whole or " ".join(filter(None, parts))


def _is_meant(lookup: LookUp, each: Mapping[str, Any]) -> bool:
    if lookup.kind == "labels":
        return each.get("type") in {None, "project_tasks"}
    return each.get("isActive") is not False and each.get("active") is not False


def _page(config: Config, path: str, **query: str) -> Request:
    return _call(config, "GET", path, query=[*query.items(), ("pageSize", str(_PAGE))])


def _following(request: Request, said: Any) -> Request | None:
    """Return the request for the page after an answer; None if that was the last."""
    cursor = words(inner(said, "meta", "nextCursor"))
    if not cursor or inner(said, "meta", "hasMore") is False:
        return None
    base = re.sub(r"&cursor=.*", "", request.url)
    return replace(request, url=f"{base}&cursor={quote(cursor, safe='')}")


_call: mapping.Caller[Config] = mapping.Caller(
    lambda config: ("x-api-key", "", str(config.api_key)), under=_BASE
)


DESTINATION = Destination(
    name="heffl",
    title="Heffl",
    certainty="simulated",
    idempotency="none",
    config=Config,
    build=build,
    classify=classify,
    secrets=lambda config: frozenset({str(config.api_key)}),
    on_uncertain=lambda config: config.on_uncertain,
    counts=mapping.shows_count,
    changes=CHANGES,
    omitted=omitted,
    find=find,
    read_found=read_found,
    check=check,
    directory=directory,
    read_directory=read_directory,
    demands=demands,
)
