"""The directory: people, clients, projects, labels, statuses and task types that rules may name.

A kind of name that no file lists is free (decision N9).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from rules.document import Node
from rules.due import DueError, zone_of
from rules.problems import Report, Span, did_you_mean
from rules.routing import Routing

ONE_OF: Final = {
    "people": "person",
    "clients": "client",
    "projects": "project",
    "labels": "label",
    "statuses": "status",
    "task_types": "task type",
}
_SHOWN: Final = 12


@dataclass(frozen=True, slots=True)
class Person:
    """A person: name and address as written, ids by destination."""

    name: str | None = None
    email: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Project:
    """A project: whose it is, and who gets its tasks unless a rule says."""

    client: str | None = None
    assignees: tuple[str, ...] = ()
    ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    """A status: `kind` is initial, in_progress, done or cancelled."""

    id: str
    kind: str
    ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Directory:
    """All directory files together.

    `known` holds, per kind of name that is listed, what may be written and the name it stands for;
    a person's e-mail address in lower case stands for the person.
    """

    known: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    people: Mapping[str, Person] = field(default_factory=dict)
    projects: Mapping[str, Project] = field(default_factory=dict)
    clients: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Ids by destination, of each client."""
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Ids by destination, of each label."""
    statuses: tuple[Status, ...] = ()
    task_types: tuple[str, ...] = ()
    timezone: str | None = None
    holidays: tuple[date, ...] = ()
    """Sorted, each once."""
    routing: Routing = field(default_factory=Routing)

    def names(self) -> dict[str, Any]:
        """Return what is listed as JSON, each kind in the order of the files; empty what is not listed.

        `known` and `timezone` are those of rules. Without `statuses` there are the default ones.
        """
        domains: dict[str, list[str]] = {}
        for domain, client in self.routing.domains.items():
            domains.setdefault(client, []).append(domain)
        listed: dict[str, Any] = {
            "people": [
                {"id": key, "name": one.name, "email": one.email, "ids": dict(one.ids)}
                for key, one in self.people.items()
            ],
            "clients": [
                {"id": key, "domains": domains.get(key, []), "ids": dict(ids)}
                for key, ids in self.clients.items()
            ],
            "projects": [
                {
                    "id": key,
                    "client": one.client,
                    "assignees": list(one.assignees),
                    "ids": dict(one.ids),
                }
                for key, one in self.projects.items()
            ],
            "labels": [{"id": key, "ids": dict(ids)} for key, ids in self.labels.items()],
            "statuses": [
                {"id": one.id, "kind": one.kind, "ids": dict(one.ids)} for one in self.statuses
            ],
            "task_types": [{"id": key} for key in self.task_types],
            "known": {kind: dict(words) for kind, words in self.known.items()},
            "timezone": self.timezone,
            "holidays": [day.isoformat() for day in self.holidays],
        }
        return {name: value for name, value in listed.items() if value}

    def of_project(self, name: Any) -> Mapping[str, Any]:
        """Return the fields that are set with a project (decision N7)."""
        project = self.projects.get(name) if isinstance(name, str) else None
        if project is None:
            return {}
        fields = {"client": project.client, "assignees": list(project.assignees)}
        return {name: value for name, value in fields.items() if value}


def name_of(known: Mapping[str, Mapping[str, str]], kind: str, word: str) -> str | None:
    """Return the name a word stands for, itself if its kind is free; None if it is unknown."""
    names = known.get(kind)
    if names is None:
        return word
    return names.get(word) or names.get(word.lower() if "@" in word else word)


def check_name(
    known: Mapping[str, Mapping[str, str]], kind: str, node: Node, report: Report
) -> None:
    """Report a name that the directory does not list; a kind it does not list is free."""
    if node.value is not None:
        check_word(known, kind, str(node.value), node.span, report)


def check_word(
    known: Mapping[str, Mapping[str, str]], kind: str, word: str, span: Span, report: Report
) -> None:
    """Report a name at a place, as `check_name` does."""
    if name_of(known, kind, word) is not None or report.has_inside(span):
        return
    names = known[kind]
    hint = did_you_mean(word, names)
    few = ", ".join(sorted(set(names.values()))) if len(names) <= _SHOWN else None
    report.add(
        "R023",
        span,
        f"the directory lists no {ONE_OF[kind]} `{word[:80]}`",
        expected=None if hint else few,
        hint=hint,
    )


def check_zone(node: Node, report: Report) -> bool:
    """Report a text that is not the name of a time zone; tell whether it is one."""
    try:
        zone_of(str(node.value))
    except DueError as error:
        report.add("R015", node.span, str(error), expected="an IANA name such as Europe/London")
        return False
    return True
