"""Checks reminders as far as no event can change them: part by part, each at its place."""

from __future__ import annotations

from rules import fields
from rules.document import Node
from rules.due_mistakes import hint_for
from rules.model_types import is_template
from rules.problems import Report
from rules.shape import found, unknown_key, wrong_choice
from rules.values import text


def check_reminder(node: Node, report: Report) -> None:
    """Report what a reminder may not have; parts that are templates are read when they are rendered."""
    for name, part in node.pairs():
        if name not in fields.REMINDER:
            unknown_key(node, (name,), list(fields.REMINDER), report)
        elif not is_template(part.value):
            _check_part(name, part, report)


def _check_part(name: str, node: Node, report: Report) -> None:
    try:
        fields.REMINDER[name](node.value)
    except fields.FieldError as error:
        if error.code == "not-a-choice":
            wrong_choice(node, f"`{name}`", fields.NOTIFY, report)
            return
        report.add(
            "R015" if node.kind == "scalar" else "R013",
            node.span,
            f"`{name}` cannot be read",
            found=found(node),
            expected=error.message.removeprefix(f"{name} takes "),
            hint=hint_for(name, text(node.value)) if name == "time" else None,
        )
