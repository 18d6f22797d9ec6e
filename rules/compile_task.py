"""Compiles a task endpoint: a connector whose payload is a task is one rule by itself (decision S3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from rules.compile_action import FORMS_OF, Surroundings, place_of
from rules.compiled import Connector, ContactSource, Rule, TaskAction
from rules.document import Node
from rules.payload import Payload
from rules.problems import Report
from rules.scope import CONTACT, ScopeSpec
from rules.task_sample import sample_of
from rules.template import compile_value

TASK: Final = "task"
"""The name of the preset, and of the rule that such a connector is."""

_FROM_PAYLOAD: Final = {
    part: f"{{{{ body.contact.{part} | default(none) }}}}"
    for part in ("email", "phone", "external_id", "name")
}
_NAMES_CONTACT = re.compile(r"\bcontact\b")


def is_endpoint(root: Node) -> bool:
    """Tell whether a connector file says that its payloads are tasks."""
    source = root.get("source")
    preset = source if source is None or source.kind != "mapping" else source.get("preset")
    return preset is not None and preset.is_text and preset.value == TASK


def compile_endpoint(root: Node, around: Surroundings) -> tuple[Rule, ...]:
    """Return the one rule of a task endpoint; `rules:` beside it is a problem."""
    rules = root.entries.get("rules")
    if rules is not None:
        around.report.add(
            "R039",
            rules.key.span,
            "`source: task` is one rule by itself, and takes no `rules`",
            hint="remove `rules`; to decide by what a payload says, take `source: {bearer: true}`",
        )
    fixed = {form: name for name in around.fixed for form in FORMS_OF.get(name, (name,))}
    action = TaskAction(fields={}, payload=Payload(fixed, takes_contact=_takes_contact(root)))
    return (Rule(name=TASK, at=place_of(root.key("source").span), action=action),)


def contact_of_payload(root: Node, report: Report, spec: ScopeSpec) -> ContactSource:
    """Return the contact of a task endpoint that says nothing of it: the payload's own (decision S6)."""
    place = root.key("source").span
    parts = {
        name: compile_value(written, place, report, spec) for name, written in _FROM_PAYLOAD.items()
    }
    return ContactSource(parts, "create")


def sample_of_endpoint(connector: Connector, root: Node, around: Surroundings) -> dict[str, Any]:
    """Return an example payload, and the names its fields know, for those who write programs."""
    action = connector.rules[0].action
    payload = action.payload if isinstance(action, TaskAction) else None
    unknown = "create" if connector.contact is None else connector.contact.unknown
    given = {**connector.fixed, **connector.defaults}
    contact = connector.contact if CONTACT in root.entries else None
    asked = ("email",) if contact is None else tuple(contact.parts)
    return sample_of(payload or Payload(), around.directory, given, unknown, asked)


def _takes_contact(root: Node) -> bool:
    """Tell whether the `contact` of a payload is read: by itself, or where the connector names it."""
    given = root.get(CONTACT)
    if given is None:
        return True
    return any(_NAMES_CONTACT.search(words) for words in _texts(given, root.get("vars")))


def _texts(*nodes: Node | None) -> Iterator[str]:
    for node in nodes:
        for _, value in () if node is None else node.pairs():
            if value.is_text:
                yield value.value
