"""The one shape of a destination type: a config model, a pure `build`, a pure `classify`.

What every type's configuration has in common stands here too; the HTTP loop is `sender`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from router.core.settings import Span
from workers.destinations.outcome import Answer, Outcome
from workers.destinations.request import Change, Copy, Request

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


class Retry(BaseModel):
    """How long an attempt that had no effect is repeated, and how far apart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    for_: Span = Field(timedelta(hours=24), alias="for", description="give up after this time")
    first: Span = Field(timedelta(seconds=5), description="the first wait; it doubles each time")
    max: Span = Field(timedelta(minutes=10), description="the longest wait")


class Common(BaseModel):
    """What every type of destination can be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout: Span = Field(timedelta(seconds=10), description="for one request, answer included")
    retry: Retry = Field(default_factory=lambda: Retry.model_validate({}))
    concurrency: int = Field(8, ge=1, le=256, description="requests at once, of one worker")
    max_answer: Size = Field(
        1024 * 1024, gt=0, le=_MAX_ANSWER, description="what is read of an answer"
    )
    allow_private: bool = Field(default=False, description="addresses that are not public too")


@dataclass(frozen=True, slots=True)
class Destination:
    """One type of destination.

    `build` returns None where there is nothing to send for a change; it raises `BuildError` where the
    task cannot be expressed. `classify` gets the time of the answer in seconds since the epoch.
    `on_uncertain` says what becomes of a creation that may have worked, `counts` whether a copy shows
    `occurrences`, `can_complete` whether completing a copy is a request of its own.
    """

    name: str
    title: str
    certainty: Literal["verified", "documented", "assumed"]
    idempotency: Literal["header", "upsert", "none"]
    config: type[Common]
    build: Callable[[Any, Change, Copy], Request | None]
    classify: Callable[[Any, Change, Answer, float], Outcome]
    secrets: Callable[[Any], frozenset[str]]
    on_uncertain: Callable[[Any], Literal["hold", "repeat"]]
    counts: Callable[[Any], bool]
    can_complete: Callable[[Any], bool]

    def of(self, config: BaseModel) -> Common:
        """Return a configuration as the model of this type.

        Raises:
            TypeError: It is of another type.
        """
        if not isinstance(config, self.config):
            raise TypeError(f"the configuration is not one of a destination of type {self.name}")
        return config
