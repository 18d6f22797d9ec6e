"""Compiles the directory's `routing`: who gets the tasks that nothing else gives to anybody.

Its conditions are about a task's contact. Tasks have none yet, so what each condition says of a
task without one is all there is to know, and it is known when the files are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rules.conditions import compile_condition
from rules.directory import Directory, check_name, name_of
from rules.document import Node
from rules.problems import Report
from rules.scope import Scope, ScopeSpec

_CONTACT: Final = ScopeSpec(
    roots=frozenset({"contact"}), known={"contact": frozenset({"id", "email", "name"})}
)
_KINDS: Final = {"client": "clients", "project": "projects", "assignees": "people"}


def compile_routing(bodies: Sequence[Node], directory: Directory, report: Report) -> dict[str, Any]:
    """Return the fields that the first entry that matches sets, and those of its project."""
    chosen: dict[str, Any] | None = None
    for body in bodies:
        listed = body.get("routing")
        for entry in () if listed is None else listed.items:
            fields = _fields(entry.get("set"), directory, report)
            if _matches(entry.get("when"), report) and chosen is None:
                chosen = fields
    if chosen is None:
        return {}
    return {**directory.of_project(chosen.get("project")), **chosen}


def _matches(when: Node | None, report: Report) -> bool:
    if when is None:
        return True
    condition = compile_condition(when, report, _CONTACT)
    return condition is not None and condition.test(Scope({})) is True


def _fields(node: Node | None, directory: Directory, report: Report) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, value in () if node is None else node.pairs():
        kind = _KINDS.get(key)
        if kind is None:
            continue
        members = value.items if value.kind == "sequence" else [value]
        for member in members:
            check_name(directory.known, kind, member, report)
        names = [name_of(directory.known, kind, str(member.value)) for member in members]
        fields[key] = names if key == "assignees" else names[0] if names else None
    return fields
