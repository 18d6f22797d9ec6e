"""What the task API asks of whoever can read the fields of a task.

The receiver never imports the rules: the command that composes the process hands their reader in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from router.core.errors import HookyardError
from router.core.names import Names
from router.core.store.schema import Row

Given = Mapping[str, Any]
"""Fields by their contract names, as a client gives them; of `null` there is nothing."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that is wrong with a field: its name, a stable code and a sentence."""

    field: str
    code: str
    message: str


class NotValidError(HookyardError):
    """A task may not have these fields; `mistakes` are all that is wrong with them."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__(mistakes[0].message)
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom a task is from: an e-mail address as it is written, a number, an id elsewhere, and a name.

    `identifiers` and `address` are those of the store's contacts.
    """

    email: str | None
    name: str | None
    phone: str | None
    external_id: str | None
    identifiers: Sequence[tuple[str, str]]
    address: str


class Reader(Protocol):
    """Reads what a client gives; raises NotValidError. Phrases such as `tomorrow` count from `now`."""

    def new(self, given: Given, whom: Whom | None, names: Names, now: datetime) -> Row:
        """Return the columns of a new task, all but those that say who made it and when."""

    def changes(self, given: Given, row: Row, names: Names, now: datetime) -> Row:
        """Return the columns that a merge patch sets of a task."""

    def whom(self, given: Given) -> Whom:
        """Return whom `contact: {email, phone, external_id, name}` names."""

    def first_status(self, kind: str, names: Names) -> str:
        """Return the status that tasks of a kind have first."""

    def note(self, words: str) -> str:
        """Return a note that can be kept."""
