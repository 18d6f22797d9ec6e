"""todo.vu: a connector of a workspace, which takes tasks and does nothing else.

https://todo.vu/docs/integrations/add-task-connectors (as published in November 2026). The page says what a
connector does, not what its payload is called: that is on the *Code* tab of each connector, and so it is
configuration here.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from router.core import jsonio
from rules.catalogues import Demands
from rules.names import SecretName
from rules.scope import Scope
from workers.destinations import mapping
from workers.destinations.destination import Common, Destination, OnUncertain
from workers.destinations.outcome import Answer, Kind, Outcome
from workers.destinations.reading import answer_path, created, id_at
from workers.destinations.request import Ask, Change, Copy, NameKind, Request
from workers.destinations.templates import AnyTemplate, TemplateWithIds, render_extra, scope_of

_KEY: Final = "{key}"
_LISTS: Final[dict[str, tuple[NameKind, str]]] = {
    "label_ids": ("labels", "labels"),
    "assignee_ids": ("people", "assignees"),
    "follower_ids": ("people", "followers"),
}
"""What templates see beside the task itself (V21): of which names, and of which field."""


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    usable = parts.scheme in {"http", "https"} and parts.hostname and value.isprintable()
    if not usable or "@" in parts.netloc or " " in value:
        raise ValueError("expected the connector's address, as its Code tab shows it")
    return value


def _authorization(value: str) -> str:
    if value.count(_KEY) != 1 or not value.isprintable():
        raise ValueError(f"expected a text with {_KEY} where the key goes, such as Bearer {_KEY}")
    return value


class Config(Common):
    """A destination of type `todovu`."""

    type: Literal["todovu"] = "todovu"
    url: Annotated[str, AfterValidator(_url)] = Field(description="the connector's address")
    key: SecretName = Field(description="name of the secret with the connector's key")
    authorization: Annotated[str, AfterValidator(_authorization)] = Field(
        "Bearer {key}", description="the header that carries the key, as the Code tab shows it"
    )
    id_at: Annotated[str, AfterValidator(answer_path)] = Field(
        "id", description="where the answer has the id of the new task"
    )
    fields: dict[str, TemplateWithIds] = Field(
        min_length=1, description="the payload, by the names that the Code tab shows"
    )
    extra: dict[str, AnyTemplate] = Field(
        default_factory=dict, description="more of the payload, merged into it after `fields`"
    )
    on_uncertain: Literal["hold", "retry"] = Field(
        "hold", description="what becomes of a creation that may have worked"
    )
    on_delete: Literal["leave"] = Field("leave", description="a connector cannot delete")


def build(config: Config, change: Change, copy: Copy) -> Request | None:
    """Return the request to create; a connector has no other."""
    if change != "create":
        return None
    scope = _scope(config, copy)
    rendered = {name: made.render(scope, f"fields.{name}") for name, made in config.fields.items()}
    payload = {name: value for name, value in rendered.items() if value is not None}
    before, _, after = config.authorization.partition(_KEY)
    return Request(
        "POST",
        config.url,
        headers={"Content-Type": "application/json"},
        body=jsonio.dump_bytes({**payload, **render_extra(config.extra, copy)}),
        secret_headers={"Authorization": (before, str(config.key), after)},
    )


def classify(config: Config, ask: Ask, answer: Answer, now_s: float) -> Outcome:
    """Return what an answer means; without an id, whether there is a task is for a person to see."""
    outcome = Outcome.from_status(answer, now_s=now_s, changing=ask not in {"create", "look"})
    if outcome.kind is Kind.DELIVERED and ask == "create":
        return created(answer, id_at(config.id_at, answer), config.id_at)
    return outcome


def demands(config: Config) -> Demands:
    """Say what a task must have: ids, for the names whose ids the payload holds."""
    return Demands(ids=frozenset(field for _, field in _lists(config).values()))


def _lists(config: Config) -> dict[str, tuple[NameKind, str]]:
    texts = "\n".join(made.texts() for made in config.fields.values())
    return {name: of for name, of in _LISTS.items() if re.search(rf"\b{name}\b", texts)}


def _scope(config: Config, copy: Copy) -> Scope:
    """Return what the templates see; ids are only looked up where they are wanted."""
    scope = scope_of(copy)
    lists = {name: mapping.ids_of(copy, *of) for name, of in _lists(config).items()}
    scope.roots["task"] = {**copy.task, **lists}
    return scope


def _on_uncertain(config: Config) -> OnUncertain:
    return "repeat" if config.on_uncertain == "retry" else "hold"


DESTINATION = Destination(
    name="todovu",
    title="todo.vu",
    certainty="assumed",
    idempotency="none",
    config=Config,
    build=build,
    classify=classify,
    secrets=lambda config: frozenset({str(config.key)}),
    on_uncertain=_on_uncertain,
    counts=lambda _config: False,
    demands=demands,
)
