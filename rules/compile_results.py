"""Checks the values that the template of a field has for certain, before any event."""

from __future__ import annotations

from typing import Final

from rules import fields
from rules.directory import check_word
from rules.document import Node
from rules.problems import Report, did_you_mean
from rules.template_results import Result, certain_results
from rules.values import shown, text

_LISTS: Final = frozenset({"assignees", "followers", "labels"})
_UNCHECKED: Final = frozenset({"title", "due_time"})
"""A title may be anything but blank; what a time means is told by the date beside it."""


def check_names(
    name: str, kind: str, field: Node, member: Node, known: fields.Known, report: Report
) -> None:
    """Report names that a template gives and the directory does not list.

    `member` is the template: the field itself, or one of its list.
    """
    wants_list = name in _LISTS and member is field
    for result in certain_results(member):
        value = result.value
        if result.is_member is not wants_list:
            report.add(
                "R013",
                result.span,
                f"`{name}` takes a list" if wants_list else f"`{name}` takes no list here",
                found=shown(value) if wants_list else None,
                expected=f"[{shown(value)}]" if wants_list else shown(value),
            )
        elif isinstance(value, str | int) and not isinstance(value, bool):
            check_word(known, kind, text(value), result.span, report)


def check_values(name: str, field: Node, context: fields.Context, report: Report) -> None:
    """Report values that a template gives and the field cannot have."""
    for result in certain_results(field):
        errors: list[fields.FieldError] = []
        if name not in _UNCHECKED and not result.is_member:
            fields.read_fields({name: result.value}, context, errors)
        for error in errors:
            _report(name, result, error, report)


def _report(name: str, result: Result, error: fields.FieldError, report: Report) -> None:
    if name == "priority":
        report.add(
            "R014",
            result.span,
            "`priority` is not one of the choices",
            found=shown(result.value),
            expected=", ".join(fields.PRIORITIES),
            hint=did_you_mean(str(result.value), fields.PRIORITIES),
        )
        return
    what, _, expected = error.message.removeprefix(f"{name}:").partition("expected ")
    report.add(
        "R013" if error.code == "wrong-type" else "R015",
        result.span,
        what.strip(" ;") or f"`{name}` cannot be read",
        found=shown(result.value),
        expected=expected or ("an IANA name such as Europe/London" if name == "timezone" else None),
    )
