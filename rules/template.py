"""Compiles values of rules that may be templates.

A text that is one expression keeps the type of its result; several expressions, or text around
one, make a text; so do statements (decisions T4, T5, T11).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError

from rules.document import Node
from rules.paths import Path, path_text
from rules.problems import Report, Span, did_you_mean
from rules.scope import RenderError, Scope, ScopeSpec
from rules.template_check import Issue, issues, locate, variables
from rules.template_code import static_path
from rules.template_pipes import Part, Pipe, PipedText, PipeValue, pipe_of
from rules.template_values import (
    ENVIRONMENT,
    RESULT,
    Constant,
    ExpressionValue,
    ListValue,
    MappingValue,
    PathValue,
    TemplateValue,
    TextValue,
    Value,
)

__all__ = [
    "Constant",
    "RenderError",
    "Value",
    "compile_expression",
    "compile_text",
    "compile_value",
]

_MARKS = ("{{", "{%", "{#")
_OPEN, _CLOSE = "{{ ", " }}"
_TOO_DEEP = "the template is nested too deeply"
_NOTHING: Final = Scope({})


def compile_value(value: Any, span: Span, report: Report, spec: ScopeSpec) -> Value:
    """Compile a YAML value whose texts may be templates.

    `value` is a node of a document, so that problems inside it have their own place, or a plain
    value. Problems are added to `report`; the result then stands for null.
    """
    if isinstance(value, Node):
        return _compile_node(value, report, spec)
    if isinstance(value, str):
        return compile_text(value, span, report, spec)
    if isinstance(value, list | tuple):
        return _list([compile_value(item, span, report, spec) for item in value])
    if isinstance(value, Mapping):
        return _mapping({k: compile_value(item, span, report, spec) for k, item in value.items()})
    return Constant(Decimal(repr(value)) if isinstance(value, float) else value)


def _compile_node(node: Node, report: Report, spec: ScopeSpec) -> Value:
    if node.kind == "sequence":
        return _list([_compile_node(item, report, spec) for item in node.items])
    if node.kind == "mapping":
        return _mapping({key: _compile_node(item, report, spec) for key, item in node.pairs()})
    if node.is_text:
        return compile_text(node.value, node, report, spec)
    return Constant(node.value)


def _list(items: list[Value]) -> Value:
    if all(isinstance(item, Constant) for item in items):
        return Constant([item.render(_NOTHING) for item in items])
    return ListValue(tuple(items))


def _mapping(entries: dict[str, Value]) -> Value:
    if all(isinstance(item, Constant) for item in entries.values()):
        return Constant({key: item.render(_NOTHING) for key, item in entries.items()})
    return MappingValue(entries)


def compile_text(source: str, where: Span | Node, report: Report, spec: ScopeSpec) -> Value:
    """Compile a text that may be a template; one line break at its very end does not count.

    `where` is the node the text comes from, or the place to report problems at.
    """
    source = source.removesuffix("\n")
    if not any(mark in source for mark in _MARKS):
        return Constant(source)
    tree = _checked(source, where, report, spec)
    return Constant(None) if tree is None else _compiled(tree, where, report, spec)


def compile_expression(
    source: str, where: Span | Node, report: Report, spec: ScopeSpec
) -> Value | None:
    """Compile a condition written as a text: an expression, with or without braces around it.

    None, and a problem in the report, if it is none.
    """
    braced = source.lstrip().startswith("{{")
    inner = source if braced else f"{_OPEN}{source}{_CLOSE}"
    tree = _checked(inner, where, report, spec, shift=0 if braced else len(_OPEN))
    if tree is None:
        return None
    if _single_expression(tree) is None:
        report.add("R060", _span(where), "a condition is one expression", found=source.strip())
        return None
    return _compiled(tree, where, report, spec)


def _checked(
    source: str, where: Span | Node, report: Report, spec: ScopeSpec, *, shift: int = 0
) -> nodes.Template | None:
    tree: nodes.Template | None = None
    try:
        tree = ENVIRONMENT.parse(source)
        found = issues(tree, spec)
    except TemplateSyntaxError as error:
        found = [Issue("R060", error.message or "it cannot be read", "", error.lineno)]
    except RecursionError:
        found = [Issue("R060", _TOO_DEEP, "", 1)]
    except ValueError:
        # The one value Jinja's lexer cannot make is a whole number of more than 4,300 digits.
        found = [Issue("R060", "the number is too large", "", 1)]
    for issue in found:
        start, end = locate(source, issue)
        place = where if isinstance(where, Span) else where.locate(start - shift, end - shift)
        hint = issue.hint or did_you_mean(issue.word, issue.known)
        expected = ", ".join(issue.known) if issue.known and hint is None else None
        report.add(issue.code, place, issue.message, expected=expected, hint=hint)
    return None if found else tree


def _span(where: Span | Node) -> Span:
    return where if isinstance(where, Span) else where.span


def _compiled(tree: nodes.Template, where: Span | Node, report: Report, spec: ScopeSpec) -> Value:
    at, used = str(_span(where)), variables(tree)
    single = _single_expression(tree)
    if single is not None:
        path = _plain_path(single, spec)
        if path is not None:
            return PathValue(path, at, used)
        pipe = pipe_of(single, lambda node: _plain_path(node, spec))
        if pipe is not None:
            return PipeValue(pipe, at, used)
    elif (parts := _plain_parts(tree, spec)) is not None:
        if any(isinstance(part, Pipe) for part in parts):
            return PipedText(parts, at, used)
        return TextValue(tuple(part for part in parts if not isinstance(part, Pipe)), at, used)
    try:
        if single is None:
            return TemplateValue(tree, at, used)
        return ExpressionValue(_result_of(single), at, used)
    except (SyntaxError, RecursionError, MemoryError):
        report.add("R060", _span(where), _TOO_DEEP)
        return Constant(None)


def _result_of(expression: nodes.Expr) -> nodes.Template:
    whole = nodes.Template([nodes.Assign(nodes.Name(RESULT, "store"), expression)], lineno=1)
    for node in whole.find_all(nodes.Node):
        node.lineno = node.lineno or 1
    whole.set_environment(ENVIRONMENT)
    return whole


def _single_expression(tree: nodes.Template) -> nodes.Expr | None:
    if len(tree.body) != 1 or not isinstance(tree.body[0], nodes.Output):
        return None
    found = [
        node
        for node in tree.body[0].nodes
        if not (isinstance(node, nodes.TemplateData) and not node.data.strip())
    ]
    if len(found) != 1 or isinstance(found[0], nodes.TemplateData):
        return None
    return found[0]


def _plain_parts(tree: nodes.Template, spec: ScopeSpec) -> tuple[Part, ...] | None:
    parts: list[Part] = []
    for output in tree.body:
        if not isinstance(output, nodes.Output):
            return None
        for node in output.nodes:
            if isinstance(node, nodes.TemplateData):
                parts.append(node.data)
                continue
            part = _plain_path(node, spec) or pipe_of(node, lambda inner: _plain_path(inner, spec))
            if part is None:
                return None
            parts.append(part)
    return tuple(parts)


def _plain_path(node: nodes.Node, spec: ScopeSpec) -> Path | None:
    found = static_path(node)
    if found is None or found[0].name not in spec.roots:
        return None
    root, keys = found
    return Path(root.name, keys, path_text(root.name, keys))
