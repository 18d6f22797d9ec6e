"""Compiles destinations files: each destination has the shape of its type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel

from rules.catalogues import Catalogues
from rules.document import Node
from rules.model_types import is_template
from rules.names import SecretName, is_destination_name
from rules.problems import Report, Span
from rules.ruleset import Destination
from rules.scope import ScopeSpec
from rules.shape import check_shape, found, wrong_choice
from rules.template import compile_value

NAME_FORM = "small letters, digits, `-` and `_`, at most 63, such as `crm`"


def compile_destinations(
    roots: Sequence[Node], catalogues: Catalogues, report: Report
) -> dict[str, Destination | None]:
    """Return the destinations of all files by name; None for one that has problems."""
    compiled: dict[str, Destination | None] = {}
    seen: dict[str, Node] = {}
    for key, node in _entries(roots):
        name = str(key.value)
        if name in seen:
            report.add(
                "R020",
                key.span,
                f"a destination `{name}` is there already",
                hint=f"the first is at {seen[name].span}",
            )
            continue
        seen[name] = key
        if not is_destination_name(name):
            report.add("R021", key.span, "a destination cannot be called so", expected=NAME_FORM)
        compiled[name] = _compile(key, node, catalogues, report)
    return compiled


def _entries(roots: Sequence[Node]) -> Iterator[tuple[Node, Node]]:
    for root in roots:
        yield from root.entries["destinations"].value.entries.values()


def _compile(key: Node, node: Node, catalogues: Catalogues, report: Report) -> Destination | None:
    types = list(catalogues.destinations)
    if node.kind != "mapping":
        report.add(
            "R013",
            node.span if node.value is not None else key.span,
            "a destination is a mapping",
            found=found(node),
            expected="{type: …, …}",
        )
        return None
    kind = node.get("type")
    if kind is None:
        report.add("R012", key.span, "`type` is missing", expected=f"type: {' or '.join(types)}")
        return None
    model = catalogues.destinations.get(kind.value) if kind.is_text else None
    if model is None:
        wrong_choice(kind, "`type`", types, report)
        return None
    config = _config(str(kind.value), model, node, report)
    if config is None:
        return None
    secrets = {name: _place_of(name, node) or key.span for name in _secret_names(config)}
    return Destination(str(key.value), str(kind.value), config, key.span, secrets)


def _config(kind: str, model: type[BaseModel], node: Node, report: Report) -> BaseModel | None:
    """Return the configuration; a problem of a template is placed at the expression."""
    general, exact = Report(), Report()
    config = check_shape(model, node, general, private=True)
    _check_deletion(kind, model, node, exact)
    for text in _texts(node):
        if is_template(text.value) and any(p.span.holds(text.span) for p in general.problems):
            # Whether it sees ids is its type's to say: where it does not, that problem is a general one.
            compile_value(text, text.span, exact, ScopeSpec.of_destination(with_ids=True))
    for problem in general.problems:
        if not any(problem.span.holds(one.span) for one in exact.problems):
            report.keep(problem)
    for problem in exact.problems:
        report.keep(problem)
    return config


def _check_deletion(kind: str, model: type[BaseModel], node: Node, report: Report) -> None:
    """Report that copies are to be deleted where the API has no request for it (V32)."""
    wanted, field = node.get("on_delete"), model.model_fields.get("on_delete")
    if wanted is None or wanted.value != "delete" or field is None:
        return
    if "delete" not in get_args(field.annotation):
        report.add(
            "R045",
            wanted.span,
            f"`{kind}` cannot delete copies: {field.description}",
            expected="on_delete: leave",
        )


def _texts(node: Node) -> Iterator[Node]:
    if node.is_text:
        yield node
    for child in (*(value for _, value in node.pairs()), *node.items):
        yield from _texts(child)


def _secret_names(value: Any) -> Iterator[str]:
    if isinstance(value, SecretName):
        yield str(value)
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secret_names(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secret_names(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _secret_names(item)


def _place_of(name: str, node: Node) -> Span | None:
    return next((text.span for text in _texts(node) if text.value == name), None)
