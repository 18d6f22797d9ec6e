"""Compiles directory files: merges them, and checks that they fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

from rules.compile_routing import compile_routing
from rules.contact import DOMAIN_EXAMPLE, is_address, is_domain
from rules.directory import (
    ONE_OF,
    Directory,
    Person,
    Project,
    Status,
    check_name,
    check_zone,
    name_of,
)
from rules.document import Node
from rules.due import DueError, read_day
from rules.due_mistakes import hint_for
from rules.problems import Report, did_you_mean
from rules.shape import found

_MAPPINGS: Final = ("people", "clients", "projects", "labels")


def compile_directory(
    roots: Sequence[Node], destinations: Mapping[str, Any] | None, report: Report
) -> Directory:
    """Merge and check the `directory:` of all files.

    `destinations` are those that ids may be for; None if they are not all known.
    """
    bodies = [body for root in roots if (body := root.get("directory")) is not None]
    listed = {kind: _merged(bodies, kind, report) for kind in _MAPPINGS}
    statuses = list(_once(bodies, "statuses", report))
    types = list(_once(bodies, "task_types", report))
    known = _known(bodies, listed, statuses, types, report)
    _check_projects(listed["projects"], known, report)
    for node in [*(n for nodes in listed.values() for n in nodes.values()), *statuses]:
        _check_ids(node, destinations, report)
    directory = Directory(
        known=known,
        people={
            name: Person(_text(node, "name"), _text(node, "email"), _ids(node))
            for name, node in listed["people"].items()
        },
        projects={
            name: Project(_text(node, "client"), _people(node, known), _ids(node))
            for name, node in listed["projects"].items()
        },
        clients={name: _ids(node) for name, node in listed["clients"].items()},
        labels={name: _ids(node) for name, node in listed["labels"].items()},
        statuses=tuple(
            Status(_text(node, "id") or "", _text(node, "kind") or "", _ids(node))
            for node in statuses
        ),
        task_types=tuple(str(node.value) for node in types),
        timezone=_timezone(bodies, report),
        holidays=tuple(sorted(set(_holidays(bodies, report)))),
    )
    domains = _domains(listed["clients"], report)
    return replace(directory, routing=compile_routing(bodies, directory, domains, report))


def _merged(bodies: Sequence[Node], kind: str, report: Report) -> dict[str, Node]:
    merged: dict[str, Node] = {}
    for body in bodies:
        for name, node in _pairs(body, kind):
            if name in merged:
                place = body.entries[kind].value.key(name)
                _taken(place, ONE_OF[kind], name, merged[name], report)
            else:
                merged[name] = node
    return merged


def _pairs(body: Node, kind: str) -> Iterator[tuple[str, Node]]:
    listed = body.get(kind)
    return iter(()) if listed is None else listed.pairs()


def _once(bodies: Sequence[Node], kind: str, report: Report) -> Iterator[Node]:
    """Give the members of a list over all files; a name that comes twice is a problem."""
    seen: dict[str, Node] = {}
    for body in bodies:
        listed = body.get(kind)
        for node in () if listed is None else listed.items:
            named = node.get("id") if kind == "statuses" else node
            if named is None or not named.is_text:
                continue
            if named.value in seen:
                _taken(named, ONE_OF[kind], named.value, seen[named.value], report)
                continue
            seen[named.value] = named
            yield node


def _taken(place: Node, what: str, name: str, first: Node, report: Report) -> None:
    report.add(
        "R020",
        place.span,
        f"the {what} `{name}` is there already",
        hint=f"the first is at {first.span}",
    )


def _known(
    bodies: Sequence[Node],
    listed: Mapping[str, Mapping[str, Node]],
    statuses: Sequence[Node],
    types: Sequence[Node],
    report: Report,
) -> dict[str, dict[str, str]]:
    present = {kind for body in bodies for kind in body.entries}
    known: dict[str, dict[str, str]] = {
        kind: {name: name for name in listed[kind]} for kind in _MAPPINGS if kind in present
    }
    if "statuses" in present:
        known["statuses"] = {name: name for node in statuses if (name := _text(node, "id"))}
    if "task_types" in present:
        known["task_types"] = {str(node.value): str(node.value) for node in types}
    opened = [node for body in bodies if (node := body.get("labels_open")) is not None]
    if any(node.value is True for node in opened):
        known.pop("labels", None)
    if "people" in known:
        _add_addresses(listed["people"], known["people"], report)
    return known


def _add_addresses(people: Mapping[str, Node], known: dict[str, str], report: Report) -> None:
    for name, person in people.items():
        node = person.get("email")
        if node is None or not node.is_text:
            continue
        address = node.value.strip().lower()
        if not is_address(address):
            report.add("R015", node.span, "this is no e-mail address", found=f'"{node.value[:80]}"')
        elif known.setdefault(address, name) != name:
            _taken(node, "address", node.value, people[known[address]], report)


def _domains(clients: Mapping[str, Node], report: Report) -> dict[str, str]:
    """Return the client of each domain, in small letters (decision N6)."""
    known: dict[str, str] = {}
    places: dict[str, Node] = {}
    for name, client in clients.items():
        listed = client.get("domains")
        for node in () if listed is None else listed.items:
            if not node.is_text:
                continue
            domain = node.value.strip().lower()
            if not is_domain(domain):
                report.add(
                    "R015",
                    node.span,
                    "this is no domain",
                    found=found(node),
                    expected=DOMAIN_EXAMPLE,
                )
            elif known.setdefault(domain, name) != name:
                _taken(node, "domain", node.value, places[domain], report)
            else:
                places.setdefault(domain, node)
    return known


def _check_projects(
    projects: Mapping[str, Node], known: Mapping[str, Mapping[str, str]], report: Report
) -> None:
    for project in projects.values():
        client, assignees = project.get("client"), project.get("assignees")
        if client is not None and client.is_text:
            check_name(known, "clients", client, report)
        for person in () if assignees is None else assignees.items:
            check_name(known, "people", person, report)


def _check_ids(node: Node, destinations: Mapping[str, Any] | None, report: Report) -> None:
    ids = node.get("ids")
    if ids is None or destinations is None:
        return
    for name in ids.entries:
        if name not in destinations:
            report.add(
                "R023",
                ids.key(name).span,
                f"there is no destination `{name}`",
                expected=", ".join(destinations) or "none is defined",
                hint=did_you_mean(name, destinations),
            )


def _timezone(bodies: Sequence[Node], report: Report) -> str | None:
    found: str | None = None
    for body in bodies:
        node = body.get("timezone")
        if node is None or not node.is_text:
            continue
        if found is not None and found != node.value:
            report.add("R024", node.span, f"another file has the time zone {found}")
            continue
        if check_zone(node, report):
            found = node.value
    return found


def _holidays(bodies: Sequence[Node], report: Report) -> Iterator[date]:
    for body in bodies:
        listed = body.get("holidays")
        for node in () if listed is None else listed.items:
            if not node.is_text:
                continue
            try:
                yield read_day(node.value)
            except DueError:
                report.add(
                    "R015",
                    node.span,
                    "this is no date",
                    found=found(node),
                    expected="a date such as 2026-12-25",
                    hint=hint_for("holidays", node.value),
                )


def _text(node: Node, key: str) -> str | None:
    inner = node.get(key)
    return None if inner is None or not inner.is_text else str(inner.value)


def _people(node: Node, known: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    inner = node.get("assignees")
    words = () if inner is None else tuple(str(item.value) for item in inner.items)
    return tuple(name_of(known, "people", word) or word for word in words)


def _ids(node: Node) -> dict[str, str]:
    ids = node.get("ids")
    return {} if ids is None else {name: str(inner.value) for name, inner in ids.pairs()}
