"""What rules must know of the other rooms without importing them: senders and destination types.

The command hands it over (`router.cli.catalogues`): `rules` stays free of I/O and of its siblings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """What is wrong with a connector's `source:`; `path` leads from the value to the culprit.

    `known` lists what could have been meant, for a suggestion.
    """

    path: Path
    message: str
    expected: str = ""
    known: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a preset brings along."""

    name: str
    delivery_id: bool
    """Whether its events carry an id that stays the same when the sender repeats itself."""
    dedupe_key: str | None = None
    """Template of its default deduplication key; None: nothing is a duplicate by default."""
    needs_secret: bool = True
    signs_url: bool = False
    """Whether it signs the address it sends to, which must then be known."""
    shows_secret: bool = False
    """Whether the secret itself may be its proof, so that a key that was issued here can be it."""
    remark: str | None = None
    """What is worth knowing about every connector that uses it."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What a destination demands of every task that goes there.

    `ids`: the fields of a task whose names must have an id at it. `assignee`: it takes no task without
    one; `default_assignee` is the person who stands in.
    """

    ids: frozenset[str] = frozenset()
    assignee: bool = False
    default_assignee: str | None = None


@dataclass(frozen=True, slots=True)
class Catalogues:
    """Known senders and destination types.

    `check_source` takes a normalised `source:` mapping (`{"preset": …, …}` or `{"hmac": {…}}` and
    so on) and returns what is wrong with it. `source_info` takes the same and says what it brings.
    `destinations` maps a destination `type` to the pydantic model of its configuration, `demands` to
    what one of that configuration demands. `source_schema` is the JSON Schema of `source:`, for editors.
    """

    source_names: Sequence[str]
    check_source: Callable[[Mapping[str, Any]], Sequence[SourceProblem]]
    source_info: Callable[[Mapping[str, Any]], SourceInfo]
    destinations: Mapping[str, type[BaseModel]] = field(default_factory=dict)
    source_schema: Mapping[str, Any] = field(default_factory=dict)
    demands: Mapping[str, Callable[[Any], Demands]] = field(default_factory=dict)
