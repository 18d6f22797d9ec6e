"""Compiles the directory's `routing`: who gets the tasks that nothing else gives to anybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rules.compile_project import check_project
from rules.conditions import compile_condition
from rules.directory import Directory, check_name, name_of
from rules.document import Node
from rules.problems import Report
from rules.routing import Entry, Routing
from rules.scope import ScopeSpec

_KINDS: Final = {"client": "clients", "project": "projects", "assignees": "people"}


def compile_routing(
    bodies: Sequence[Node], directory: Directory, domains: Mapping[str, str], report: Report
) -> Routing:
    """Return what the directory gives to tasks; `domains` are those of its clients."""
    return Routing(
        entries=tuple(_entries(bodies, directory, report)),
        domains=domains,
        projects={name: directory.of_project(name) for name in directory.projects},
    )


def _entries(bodies: Sequence[Node], directory: Directory, report: Report) -> Iterator[Entry]:
    for body in bodies:
        listed = body.get("routing")
        for node in () if listed is None else listed.items:
            sets = node.get("set")
            fields = {} if sets is None else _fields(sets, directory, report)
            own = {} if sets is None else dict(sets.pairs())
            check_project([own], own, directory, report)
            when = node.get("when")
            condition = (
                None if when is None else compile_condition(when, report, ScopeSpec.of_routing())
            )
            if when is None or condition is not None:
                yield Entry(str(node.span), fields, condition)


def _fields(node: Node, directory: Directory, report: Report) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, value in node.pairs():
        kind = _KINDS.get(key)
        if kind is None or value.value is None:
            continue
        members = value.items if value.kind == "sequence" else [value]
        for member in members:
            check_name(directory.known, kind, member, report)
        names = [name_of(directory.known, kind, str(member.value)) for member in members]
        if key == "assignees":
            fields[key] = list(dict.fromkeys(names))
        elif names:
            fields[key] = names[0]
    return fields
