"""Compiles a connector's `contact:`, and what is made of it: the contact of an event."""

from __future__ import annotations

from rules.compiled import ContactSource
from rules.contact import IDENTIFIERS, is_address, phone_number
from rules.document import Node
from rules.models import ConnectorModel
from rules.problems import Report
from rules.scope import CONTACT, ScopeSpec
from rules.shape import found
from rules.template import Constant, Value, compile_value

PARTS = (*IDENTIFIERS, "name")
_KNOWN_BY = "email, phone or external_id"
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
    if not any(part in parts for part in IDENTIFIERS):
        if node.kind == "mapping" and not report.has_inside(node.span):
            place = root.key(CONTACT).span
            report.add("R034", place, "the contact is known by nothing", expected=_KNOWN_BY)
        return None
    if "email" in parts:
        _check_email(node, parts["email"], report)
    if "phone" in parts:
        _check_phone(node, parts["phone"], report)
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


def _check_phone(contact: Node, phone: Value, report: Report) -> None:
    """Report a number that is the same for every event and is none."""
    node = contact.entries["phone"].value
    if not isinstance(phone, Constant) or report.has_inside(node.span):
        return
    if phone_number(str("" if phone.value is None else phone.value)) is None:
        expected = "a number with its country code, such as +44 20 7946 0018"
        report.add(
            "R015", node.span, "this is no phone number", found=found(node), expected=expected
        )
