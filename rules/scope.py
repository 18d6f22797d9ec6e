"""What conditions and templates see of an event, and which names that leaves them at check time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from rules.contact import line
from rules.paths import MISSING

if TYPE_CHECKING:
    from rules.compiled import ContactSource
    from rules.decision import Event
    from rules.template import Value

EVENT_KEYS: Final = frozenset({"id", "type", "delivery_id", "received_at", "connector", "source"})
EVENT_ROOTS: Final = frozenset({"body", "headers", "query", "event", "vars"})
CONTACT: Final = "contact"
CONTACT_KEYS: Final = frozenset({"email", "phone", "external_id", "name"})
LAZY: Final = frozenset({"vars", CONTACT})
"""Roots whose keys are evaluated when they are used: that can fail, and they are no value as a whole."""

_NO_ID: Final = "who it is turns out when the task is made; people are known by `contact.email`"
_OF_CONTACT: Final = {f"{CONTACT}.id": _NO_ID}
_NO_PART: Final = "the connector's `contact:` has no `{key}`"
_NO_CONTACT: Final = "the connector has no `contact:`"
_BEFORE_CONTACT: Final = "the contact is not there for `vars` and for `contact` itself"

_ELSEWHERE: Final = {
    "body": ("payload", "data", "json", "request", "message", "content", "trigger", "webhook"),
    "headers": ("header", "http_headers"),
    "query": ("params", "args", "parameters", "querystring"),
    "vars": ("variables", "env", "var"),
}
_MEANT: Final = {word: root for root, words in _ELSEWHERE.items() for word in words}
"""Words that other systems have for what templates and conditions see."""

TASK_KEYS: Final = frozenset(
    [
        "id",
        "number",
        "key",
        "version",
        "title",
        "description",
        "status",
        "status_kind",
        "type",
        "priority",
        "start_at",
        "due_at",
        "due_date",
        "due_time",
        "timezone",
        "all_day",
        "duration_minutes",
        "reminder",
        "assignees",
        "followers",
        "labels",
        "contact",
        "client",
        "project",
        "links",
        "custom",
        "creator",
        "occurrences",
        "completed_at",
        "created_at",
        "updated_at",
        "source",
    ]
)
"""What the templates of a destination see of a task: the fields of the contract's Task."""
ID_KEYS: Final = frozenset({"label_ids", "assignee_ids", "follower_ids"})
"""What they see beside these where their type has it so: what the destination calls those names."""
_DESTINATION_KEYS: Final = {
    "event": EVENT_KEYS - {"source"},
    "delivery": frozenset({"id", "destination"}),
}


class RenderError(Exception):
    """A template or a path cannot be evaluated for this event.

    `code` is `undefined` for a name that is not there (`default()` answers it), `template` for
    every other error. `at` is `file:line:column` of the template, where it is known.
    """

    def __init__(self, reason: str, *, code: str = "template", at: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.at = at


@dataclass(frozen=True, slots=True)
class ScopeSpec:
    """Which names there are, for the check (decision T12).

    `known` holds, for those roots whose keys are all known, the keys; the keys of other roots
    are not checked. `timezone` is the zone conditions read clock times in. `absent` says of roots
    and keys that are not there, and that somebody might expect, what to do about it.
    """

    roots: frozenset[str] = EVENT_ROOTS
    known: Mapping[str, frozenset[str]] | None = None
    timezone: str = "UTC"
    absent: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_event(cls, variables: frozenset[str] = frozenset(), timezone: str = "UTC") -> ScopeSpec:
        """What the rules of a connector see outside of `for_each`."""
        known = {"event": EVENT_KEYS, "vars": variables}
        return cls(known=known, timezone=timezone, absent={CONTACT: _NO_CONTACT})

    @classmethod
    def of_destination(cls, *, with_ids: bool = False) -> ScopeSpec:
        """What the templates of a destination see (decision Q1), some of them with ids (V21)."""
        roots = frozenset({"task", "external_id", "event", "delivery"})
        task = TASK_KEYS | ID_KEYS if with_ids else TASK_KEYS
        known = {**_DESTINATION_KEYS, "task": task}
        return cls(roots=roots, known=known, absent={CONTACT: "write `task.contact`"})

    @classmethod
    def of_routing(cls) -> ScopeSpec:
        """What the conditions of the directory's `routing` see."""
        known = {CONTACT: CONTACT_KEYS}
        return cls(roots=frozenset({CONTACT}), known=known, absent=_OF_CONTACT)

    def with_contact(self, parts: Collection[str]) -> ScopeSpec:
        """Return the same with `contact`: in the rules of a connector that has one, made of these parts."""
        keys = frozenset({*parts, "name"}) & CONTACT_KEYS
        known = {**(self.known or {}), CONTACT: keys}
        lacking = {f"{CONTACT}.{key}": _NO_PART.format(key=key) for key in CONTACT_KEYS - keys}
        absent = {**_OF_CONTACT, **lacking}
        return replace(self, roots=self.roots | {CONTACT}, known=known, absent=absent)

    def before_contact(self) -> ScopeSpec:
        """Return the same for what the contact is made of: `vars`, and `contact` itself."""
        return replace(self, absent={CONTACT: _BEFORE_CONTACT})

    def with_item(self) -> ScopeSpec:
        """Return the same with `item`: inside a rule with `for_each`."""
        return replace(self, roots=self.roots | {"item"})

    def meant(self, word: str) -> str | None:
        """Return what to write instead of a root that is not there, for somebody new to the names."""
        root = _MEANT.get(word.lower())
        if root in self.roots:
            return f"did you mean `{root}`?"
        if "body" in self.roots:
            return f"what stands in the payload is under `body`: `body.{word}`"
        return None

    def keys_of(self, root: str) -> frozenset[str] | None:
        """Return the keys a root may have, None if any."""
        return None if self.known is None else self.known.get(root)


class Headers(dict[str, str]):
    """Headers by name in any case (decision T18); the names of an event's headers are lower case."""

    __slots__ = ()

    def follow(self, name: str) -> Any:
        """Return the header of that name, or MISSING."""
        return self.get(name.lower(), MISSING)


class Vars:
    """The variables of a connector: each evaluated when it is first used, at most once per event."""

    __slots__ = ("_known", "_scope", "_values")
    root: ClassVar = "vars"

    def __init__(self, values: Mapping[str, Value], scope: Scope) -> None:
        self._values = values
        self._scope = scope
        self._known: dict[str, Any] = {}

    def follow(self, name: str) -> Any:
        """Return the value of that name, or MISSING if there is none.

        Raises:
            RenderError: It cannot be evaluated for this event.
        """
        if name in self._known:
            found = self._known[name]
        elif name in self._values:
            self._known[name] = RenderError(f"{self.root}.{name} is made of itself")
            found = self._known[name] = self._evaluate(name)
        else:
            return MISSING
        if isinstance(found, RenderError):
            raise RenderError(found.reason, code=found.code, at=found.at)
        return found

    def _evaluate(self, name: str) -> Any:
        try:
            return self._read(self._values[name].render(self._scope))
        except RenderError as error:
            reason = f"{self.root}.{name}: {error.reason}"
            return RenderError(reason, code=error.code, at=error.at)

    def _read(self, value: Any) -> Any:
        return value


class ContactNames(Vars):
    """`contact` as rules see it: its parts as texts of one line; what is null or blank is not there."""

    __slots__ = ()
    root: ClassVar = CONTACT

    def _read(self, value: Any) -> Any:
        return MISSING if (words := line(value)) is None else words


class Scope:
    """The names of one event, or of one item of it, with their values."""

    __slots__ = ("roots",)

    def __init__(self, roots: dict[str, Any]) -> None:
        self.roots = roots

    @classmethod
    def of_event(
        cls, event: Event, variables: Mapping[str, Value], contact: ContactSource | None = None
    ) -> Scope:
        """Return what the rules of a connector see of an event."""
        named = {
            "id": event.id,
            "received_at": event.received_at,
            "connector": event.connector,
            "source": event.source,
        }
        if event.type is not None:
            named["type"] = event.type
        if event.delivery_id is not None:
            named["delivery_id"] = event.delivery_id
        scope = cls(
            {
                "body": event.body,
                "headers": Headers(event.headers),
                "query": event.query if type(event.query) is dict else dict(event.query),
                "event": named,
            }
        )
        scope.roots["vars"] = Vars(variables, scope) if variables else _NO_VARS
        if contact is not None:
            scope.roots[CONTACT] = ContactNames(contact.parts, scope)
        return scope

    def with_item(self, item: Any) -> Scope:
        """Return the same names and `item`."""
        return Scope({**self.roots, "item": item})


_NO_VARS: Final = Vars({}, Scope({}))
