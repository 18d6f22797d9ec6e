"""Checks that rules give their tasks what the destinations demand, as far as no event can change it.

What is missing would be a final failure of each delivery (decisions V11, V12).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rules.catalogues import Catalogues, Demands
from rules.directory import ONE_OF, Directory, name_of
from rules.document import Node
from rules.model_types import is_template
from rules.problems import Report
from rules.ruleset import Destination

_KINDS: Final = {
    "assignees": "people",
    "followers": "people",
    "labels": "labels",
    "project": "projects",
    "client": "clients",
}
_CLOSINGS: Final = {"complete": "done", "cancel": "cancelled"}
Layers = Sequence[Mapping[str, Node]]
"""What gives a task its fields, those that win first."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A rule with a task: its node, the key of the action, its fields, and where its tasks go."""

    task: Node
    layers: Layers
    goes_to: tuple[str, ...]


def check_demands(
    roots: Sequence[Node],
    destinations: Mapping[str, Destination | None],
    directory: Directory,
    catalogues: Catalogues,
    report: Report,
) -> None:
    """Report what the tasks of connectors lack at the destinations they go to."""
    demanding = {
        name: made(each.config)
        for name, each in destinations.items()
        if each is not None and (made := catalogues.demands.get(each.type)) is not None
    }
    check = _Check(demanding, directory, report)
    for name, demands in demanding.items():
        destination = destinations[name]
        if demands.default_assignee is not None and destination is not None:
            check.default_assignee(name, demands.default_assignee, destination)
    for root in roots:
        check.connector(root)


class _Check:
    def __init__(
        self, demands: Mapping[str, Demands], directory: Directory, report: Report
    ) -> None:
        self._demands = demands
        self._directory = directory
        self._report = report
        self._ids: Mapping[str, Mapping[str, Mapping[str, str]]] = {
            "people": {name: each.ids for name, each in directory.people.items()},
            "projects": {name: each.ids for name, each in directory.projects.items()},
            "clients": directory.clients,
            "labels": directory.labels,
            "statuses": {each.id: each.ids for each in directory.statuses},
        }

    def default_assignee(self, name: str, person: str, destination: Destination) -> None:
        """Report a stand-in who has no id there."""
        if name not in self._ids_of("people", person):
            self._report.add(
                "R044",
                destination.span,
                f"`default_assignee`: the person `{person[:80]}` has no id at `{name}`",
                hint=_how_to_add(name),
                severity="warning",
            )

    def connector(self, root: Node) -> None:
        """Check the rules of a connector."""
        places = list(_places(root))
        for place in places:
            for name in place.goes_to:
                demands = self._demands.get(name)
                if demands is not None:
                    self._check_ids(place, name, demands)
                    self._check_assignee(place, name, demands)
        reached = {name for place in places for name in place.goes_to}
        wanting = [n for n in self._demands if n in reached and "status" in self._demands[n].ids]
        for node in _rules(root):
            for action, kind in _CLOSINGS.items():
                if action in node.entries:
                    self._check_closing(node.key(action), kind, wanting)

    def _check_ids(self, place: _Place, name: str, demands: Demands) -> None:
        for field, kind in _KINDS.items():
            node = _first(place.layers, field) if field in demands.ids else None
            if node is None:
                continue
            for member in node.items if node.kind == "sequence" else [node]:
                word = str(member.value)
                if member.value is None or is_template(member.value):
                    continue
                if name_of(self._directory.known, kind, word) is None:
                    continue  # that is another problem
                if name not in self._ids_of(kind, word):
                    self._report.add(
                        "R044",
                        member.span,
                        f"the {ONE_OF[kind]} `{word[:80]}` has no id at `{name}`",
                        hint=_how_to_add(name),
                    )

    def _check_assignee(self, place: _Place, name: str, demands: Demands) -> None:
        if not demands.assignee or demands.default_assignee is not None:
            return
        assignees, project = (_first(place.layers, field) for field in ("assignees", "project"))
        if assignees is not None and not (assignees.kind == "sequence" and not assignees.items):
            return
        if project is not None and (
            is_template(project.value) or self._directory.of_project(project.value).get("assignees")
        ):
            return
        routed = self._directory.routing.entries
        if any(entry.fields.get("assignees") or entry.fields.get("project") for entry in routed):
            return
        self._report.add(
            "R044",
            place.task.span,
            f"`{name}` takes no task without an assignee",
            expected="assignees: […]",
            hint="or give the destination a `default_assignee`",
        )

    def _check_closing(self, key: Node, kind: str, wanting: Sequence[str]) -> None:
        status = next((each.id for each in self._directory.statuses if each.kind == kind), kind)
        for name in wanting:
            if name not in self._ids_of("statuses", status):
                self._report.add(
                    "R044",
                    key.span,
                    f"the status `{status}` has no id at `{name}`: tasks cannot be closed there",
                    hint=f"add `ids: {{{name}: …}}` to it in the directory",
                    severity="warning",
                )

    def _ids_of(self, kind: str, word: str) -> Mapping[str, str]:
        known = name_of(self._directory.known, kind, word) or word
        return self._ids[kind].get(known, {})


def _how_to_add(name: str) -> str:
    return f"add `ids: {{{name}: …}}` to it in the directory; `hookyard directory pull {name}` proposes them"


def _places(root: Node) -> Iterator[_Place]:
    """Give each rule of a connector that opens tasks."""
    fixed, defaults = _values(root.get("fixed")), _values(root.get("defaults"))
    for node in _rules(root):
        task = node.get("task")
        if task is None or task.kind != "mapping" or _is_off(node):
            continue
        deliver = node.get("deliver") if "deliver" in node.entries else root.get("deliver")
        yield _Place(node.key("task"), (fixed, _values(task), defaults), _names(deliver))


def _rules(root: Node) -> Iterator[Node]:
    listed, otherwise = root.get("rules"), root.get("otherwise")
    for node in (*(() if listed is None else listed.items), otherwise):
        if node is not None and node.kind == "mapping":
            yield node


def _is_off(node: Node) -> bool:
    mode = node.get("mode")
    return mode is not None and mode.value == "off"


def _values(node: Node | None) -> dict[str, Node]:
    return {} if node is None else dict(node.pairs())


def _names(node: Node | None) -> tuple[str, ...]:
    return () if node is None else tuple(str(item.value) for item in node.items)


def _first(layers: Layers, name: str) -> Node | None:
    """Return the first value that sets a field; null sets nothing."""
    found = (node for layer in layers if (node := layer.get(name)) is not None)
    return next((node for node in found if node.value is not None), None)
