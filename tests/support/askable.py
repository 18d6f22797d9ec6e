"""A task API that can be asked for a copy by its marker, and cannot change titles."""

from __future__ import annotations

import json
from typing import Any, Literal
from urllib.parse import parse_qs, quote, urlsplit

from tests.support.downstream import Call
from workers.destinations.destination import BaseUrl, Destination, Found, Vendor
from workers.destinations.outcome import Answer, Kind, Outcome
from workers.destinations.request import Ask, Change, Copy, Request

CHANGES: frozenset[Change] = frozenset({"create", "update", "complete", "delete"})
RIGID = ("title",)
"""Fields that the API takes at creation only."""


class Config(Vendor):
    """Its configuration."""

    type: Literal["askable"] = "askable"
    base_url: BaseUrl = "https://askable.example"
    page_size: int = 10


def build(config: Config, change: Change, copy: Copy) -> Request | None:
    """Return the request for a change."""
    if change == "create":
        body = {"title": copy.task["title"], "marker": copy.marker, "who": _who(copy)}
        return _request(config, "POST", "/tasks", body)
    path = f"/tasks/{copy.external_id}"
    if change == "delete":
        return _request(config, "DELETE", path, {})
    body = {"done": True} if change == "complete" else {"labels": copy.task["labels"]}
    return _request(config, "PATCH", path, body)


def _who(copy: Copy) -> list[str]:
    return [copy.id_of("people", name) for name in copy.task["assignees"]]


def _request(config: Config, method: str, path: str, body: Any) -> Request:
    url, content = config.base_url + path, json.dumps(body).encode()
    return Request(method, url, {"Content-Type": "application/json"}, content)


def classify(_config: Config, ask: Ask, answer: Answer, now_s: float) -> Outcome:
    """Say what an answer means."""
    outcome = Outcome.from_status(answer, now_s=now_s, changing=ask not in {"create", "look"})
    if ask != "create" or outcome.kind is not Kind.DELIVERED:
        return outcome
    return Outcome(Kind.DELIVERED, status=answer.status, external_id=json.loads(answer.body)["id"])


def find(config: Config, copy: Copy) -> Request | None:
    """Return the question for the copies with a marker; of one task nobody can ask."""
    if copy.task["title"] == "Unfindable":
        return None
    return _page(config, copy, 0)


def _page(config: Config, copy: Copy, start: int) -> Request:
    query = f"marker={quote(copy.marker)}&start={start}&limit={config.page_size}"
    return Request("GET", f"{config.base_url}/tasks?{query}")


def read_found(config: Config, copy: Copy, request: Request, answer: Answer) -> Found:
    """Read a page of the copies."""
    said = json.loads(answer.body)
    start = int(parse_qs(urlsplit(request.url).query)["start"][0]) + config.page_size
    more = _page(config, copy, start) if said.get("more") else None
    return Found(tuple(said["ids"]), complete=said.get("all", True), next=more)


DESTINATION = Destination(
    name="askable",
    title="Askable",
    certainty="assumed",
    idempotency="none",
    config=Config,
    build=build,
    classify=classify,
    secrets=lambda _: frozenset(),
    on_uncertain=lambda config: config.on_uncertain,
    counts=lambda _: False,
    changes=CHANGES,
    omitted=lambda _config, change, _copy: RIGID if change != "create" else (),
    find=find,
    read_found=read_found,
)


def answer_to(call: Call, kept: dict[str, Any]) -> Any:
    """Return what the API says to a call, as a server has it; `kept` are its tasks."""
    identifier = call.path.rpartition("/")[2]
    match call.method:
        case "GET":
            marker = parse_qs(urlsplit(call.path).query)["marker"][0]
            return {"ids": [name for name, task in kept.items() if task["marker"] == marker]}
        case "POST":
            identifier = f"a{len(kept) + 1}"
            kept[identifier] = call.json
        case "DELETE":
            kept.pop(identifier, None)
        case _:
            kept[identifier] |= call.json
    return {"id": identifier}


def register(room: Any) -> None:
    """Add the type to those of `workers.destinations`."""
    if DESTINATION.name not in room.BY_NAME:
        room.REGISTRY = (*room.REGISTRY, DESTINATION)
        room.BY_NAME[DESTINATION.name] = DESTINATION
