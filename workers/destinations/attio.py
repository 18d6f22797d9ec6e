"""Attio: tasks of a workspace, each one text; API version 2.

https://docs.attio.com/rest-api/endpoint-reference/tasks/create-a-task and the OpenAPI description at
https://api.attio.com/openapi/api (what is published of both in November 2026; docs/destinations/attio.md
says what was not found there).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlsplit

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
from workers.destinations.reading import about, content_of, created, id_of, inner, mappings, words
from workers.destinations.request import Ask, Change, Copy, Request

CHANGES: frozenset[Change] = frozenset({"create", "update", "delete"})
"""No `complete`: an update says whether it is completed, so that a completion is one request."""

_TASKS = "/v2/tasks"
_ID_AT = "data.id.task_id"
_PAGE = 100
_STEP = 90
"""Pages overlap: what is deleted while they are read must not hide what moves up."""
_ABOUT_THEN = timedelta(hours=1)
"""How far the vendor's clock and ours may be apart."""
_NAMES = {
    "content": "title",
    "deadline_at": "due_at",
    "is_completed": "status",
    "linked_records": "links",
    "assignees": "assignees",
}
_CHANGEABLE = _NAMES.keys() - {"content"}


class Config(Vendor):
    """A destination of type `attio`."""

    type: Literal["attio"] = "attio"
    base_url: BaseUrl = "https://api.attio.com"
    token: SecretName = Field(description="name of the secret with the access token or API key")
    rate: Rate | None = Field(
        (25, 1000), description="requests in any window of a span, of all workers"
    )
    content_limit: Annotated[int, Field(ge=100)] | None = Field(
        2000, description="characters of a text; null: as many as there are"
    )
    objects: list[str] | None = Field(
        None, description="objects whose links are sent, by their slugs; those of all by default"
    )


def build(config: Config, change: Change, copy: Copy) -> Request | None:
    """Return the request for a change."""
    if change == "create":
        return _call(config, "POST", _TASKS, {"data": _created(config, copy)})
    path = mapping.place_of(copy, _TASKS)
    if change == "delete":
        return _call(config, "DELETE", path)
    given = mapping.merged(config, copy, _state(config, copy))
    return _call(
        config,
        "PATCH",
        path,
        {"data": {name: value for name, value in given.items() if name in _CHANGEABLE}},
    )


def classify(config: Config, ask: Ask, answer: Answer, now_s: float) -> Outcome:
    """Return what an answer means."""
    del config
    outcome = Outcome.from_status(answer, now_s=now_s, changing=ask not in {"create", "look"})
    said = content_of(answer)
    if outcome.kind is Kind.DELIVERED:
        if ask == "look" and inner(said, "active") is False:
            message = "the token is not valid, or no longer"
            return Outcome(Kind.AUTH, "credentials", message, answer.status)
        if ask == "create":
            found = id_of(inner(said, "data", "id", "task_id"))
            return created(answer, found, _ID_AT)
    elif outcome.kind is Kind.GONE:
        hint = "the task there, or one of the records and members that it names, does not exist"
        return replace(outcome, message=f"{outcome.message} ({hint})")
    elif outcome.kind is Kind.REJECTED:
        return about(outcome, _refused(said), _NAMES)
    return outcome


def omitted(config: Config, change: Change, copy: Copy) -> tuple[str, ...]:
    """Name what a request cannot change: the text of a task is as it was created."""
    del config, copy
    return ("title", "description") if change == "update" else ()


def find(config: Config, copy: Copy) -> Request | None:
    """Return the request for the newest tasks, among which the copy must be."""
    sent = mapping.as_sent(copy, lambda: build(config, "create", copy))
    return _page(config, 0) if copy.marker and copy.marker in _text(sent) else None


def read_found(config: Config, copy: Copy, request: Request, answer: Answer) -> Found:
    """Return the tasks with the marker; older ones than the task itself need not be looked at."""
    listed = inner(content_of(answer), "data")
    if not isinstance(listed, list):
        return Found()
    tasks = mappings(listed)
    ids = (
        id_of(inner(task, "id", "task_id"))
        for task in tasks
        if copy.marker in words(task.get("content_plaintext"))
    )
    oldest = mapping.made_at(copy) - _ABOUT_THEN
    times = [mapping.moment(words(task.get("created_at"))) for task in tasks]
    found = tuple(each for each in ids if each is not None)
    if len(listed) < _PAGE or any(at is not None and at < oldest for at in times):
        return Found(found, complete=True)
    return Found(found, next=_page(config, _offset(request) + _STEP))


def check(config: Config) -> Request:
    """Return the request that says whom the token is of."""
    return _call(config, "GET", "/v2/self")


def directory(config: Config) -> Sequence[LookUp]:
    """Return the look-up for the members of the workspace."""
    return [LookUp("people", _call(config, "GET", "/v2/workspace_members"))]


def read_directory(config: Config, lookup: LookUp, answer: Answer) -> Listed:
    """Return the members who may be given tasks."""
    del config, lookup
    members = [
        member
        for member in mappings(inner(content_of(answer), "data"))
        if member.get("access_level") != "suspended"
    ]
    return Listed(tuple(entry for member in members if (entry := _entry(member)) is not None))


def demands(config: Config) -> Demands:
    """Say what a task must have: people need ids."""
    del config
    return Demands(ids=frozenset({"assignees"}))


def _state(config: Config, copy: Copy) -> dict[str, Any]:
    """Return what of a task can be changed after it was created."""
    people = mapping.ids_of(copy, "people", "assignees")
    links = [(str(each["object"]), str(each["id"])) for each in copy.task.get("links") or []]
    return {
        "deadline_at": _deadline(copy),
        "is_completed": mapping.is_closed(copy),
        "linked_records": [
            {"target_object": word, "target_record_id": record}
            for word, record in links
            if config.objects is None or word in config.objects
        ],
        "assignees": [
            {"referenced_actor_type": "workspace-member", "referenced_actor_id": each}
            for each in people
        ],
    }


def _created(config: Config, copy: Copy) -> dict[str, Any]:
    texts = [copy.task["title"], copy.task.get("description")]
    text = "\n\n".join(each for each in texts if each)
    content = fit(text, config.content_limit, tail=copy.marker)
    given: dict[str, Any] = {"content": content, "format": "plaintext", **_state(config, copy)}
    return mapping.merged(config, copy, given)


def _deadline(copy: Copy) -> str | None:
    """Return the instant a task is due; without a time of day, the start of that day (V18)."""
    due: str | None = copy.task.get("due_at")
    return mapping.day_start(copy) if due and copy.task.get("all_day") else due


def _text(sent: Any) -> str:
    return words(inner(sent, "data", "content"))


def _refused(said: Any) -> list[str]:
    """Return the names of the fields that an error is about."""
    paths = [each.get("path") for each in mappings(inner(said, "validation_errors"))]
    return [str(step) for path in paths if isinstance(path, list) for step in path]


def _entry(member: Any) -> Entry | None:
    found = id_of(inner(member, "id", "workspace_member_id"))
    names = (words(member.get(name)) for name in ("first_name", "last_name"))
    email = words(member.get("email_address")) or None
    return None if found is None else Entry(found, " ".join(filter(None, names)), email)


def _page(config: Config, offset: int) -> Request:
    query = [("sort", "created_at:desc"), ("limit", str(_PAGE)), ("offset", str(offset))]
    return _call(config, "GET", _TASKS, query=query)


def _offset(request: Request) -> int:
    return int(dict(parse_qsl(urlsplit(request.url).query)).get("offset", "0"))


_call: mapping.Caller[Config] = mapping.Caller(
    lambda config: ("Authorization", "Bearer ", str(config.token))
)


DESTINATION = Destination(
    name="attio",
    title="Attio",
    certainty="simulated",
    idempotency="none",
    config=Config,
    build=build,
    classify=classify,
    secrets=lambda config: frozenset({str(config.token)}),
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
