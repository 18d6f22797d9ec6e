"""From what pydantic has against a value to problems at their places in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rules.document import Node, Step
from rules.models import ConnectorModel, RuleModel, TaskModel
from rules.problems import CODES, Report, Span, did_you_mean
from rules.values import shown

_LEVELS: Final = {
    **dict.fromkeys(TaskModel.model_fields, "it belongs under `task`"),
    **dict.fromkeys(RuleModel.model_fields, "it belongs in a rule"),
    **dict.fromkeys(ConnectorModel.model_fields, "it belongs at the top of the file"),
    **dict.fromkeys(("version", "description", "deliver")),
    "key": "it belongs under `task`, `complete` or `cancel`",
}
"""Where a key of connector files belongs, if there is one such place."""

Model = TypeVar("Model", bound=BaseModel)

_TYPES: Final = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_BOOLEANS: Final = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_KEY: Final = "[key]"
_SECRETS: Final = "secrets"
_QUOTED = re.compile("'([^']*)'")


@dataclass(frozen=True, slots=True)
class _Issue:
    """One of pydantic's errors: its place as far as the file has it, and what is left of it."""

    error: ErrorDetails
    path: tuple[Step, ...]
    rest: tuple[Step, ...]


def check_shape(
    model: type[Model], node: Node, report: Report, *, private: bool = False
) -> Model | None:
    """Return the value of a node as `model`; None, with problems, if it has another shape.

    `private` says that its texts may be secrets pasted by mistake: problems then do not show them.
    """
    try:
        return model.model_validate(node.value)
    except ValidationError as error:
        issues = [_placed(each, node) for each in error.errors(include_url=False)]
    for issue in _without_doubles(issues):
        if not _is_beside_the_point(issue, issues):
            _report(issue, model, node, report, private=private)
    return None


def _without_doubles(issues: Sequence[_Issue]) -> Iterator[_Issue]:
    """Give the issues; of several forms that all have the wrong type, the last one speaks."""
    last = {issue.path: at for at, issue in enumerate(issues) if issue.error["type"] in _TYPES}
    for at, issue in enumerate(issues):
        if issue.error["type"] not in _TYPES or last[issue.path] == at:
            yield issue


def _placed(error: ErrorDetails, root: Node) -> _Issue:
    """Follow an error's location through the file; pydantic puts the names of its choices between."""
    node = root
    path: list[Step] = []
    rest: list[Step] = []
    for step in error["loc"]:
        inner = _child(node, step)
        if inner is None:
            rest.append(step)
        else:
            path.append(step)
            node = inner
    return _Issue(error, tuple(path), tuple(rest))


def _child(node: Node, step: Step) -> Node | None:
    if isinstance(step, str):
        return node.get(step)
    return node.items[step] if step < len(node.items) else None


def _is_beside_the_point(issue: _Issue, issues: Sequence[_Issue]) -> bool:
    """Tell whether it only says that another of several forms was not meant either."""
    if not issue.rest or issue.error["type"] in {"missing", "extra_forbidden"}:
        return False
    return any(
        other.path[: len(issue.path)] == issue.path and _is_deeper(other, issue) for other in issues
    )


def _is_deeper(other: _Issue, issue: _Issue) -> bool:
    return len(other.path) > len(issue.path) or other.error["type"] == "missing"


def _report(
    issue: _Issue, model: type[BaseModel], root: Node, report: Report, *, private: bool
) -> None:
    error, kind = issue.error, issue.error["type"]
    node = node_at(root, issue.path)
    context = error.get("ctx", {})
    subject = _subject(issue.path)
    private = private or kind == "R022" or _SECRETS in issue.path
    if kind == "extra_forbidden":
        unknown_key(root, issue.path, known_keys(model, issue.path[:-1]), report)
    elif kind == "missing":
        _missing(issue, known_keys(model, issue.path), root, report)
    elif issue.rest[-1:] == (_KEY,):
        _bad_key(issue, root, report)
    elif report.has_inside(node.span):
        return
    elif kind in _TYPES:
        report.add(
            "R013",
            node.span,
            f"{subject} has the wrong type",
            found=found(node, private=private),
            expected=_TYPES[kind],
            hint=_boolean_hint(node) if kind.startswith("bool") else None,
        )
    elif kind == "literal_error":
        expected = str(context["expected"])
        wrong_choice(node, subject, _QUOTED.findall(expected) or [expected], report)
    else:
        report.add(
            kind if kind in CODES else "R015",
            node.span,
            _message(error["msg"], subject),
            found=found(node, private=private),
            expected=context.get("expected"),
            hint=context.get("hint"),
        )


def _missing(issue: _Issue, known: Sequence[str], root: Node, report: Report) -> None:
    """Report a key that is not there, unless it is there with a slip of the pen."""
    name = str(issue.error["loc"][-1])
    unknown = [key for key in node_at(root, issue.path).entries if key not in known]
    if not any(did_you_mean(key, [name]) for key in unknown):
        place = owner_span(root, issue.path)
        report.add("R012", place, f"`{name}` is missing", expected=f"{name}: …")


def _bad_key(issue: _Issue, root: Node, report: Report) -> None:
    owner, name = node_at(root, issue.path[:-1]), str(issue.path[-1])
    key = owner.key(name) if name in owner.entries else owner
    report.add("R015", key.span, _message(issue.error["msg"], f"`{name}`"), found=name)


def _boolean_hint(node: Node) -> str | None:
    word = _BOOLEANS.get(node.value) if node.is_text else None
    return None if word is None else f"write {word}"


def wrong_choice(node: Node, subject: str, choices: Sequence[str], report: Report) -> None:
    """Report a value that is not one of the choices there are."""
    report.add(
        "R014",
        node.span,
        f"{subject} is not one of the choices",
        found=found(node),
        expected=", ".join(choices),
        hint=did_you_mean(node.value, choices) if node.is_text else None,
    )


def unknown_key(root: Node, path: Sequence[Step], known: Sequence[str], report: Report) -> None:
    """Report a key that its mapping may not have."""
    name = str(path[-1])
    hint = did_you_mean(name, known)
    expected = None if hint else ", ".join(known) or "no key at all"
    if hint is None and "connector" in root.entries:
        hint = _LEVELS.get(name)
    report.add(
        "R011",
        node_at(root, path[:-1]).key(name).span,
        f"there is no key `{name}` here",
        expected=expected,
        hint=hint,
    )


def found(node: Node, *, private: bool = False) -> str:
    """Return what a problem says it found: a scalar as written, of others only what they are."""
    if node.kind != "scalar":
        return "a list" if node.kind == "sequence" else "a mapping"
    if private and node.is_text:
        return f"a text of {len(node.value)} characters"
    if private and isinstance(node.value, int | Decimal) and not isinstance(node.value, bool):
        return "a number"
    return shown(node.value)


def node_at(root: Node, path: Sequence[Step]) -> Node:
    """Return the node at a path that is there."""
    for step in path:
        root = root.items[step] if isinstance(step, int) else root.entries[step].value
    return root


def owner_span(root: Node, path: Sequence[Step]) -> Span:
    """Return the place that stands for a whole mapping: its key, else its own first key."""
    if path and isinstance(path[-1], str):
        return node_at(root, path[:-1]).key(path[-1]).span
    node = node_at(root, path)
    first = next(iter(node.entries.values()), None)
    return node.span if first is None else first.key.span


def known_keys(model: type[BaseModel], path: Sequence[Step]) -> list[str]:
    """Return the keys a model knows at a path, in the order they are declared."""
    inner: type[BaseModel] | None = model
    annotation: Any = model
    for step in path:
        fields = {} if inner is None else _aliases(inner)
        annotation = fields[step] if step in fields else _member(annotation)
        inner = _model_in(annotation)
    return [] if inner is None else [str(name) for name in _aliases(inner)]


def _aliases(model: type[BaseModel]) -> Mapping[Step, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _member(annotation: Any) -> Any:
    """Return what the members of a list or mapping are."""
    for choice in (annotation, *get_args(annotation)):
        if getattr(choice, "__origin__", None) in {list, tuple, dict}:
            return next(arg for arg in reversed(get_args(choice)) if arg is not Ellipsis)
    return None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for choice in (annotation, *get_args(annotation)):
        if isinstance(choice, type) and issubclass(choice, BaseModel):
            return choice
    return None


def _subject(path: Sequence[Step]) -> str:
    return f"`{path[-1]}`" if path and isinstance(path[-1], str) else "this"


def _message(words: str, subject: str) -> str:
    """Return a validator's words; those that start with *this is* name the key instead."""
    words = words.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if words.startswith("this is "):
        words = words.replace("this", subject, 1)
    return words[:1].lower() + words[1:]
