"""Vambe: tasks of an organisation, with at least one who is responsible.

https://docs.vambe.me/reference/tasks: create-task, get-tasks, update-task, delete-task, and
/reference/team-members (as published in November 2026). What was not found there is on docs/destinations/vambe.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Literal

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
from workers.destinations.reading import content_of, created, id_of, inner, mappings, words
from workers.destinations.request import Ask, BuildError, Change, Copy, Request

CHANGES: frozenset[Change] = frozenset({"create", "update", "complete", "cancel", "delete"})

_TASKS = "/api/public/tasks"
_PRIORITIES = {"low": "0", "medium": "1", "high": "2"}
_MEDIUM = "1"
_AROUND = timedelta(days=2)


class Config(Vendor):
    """A destination of type `vambe`."""

    type: Literal["vambe"] = "vambe"
    base_url: BaseUrl = "https://api.vambe.me"
    api_key: SecretName = Field(description="name of the secret with the API key")
    query_arrays: Literal["repeat", "brackets", "comma"] = Field(
        "repeat", description="how lists are written in a query: a=1&a=2, a[]=1&a[]=2 or a=1,2"
    )
    rate: Rate | None = Field(
        (1, 1000), description="requests in any window of a span, of all workers"
    )


def build(config: Config, change: Change, copy: Copy) -> Request | None:
    """Return the request for a change."""
    if change == "create":
        return _call(config, "POST", _TASKS, mapping.merged(config, copy, _new(config, copy)))
    path = mapping.place_of(copy, _TASKS)
    if change == "delete":
        return _call(config, "DELETE", path)
    if change == "update":
        return _call(config, "PUT", path, mapping.merged(config, copy, _changed(config, copy)))
    return _call(config, "PUT", path, {"newStatusName": _status(copy)})


def classify(config: Config, ask: Ask, answer: Answer, now_s: float) -> Outcome:
    """Return what an answer means."""
    del config
    outcome = Outcome.from_status(answer, now_s=now_s, changing=ask not in {"create", "look"})
    if outcome.kind is Kind.DELIVERED and ask == "create":
        return created(answer, id_of(inner(content_of(answer), "id")), "id")
    if answer.status == 404 and ask != "look":  # noqa: PLR2004  what the vendor also says of names
        what = "somebody responsible" if ask == "create" else "the task, its status or somebody"
        return replace(outcome, message=f"{outcome.message} ({what} does not exist there)")
    return outcome


def omitted(config: Config, change: Change, copy: Copy) -> tuple[str, ...]:
    """Name what a request does not say: a new task is in the first status, a closing has its own request."""
    del config
    if change in {"complete", "cancel"}:
        return mapping.ALL_BUT_STATUS
    is_new = copy.task["status_kind"] == "initial"
    is_said = is_new if change == "create" else _open_status(copy) is not None
    return ("status",) if change in {"create", "update"} and not is_said else ()


def find(config: Config, copy: Copy) -> Request | None:
    """Return the request for the tasks of those responsible, around the day it is due or without one."""
    sent = mapping.as_sent(copy, lambda: build(config, "create", copy))
    people = inner(sent, "responsibleIds")
    if not copy.marker or copy.marker not in words(inner(sent, "description")) or not people:
        return None
    day = _day(words(sent.get("dueDate"))) or mapping.made_at(copy).date()
    query = [
        *_listed(config, "responsibleIds", [str(each) for each in people]),
        ("fromDate", (day - _AROUND).isoformat()),
        ("toDate", (day + _AROUND).isoformat()),
        ("includeTasksWithoutDates", "true"),
    ]
    return _call(config, "GET", _TASKS, query=query)


def read_found(config: Config, copy: Copy, request: Request, answer: Answer) -> Found:
    """Return the tasks with the marker; one answer has them all.

    A list whose tasks come without their descriptions shows nothing.
    """
    del config, request
    listed = content_of(answer)
    if not isinstance(listed, list):
        return Found()
    tasks = mappings(listed)
    ids = (id_of(task.get("id")) for task in tasks if copy.marker in words(task.get("description")))
    found = tuple(each for each in ids if each is not None)
    is_shown = not listed or any("description" in task for task in tasks)
    return Found(found, complete=is_shown)


def check(config: Config) -> Request:
    """Return the request for the members of the team."""
    return _call(config, "GET", "/api/public/team-members/all")


def directory(config: Config) -> Sequence[LookUp]:
    """Return the look-up for the members of the team."""
    return [LookUp("people", check(config))]


def read_directory(config: Config, lookup: LookUp, answer: Answer) -> Listed:
    """Return the members."""
    del config, lookup
    return Listed(
        tuple(
            Entry(found, _name(member), words(member.get("email")) or None)
            for member in mappings(content_of(answer))
            if (found := id_of(member.get("id"))) is not None
        )
    )


def demands(config: Config) -> Demands:
    """Say what a task must have: somebody responsible, and for a closing a status, with ids."""
    ids = frozenset({"assignees", "status"})
    return Demands(ids, assignee=True, default_assignee=config.default_assignee)


def _shared(config: Config, copy: Copy) -> dict[str, Any]:
    task = copy.task
    return {
        "title": task["title"],
        "description": fit(task.get("description") or "", None, tail=copy.marker),
        "responsibleIds": mapping.assignees(copy, config.default_assignee),
        "priority": _PRIORITIES.get(task.get("priority") or "", _MEDIUM),
        "aiContactId": _linked(copy, "contact"),
        "aiCustomerId": _linked(copy, "customer"),
        "dueDate": task.get("due_date"),
        "dueTime": None if task.get("all_day") else task.get("due_time"),
        "timezone": (task.get("timezone") or "UTC") if task.get("due_date") else None,
    }


def _new(config: Config, copy: Copy) -> dict[str, Any]:
    return {name: value for name, value in _shared(config, copy).items() if value is not None}


def _changed(config: Config, copy: Copy) -> dict[str, Any]:
    """Return the fields of a change; null takes away what the task has no longer."""
    fields = _shared(config, copy)
    if fields["timezone"] is None:
        del fields["timezone"]
    status = _open_status(copy)
    return fields if status is None else {**fields, "newStatusName": status}


def _open_status(copy: Copy) -> str | None:
    """Return the name of the status of an open task; None if the first one has no name.

    Raises:
        BuildError: A status that is not the first has none (V12).
    """
    if mapping.is_closed(copy):
        return None
    if copy.task["status_kind"] == "initial":
        return copy.ids.statuses.get(copy.task["status"])
    return _status(copy)


def _status(copy: Copy) -> str:
    """Return the name of a task's status there (V14)."""
    try:
        return copy.id_of("statuses", copy.task["status"])
    except BuildError as error:
        raise mapping.fault(copy, "status", str(error), error.code) from None


def _linked(copy: Copy, word: str) -> str | None:
    linked = mapping.link(copy, {word: word})
    return None if linked is None else linked[1]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _name(member: Mapping[str, Any]) -> str:
    parts = (words(member.get(name)) for name in ("first_name", "last_name"))
    return words(member.get("name")) or " ".join(filter(None, parts))


def _listed(config: Config, name: str, values: Sequence[str]) -> list[tuple[str, str]]:
    if config.query_arrays == "comma":
        return [(name, ",".join(values))]
    key = f"{name}[]" if config.query_arrays == "brackets" else name
    return [(key, value) for value in values]


_call: mapping.Caller[Config] = mapping.Caller(
    lambda config: ("x-api-key", "", str(config.api_key))
)


DESTINATION = Destination(
    name="vambe",
    title="Vambe",
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
