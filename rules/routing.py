"""What a new task gets that neither its rule nor its connector gives it (decisions N5-N7).

In this order: its project's client and assignees, the client whose domain the contact's address is
of, and what the first entry of the directory's `routing` that matches sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from rules.conditions import Condition
from rules.contact import domain_of
from rules.decision import Contact, Reason
from rules.fields import FieldError
from rules.scope import CONTACT, Scope
from rules.values import shown

INFERRED: Final = ("client", "project", "assignees")
"""The fields of a task that are inferred."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of `routing`; `at` is where it stands. Without `when` it always matches."""

    at: str
    fields: Mapping[str, Any]
    when: Condition | None = None


@dataclass(frozen=True)
class Routing:
    """The directory, as far as it gives tasks to somebody.

    `projects` holds the fields that are set with a project, by its name, `domains` the client of each
    domain, in small letters.
    """

    entries: tuple[Entry, ...] = ()
    domains: Mapping[str, str] = field(default_factory=dict)
    projects: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @cached_property
    def says_anything(self) -> bool:
        """Whether a task may get something from it."""
        return bool(self.entries or self.domains or self.projects)

    def client_of(self, project: Any) -> str | None:
        """Return the client a project belongs to; None if it belongs to none, or is not listed."""
        fields = self.projects.get(project)
        client: str | None = None if fields is None else fields.get("client")
        return client

    def take_client(
        self, found: dict[str, Any], defaults: Mapping[str, Any], errors: list[FieldError]
    ) -> None:
        """Set the client with the project, and refuse another one (decision N7).

        `found` is what the rule and the connector's `fixed` give: a project among them brings its client
        also to a task that is there already.
        """
        project = found.get("project") or defaults.get("project")
        owner = self.client_of(project)
        if owner is None:
            return
        client = found.get("client") or defaults.get("client")
        if client not in {None, owner}:
            message = f"the project {shown(project)} belongs to {shown(owner)}, not {shown(client)}"
            errors.append(FieldError("client", "not-the-projects", message))
        elif "project" in found:
            found["client"] = owner

    def infer(
        self, given: Mapping[str, Any], contact: Contact | None, notes: list[Reason]
    ) -> dict[str, Any]:
        """Return the fields that a task gets beside those it was given; what is to be said goes to `notes`."""
        inferred: dict[str, Any] = {}
        project = given.get("project")
        if project is not None:
            _add(self.projects.get(project), given, inferred)
        if contact is not None and contact.email is not None and _lacks("client", given, inferred):
            client = self.domains.get(domain_of(contact.email))
            if client is not None:
                inferred["client"] = client
        if self.entries and any(_lacks(name, given, inferred) for name in INFERRED):
            self._route(given, contact, inferred, notes)
        return inferred

    def _route(
        self,
        given: Mapping[str, Any],
        contact: Contact | None,
        inferred: dict[str, Any],
        notes: list[Reason],
    ) -> None:
        entry = self._entry(contact, notes)
        if entry is None:
            return
        project = entry.fields.get("project")
        if project is None or not _lacks("project", given, inferred):
            _add(entry.fields, given, inferred)
            return
        owner, client = self.client_of(project), given.get("client") or inferred.get("client")
        if owner is not None and client not in {None, owner}:
            message = f"the project {project} was left out: it is {owner}'s, the task is {client}'s"
            notes.append(Reason("routing", message, entry.at))
            rest = {name: value for name, value in entry.fields.items() if name != "project"}
            _add(rest, given, inferred)
            return
        _add(entry.fields, given, inferred)
        _add(self.projects.get(project), given, inferred)

    def _entry(self, contact: Contact | None, notes: list[Reason]) -> Entry | None:
        """Return the first entry that matches; one that is undecided does not, and is noted."""
        scope: Scope | None = None
        for entry in self.entries:
            if entry.when is None:
                return entry
            scope = scope or _scope(contact)
            answer = entry.when.test(scope)
            if answer:
                return entry
            if answer is None:
                notes.append(_undecided(entry.at, entry.when, scope))
        return None


def _lacks(name: str, given: Mapping[str, Any], inferred: Mapping[str, Any]) -> bool:
    return name not in given and name not in inferred


def _add(
    more: Mapping[str, Any] | None, given: Mapping[str, Any], inferred: dict[str, Any]
) -> None:
    for name, value in (more or {}).items():
        if name not in given:
            inferred.setdefault(name, value)


def _scope(contact: Contact | None) -> Scope:
    """Return what conditions of `routing` see: of a contact that is not there, nothing."""
    if contact is None:
        return Scope({CONTACT: {}})
    parts = ("email", "phone", "external_id", "name")
    said = {part: getattr(contact, part) for part in parts}
    return Scope({CONTACT: {part: value for part, value in said.items() if value is not None}})


def _undecided(at: str, condition: Condition, scope: Scope) -> Reason:
    reasons = (f"{step.text}: {step.reason}" for step in condition.trace(scope) if step.reason)
    message = f"an entry of `routing` is undecided: {next(reasons, 'its condition')}"
    return Reason("routing", message, at)
