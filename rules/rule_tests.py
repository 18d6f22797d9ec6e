"""The tests that a connector file brings, as they are kept ready for running: what is sent, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rules.document import Node
from rules.problems import Span

RECEIVED_AT: Final = "2026-01-05T09:00:00Z"
"""When the event of a test came, where nothing says: a Monday (decision X5)."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One event of a test.

    `file` is as written, relative to the rule file; without it `body` holds what was written into the
    test. `headers` (names in lower case) and `query` win over those of a file. `expect` is the node of
    its expectations.
    """

    span: Span
    file: str | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    type: str | None = None
    delivery_id: str | None = None
    received_at: str | None = None
    after_s: int | None = None
    expect: Node | None = None


@dataclass(frozen=True, slots=True)
class RuleTest:
    """A test: the events in their order, each with what is expected of it.

    `expect` holds what is expected of the tasks when all events are done, where there are several.
    `span` is where it stands, `received_at` when its first event came.
    """

    connector: str
    name: str
    span: Span
    events: tuple[Sent, ...]
    received_at: str | None = None
    expect: Node | None = None
