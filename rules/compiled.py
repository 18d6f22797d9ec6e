"""Connectors and rules as they are kept ready for deciding: made by `rules.compile`, used by `rules.plan`.

Everything that can be looked up, parsed or checked has been by then: paths are parsed, templates
are compiled, conditions are trees of tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Literal

from rules.conditions import Condition
from rules.decision import OnClosed, OnOpen, Unknown, Update
from rules.index import RuleIndex
from rules.paths import Path
from rules.payload import Payload
from rules.routing import Routing
from rules.template import Value

Mode = Literal["live", "shadow", "off"]

WEEK_S = 7 * 86_400
DEDUPE_WITHIN_S = 48 * 3_600


@dataclass(frozen=True, slots=True)
class TaskAction:
    """Open a task or act on the one its key has.

    `fields` holds what the rule gives under the names it uses (`title` always; `due`, `start`
    and the plain fields of the contract's Task). `shared` names the key space of `key: {shared: …}`.
    `settled` holds those that no event can change, as a task has them. With a `payload` the event's body
    is the task: it gives the fields, the key and the version.
    """

    fields: Mapping[str, Value]
    key: Value | None = None
    shared: str | None = None
    version: Value | None = None
    on_open: OnOpen = "update"
    on_closed: OnClosed = "new"
    reopen_within_s: int = WEEK_S
    update: Update = "unless_edited"
    settled: Mapping[str, Any] = field(default_factory=dict)
    payload: Payload | None = None
    varying: Mapping[str, Value] = field(init=False)
    """The fields that are read anew for each event."""

    def __post_init__(self) -> None:
        varying = {name: value for name, value in self.fields.items() if name not in self.settled}
        object.__setattr__(self, "varying", varying)


@dataclass(frozen=True, slots=True)
class CloseAction:
    """Complete or cancel the open task of a key."""

    how: Literal["complete", "cancel"]
    key: Value
    shared: str | None = None
    version: Value | None = None
    note: Value | None = None
    reopen_within_s: int = WEEK_S


@dataclass(frozen=True, slots=True)
class DropAction:
    """Do nothing, and say why."""

    reason: Value


RuleAction = TaskAction | CloseAction | DropAction


@dataclass(frozen=True, slots=True)
class ContactSource:
    """How a connector knows whom an event is from, and what it does if nobody has what it is known by.

    `parts` holds at least one of `email`, `phone` and `external_id`, and `name` where it is given.
    """

    parts: Mapping[str, Value]
    unknown: Unknown = "create"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `at` is where it stands (`rules/routes/shop.yaml:31`).

    `when` None: it always matches. `deliver` None: the connector's destinations.
    """

    name: str
    at: str
    action: RuleAction
    when: Condition | None = None
    for_each: Path | None = None
    mode: Mode = "live"
    deliver: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Loop:
    """The rules that go through the same list: its path, their numbers, and which may match an item."""

    path: Path
    rules: tuple[int, ...]
    index: RuleIndex


@dataclass(frozen=True)
class Connector:
    """One connector, compiled.

    `source` is the name rules see as `event.source`. `dedupe` None: nothing is a duplicate.
    `otherwise` is a rule named `otherwise` without a condition. `timezone` is the IANA name of the
    default zone of its tasks. `known` holds, per kind of name (`people`, `clients`, `projects`,
    `labels`, `statuses`, `task_types`), what may be written and the name it stands for (a person's
    e-mail address in lower case stands for the person); a kind that is not there is free.
    """

    name: str
    at: str
    source: str
    rules: tuple[Rule, ...] = ()
    match: Literal["all", "first"] = "all"
    otherwise: Rule | None = None
    deliver: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    dedupe: Value | None = None
    dedupe_within_s: int = DEDUPE_WITHIN_S
    vars: Mapping[str, Value] = field(default_factory=dict)
    fixed: Mapping[str, Value] = field(default_factory=dict)
    defaults: Mapping[str, Value] = field(default_factory=dict)
    timezone: str = "UTC"
    known: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    contact: ContactSource | None = None
    routing: Routing = field(default_factory=Routing)
    """What the directory gives to tasks that nothing else gives to anybody."""
    holidays: tuple[date, ...] = ()
    """Days that are no business days, sorted, each once (decision D4)."""

    @cached_property
    def index(self) -> RuleIndex:
        """Which rules without `for_each` may match an event, found without asking each."""
        return RuleIndex((n, rule.when) for n, rule in self._asked() if rule.for_each is None)

    @cached_property
    def loops(self) -> tuple[Loop, ...]:
        """The rules with `for_each`, those of the same list together."""
        groups: dict[Path, list[tuple[int, Rule]]] = {}
        for n, rule in self._asked():
            if rule.for_each is not None:
                groups.setdefault(rule.for_each, []).append((n, rule))
        return tuple(
            Loop(path, tuple(n for n, _ in group), RuleIndex((n, rule.when) for n, rule in group))
            for path, group in groups.items()
        )

    def _asked(self) -> list[tuple[int, Rule]]:
        return [(n, rule) for n, rule in enumerate(self.rules) if rule.mode != "off"]
