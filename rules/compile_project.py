"""Checks that a task's client is its project's, as far as no event can change either (decision N7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rules.directory import Directory
from rules.document import Node
from rules.model_types import is_template
from rules.problems import Report
from rules.values import shown


def check_project(
    layers: Sequence[Mapping[str, Node]],
    own: Mapping[str, Node],
    directory: Directory,
    report: Report,
) -> None:
    """Report a client that is another than the project's.

    `layers` are what gives a task its fields, those that win first. Nothing is said of a pair that has no
    part among one's `own`: whoever it belongs to is told.
    """
    project, client = _first(layers, "project"), _first(layers, "client")
    if project is None or client is None or not client.is_text or is_template(client.value):
        return
    owner = directory.of_project(project.value).get("client")
    place = next((node for node in (client, project) if node in own.values()), None)
    if owner in {None, client.value} or place is None or report.has_inside(client.span):
        return
    if client in own.values() and project in own.values():
        hint = "leave `client` out: it is set with the project"
    else:
        what, other = ("client", client) if place is project else ("project", project)
        hint = f"the {what} is set on line {other.span.line}"
    report.add(
        "R025",
        place.span,
        f"the project `{project.value}` belongs to `{owner}`",
        found=f"the client {shown(client.value)}",
        hint=hint,
    )


def _first(layers: Sequence[Mapping[str, Node]], name: str) -> Node | None:
    """Return the first value that sets a field; null sets nothing."""
    found = (node for layer in layers if (node := layer.get(name)) is not None)
    return next((node for node in found if node.value is not None), None)
