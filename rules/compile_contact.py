"""Compiles a connector's `contact:`, and what is made of it: the contact of an event."""

from __future__ import annotations

from rules.compiled import ContactSource
from rules.contact import is_address
from rules.document import Node
from rules.models import ConnectorModel
from rules.problems import Report
from rules.scope import CONTACT, ScopeSpec
from rules.shape import found
from rules.template import Constant, Value, compile_value

PARTS = ("email", "name")
_EXAMPLE = 'email: "{{ body.email }}"'


def compile_contact(
    root: Node, shape: ConnectorModel | None, spec: ScopeSpec, report: Report
) -> ContactSource | None:
    """Return how the contact of an event is had; None if the connector has none, or with problems."""
    node = root.get(CONTACT)
    if node is None:
        return None
    if node.value is None:
        place = root.key(CONTACT).span
        report.add("R034", place, "`contact` is empty", expected=f"contact: {{{_EXAMPLE}}}")
    parts = {
        name: compile_value(part, part.span, report, spec)
        for name in PARTS
        if (part := node.get(name)) is not None
    }
    if "email" not in parts:
        return None
    _check_email(node, parts["email"], report)
    given = None if shape is None else shape.contact
    return ContactSource(parts, "create" if given is None else given.unknown)


def _check_email(contact: Node, email: Value, report: Report) -> None:
    """Report an address that is the same for every event and is none."""
    node = contact.entries["email"].value
    if not isinstance(email, Constant) or report.has_inside(node.span):
        return
    words = str("" if email.value is None else email.value).strip()
    if not words:
        place = contact.key("email").span
        report.add("R034", place, "the contact has no address", expected=_EXAMPLE)
    elif not is_address(words):
        hint = "a value of the event is written in braces: `{{ … }}`"
        report.add("R015", node.span, "this is no e-mail address", found=found(node), hint=hint)
