"""What a set of rules decides about an event: the vocabulary between `rules` and `workers`.

`rules.plan` makes a `Decision` from an event alone; `workers.route` carries it out against the
store in one transaction. Nothing here knows of the store.

All are tuples: a dozen of them are made for each event, each in a third of the time that a frozen
dataclass takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

Verdict = Literal["matched", "not", "undecided"]
OnOpen = Literal["update", "count", "ignore"]
OnClosed = Literal["reopen", "new", "ignore"]
Update = Literal["unless_edited", "always"]
Unknown = Literal["reject", "create", "connector"]


class Event(NamedTuple):
    """An event as rules see it; `body` is parsed (fractions are `Decimal`), header names lower case.

    `received_at` is RFC 3339 text in UTC with milliseconds.
    """

    id: str
    connector: str
    received_at: str
    source: str = "none"
    type: str | None = None
    delivery_id: str | None = None
    headers: Mapping[str, str] = _NOTHING
    query: Mapping[str, str] = _NOTHING
    body: Any = None


class Reason(NamedTuple):
    """Why, for people (`message`) and programs (`code`); `at` is `file:line:column` if known.

    `field` names the field of a task that is not valid; `pointer` leads to it in a payload that is a task.
    """

    code: str
    message: str
    at: str | None = None
    field: str | None = None
    pointer: str | None = None


class Step(NamedTuple):
    """One condition of a trace: its text, what became of it, what was expected and found.

    `depth` is its level in the tree of conditions: the parts of an `any` stand one deeper than it.
    """

    text: str
    verdict: Verdict
    expected: Any = None
    found: Any = None
    at: str | None = None
    reason: str | None = None
    depth: int = 0


class TaskKey(NamedTuple):
    """The key an action is about; `shared` keys belong to all connectors, others to their own."""

    text: str
    shared: str | None = None


Identifier = tuple[str, str]
"""What somebody is known by: `email`, `phone` or `external_id`, and its value in the form it is compared in."""


class Contact(NamedTuple):
    """Whom an event is from, as it says: an address in the case it came with, a number, an id elsewhere, a name.

    One of the three is there. Who that is, the store knows. `unknown` is what to do if nobody has any of
    them: refuse the event, make a contact, or make the task without one.
    """

    email: str | None
    name: str | None = None
    unknown: Unknown = "create"
    phone: str | None = None
    external_id: str | None = None

    @property
    def identifiers(self) -> tuple[Identifier, ...]:
        """What people are known by, in the order of look-up; the address without case (decision N2)."""
        if self.phone is None and self.external_id is None:
            return (("email", self.email.lower()),) if self.email is not None else ()
        email = None if self.email is None else self.email.lower()
        given = (("external_id", self.external_id), ("email", email), ("phone", self.phone))
        return tuple((part, value) for part, value in given if value is not None)

    @property
    def address(self) -> str:
        """What a contact that is made is told from others by: the e-mail address, else the id, else the number."""
        if self.email is not None:
            return self.email.lower()
        part, value = self.identifiers[0]
        return f"tel:{value}" if part == "phone" else f"id:{value}"


class OpenTask(NamedTuple):
    """Open a task, or act on the one its key already has.

    `fields` holds the task's fields by their contract names, only those the rule gives
    (`title` always); `deliver` names destinations. `defaults` holds fields for a new task, by their
    contract names; those in `fields` win. `without_contact` takes the place of `defaults` where the
    task is made without its contact because nobody knows the address; None: it is the same.
    `relative` names those of `fields` that are counted from the event: they are for a task that it
    opens or reopens, not for one that is open (decision D15). `update` says what becomes of fields
    that a person changed.
    """

    fields: Mapping[str, Any]
    key: TaskKey | None = None
    version: str | None = None
    on_open: OnOpen = "update"
    on_closed: OnClosed = "new"
    reopen_within_s: int = 7 * 86400
    deliver: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = _NOTHING
    relative: frozenset[str] = frozenset()
    update: Update = "unless_edited"
    without_contact: Mapping[str, Any] | None = None

    @property
    def lasting(self) -> Mapping[str, Any]:
        """The fields that an update of an open task writes."""
        if not self.relative:
            return self.fields
        return {name: value for name, value in self.fields.items() if name not in self.relative}


class CloseTask(NamedTuple):
    """Complete or cancel the open task of a key.

    `reopen_within_s` is how long a closing with a version is remembered where the key has no task.
    """

    how: Literal["complete", "cancel"]
    key: TaskKey
    version: str | None = None
    note: str | None = None
    reopen_within_s: int = 7 * 86400


class Drop(NamedTuple):
    """Do nothing, and say why."""

    reason: str


Action = OpenTask | CloseTask | Drop


class RuleVerdict(NamedTuple):
    """What one rule said of the event, or of one item of its `for_each`.

    `action` is set where it matched and everything could be rendered; `reason` where it is undecided
    or its action was refused (`refused`: the task is not valid, e.g. a blank title). `errors` holds
    everything that is not valid about a refused task, `reason` the first of it. `contact` is whom its
    task is from, also of one that is refused; None if the event names nobody. `notes` say of a new
    task what its rule does not show: an entry of `routing` that is undecided, say.
    """

    rule: str
    at: str
    verdict: Verdict
    item: int | None = None
    action: Action | None = None
    reason: Reason | None = None
    refused: bool = False
    errors: tuple[Reason, ...] = ()
    why: tuple[Step, ...] = ()
    contact: Contact | None = None
    notes: tuple[Reason, ...] = ()


class Deduplication(NamedTuple):
    """The deduplication key of an event and its window in seconds; no key: it is not deduplicated."""

    key: str | None
    within_s: int


class Decision(NamedTuple):
    """All that a set of rules decides about one event.

    `verdicts` holds, in the order of acting, every live rule (and item) that was asked; rules that an
    equality of theirs rules out need not be asked. `undecided` is the reason of the first undecided
    live rule; what is decided is done all the same (decision R2). It may also be that of a
    deduplication key that could not be had: then no rule is asked and nothing is done. `refused` likewise: a refusal does nothing of the
    event. `otherwise` acts through a verdict of its own with the rule name `otherwise`.
    `dropped` gives the reason when nothing is to be done.
    """

    deduplication: Deduplication
    verdicts: tuple[RuleVerdict, ...] = ()
    shadow: tuple[RuleVerdict, ...] = ()
    undecided: Reason | None = None
    refused: Reason | None = None
    dropped: Reason | None = None

    @property
    def actions(self) -> tuple[RuleVerdict, ...]:
        """The verdicts that open or close a task, in order."""
        return tuple(v for v in self.verdicts if isinstance(v.action, OpenTask | CloseTask))
