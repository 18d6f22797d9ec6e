"""The one shape of a destination type: a config model, a pure `build`, a pure `classify`.

What every type's configuration has in common stands here too; the HTTP loop is `sender`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)

from router.core.settings import Span
from rules.catalogues import Demands
from rules.model_types import Rate
from workers.destinations.outcome import Answer, Outcome
from workers.destinations.request import Ask, Change, Copy, NameKind, Request
from workers.destinations.templates import AnyTemplate

OnUncertain = Literal["hold", "repeat", "reconcile"]

_SIZE = re.compile(r"(\d{1,12})\s*(B|KiB|MiB)")
_UNITS = {"B": 1, "KiB": 1024, "MiB": 1024 * 1024}
_MAX_ANSWER = 64 * 1024 * 1024


def parse_size(value: Any) -> Any:
    """Return the bytes a text such as `1MiB` stands for; other values as they are."""
    if not isinstance(value, str):
        return value
    found = _SIZE.fullmatch(value.strip())
    if found is None:
        raise ValueError(f"expected a number with B, KiB or MiB, such as 1MiB; found {value!r}")
    return int(found[1]) * _UNITS[found[2]]


Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer"},
                {"type": "string", "pattern": f"^\\s*{_SIZE.pattern}\\s*$"},
            ]
        }
    ),
]


def _base_url(value: str) -> str:
    if not _is_base(value):
        raise ValueError("expected scheme and host alone, such as https://api.example.com")
    return value.rstrip("/")


def _is_base(value: str) -> bool:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not more


BaseUrl = Annotated[str, AfterValidator(_base_url)]
"""Scheme and host; adapters add the whole path (V20)."""


class Retry(BaseModel):
    """How long an attempt that had no effect is repeated, and how far apart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    for_: Span = Field(timedelta(hours=24), alias="for", description="give up after this time")
    first: Span = Field(timedelta(seconds=5), description="the first wait; it doubles each time")
    max: Span = Field(timedelta(minutes=10), description="the longest wait")


class Breaker(BaseModel):
    """When a destination that fails again and again is left alone, and for how long (V27)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: int = Field(5, ge=1, le=1000, description="failures in a row that open it")
    for_: Span = Field(
        timedelta(seconds=5), alias="for", description="until the first probe; it doubles each time"
    )
    max: Span = Field(timedelta(seconds=60), description="the longest time between two probes")


class Common(BaseModel):
    """What every type of destination can be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout: Span = Field(timedelta(seconds=10), description="for one request, answer included")
    retry: Retry = Field(default_factory=lambda: Retry.model_validate({}))
    rate: Rate | None = Field(
        None, description="requests in any window of a span, of all workers, such as 25/s"
    )
    concurrency: int = Field(8, ge=1, le=256, description="requests at once, of all workers")
    breaker: Breaker = Field(default_factory=lambda: Breaker.model_validate({}))
    max_answer: Size = Field(
        1024 * 1024, gt=0, le=_MAX_ANSWER, description="what is read of an answer"
    )
    allow_private: bool = Field(default=False, description="addresses that are not public too")
    on_delete: Literal["leave", "delete"] = Field(
        "leave", description="what becomes of the copy of a task that is deleted"
    )


class Vendor(Common):
    """What every type of destination that is one vendor's API can be told.

    A type sets its own `base_url` and, where the vendor names a limit, its own `rate`.
    """

    base_url: BaseUrl
    on_uncertain: Literal["reconcile", "hold"] = Field(
        "reconcile", description="what becomes of a creation that may have worked"
    )
    look_after: Span = Field(
        timedelta(seconds=30), description="when a creation that may have worked is looked for"
    )
    extra: dict[str, AnyTemplate] = Field(
        default_factory=dict,
        description="fields by the vendor's own names, merged into the task after all others",
    )
    default_assignee: Annotated[str, Field(min_length=1)] | None = Field(
        None,
        description="person of the directory, where the vendor wants one and the task has none",
    )


@dataclass(frozen=True, slots=True)
class Found:
    """What a look for a copy brought: ids of those with its marker, in one page of the answer.

    `next` asks for the next page. `complete`: with this page all has been seen in which the copy can
    be, so that it is not there if no page had it; it says nothing while there is a `next`.
    """

    ids: tuple[str, ...] = ()
    complete: bool = False
    next: Request | None = None


@dataclass(frozen=True, slots=True)
class LookUp:
    """A question for what is there; `kind` is the directory's word for it. Task types have no ids there."""

    kind: NameKind | Literal["task_types"]
    request: Request


@dataclass(frozen=True, slots=True)
class Entry:
    """Something the vendor has an id for; `email` is what a person is recognised by."""

    id: str
    name: str
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of entries, and what asks for the next one."""

    entries: tuple[Entry, ...] = ()
    next: Request | None = None


def _no_demands(_config: Any) -> Demands:
    return Demands()


def _never_keyed(_config: Any) -> bool:
    return False


def never_omitted(_config: Any, _change: Change, _copy: Copy) -> tuple[str, ...]:
    """Return no field: what the API can be asked for changes all that it can show."""
    return ()


@dataclass(frozen=True, slots=True)
class Destination:
    """One type of destination. docs/contributing/adding-an-adapter.md says how each part is used.

    `build` returns None where there is nothing to send for a change; it raises `BuildError` where the
    task cannot be expressed. `classify` gets the time of the answer in seconds since the epoch.
    `on_uncertain` says what becomes of a creation that may have worked, `counts` whether a copy shows
    `occurrences`. `changes` is what the API has at all, `changes_of` what of it a configuration has.
    `is_keyed` says whether a creation that is sent twice makes one task, by its key. `omitted` names the
    fields of the task that the API cannot change with this request (V10). `demands` says what every task
    must have, so that `rules check` sees what is missing.
    """

    name: str
    title: str
    certainty: Literal["verified", "documented", "simulated", "assumed"]
    idempotency: Literal["header", "upsert", "none"]
    config: type[Common]
    build: Callable[[Any, Change, Copy], Request | None]
    classify: Callable[[Any, Ask, Answer, float], Outcome]
    secrets: Callable[[Any], frozenset[str]]
    on_uncertain: Callable[[Any], OnUncertain]
    counts: Callable[[Any], bool]
    changes: frozenset[Change] = frozenset({"create"})
    changes_of: Callable[[Any], frozenset[Change]] | None = None
    is_keyed: Callable[[Any], bool] = _never_keyed
    omitted: Callable[[Any, Change, Copy], tuple[str, ...]] = never_omitted
    find: Callable[[Any, Copy], Request | None] | None = None
    read_found: Callable[[Any, Copy, Request, Answer], Found] | None = None
    check: Callable[[Any], Request | None] | None = None
    directory: Callable[[Any], Sequence[LookUp]] | None = None
    read_directory: Callable[[Any, LookUp, Answer], Listed] | None = None
    demands: Callable[[Any], Demands] = _no_demands

    def of(self, config: BaseModel) -> Common:
        """Return a configuration as the model of this type.

        Raises:
            TypeError: It is of another type.
        """
        if not isinstance(config, self.config):
            raise TypeError(f"the configuration is not one of a destination of type {self.name}")
        return config

    def changes_with(self, config: Common) -> frozenset[Change]:
        """Return the changes that a destination of this configuration can be asked for."""
        return self.changes if self.changes_of is None else self.changes_of(config)
