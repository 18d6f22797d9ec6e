"""What a template can come to for certain: the texts in it that are its result for some event.

`{{ 'jane' if body.vip else 'amir' }}` is one of two names, `{{ body.who | default('jane') }}` may be
one, and `{{ body.team | lookup({'eu': 'jane'}) }}` too. So they can be checked before any event.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from jinja2 import nodes

from rules.document import Node
from rules.problems import Span
from rules.template_check import Issue, locate
from rules.template_values import ENVIRONMENT

_DEFAULTS = frozenset({"default", "d"})
_LOOKUP_AND_DEFAULT = 2


class Result(NamedTuple):
    """A value that a template has for some event: its place, and whether it is one of a list."""

    value: Any
    span: Span
    is_member: bool


def certain_results(node: Node) -> list[Result]:
    """Return what the template of a node comes to for certain, where it is one expression.

    The template has no problem.
    """
    try:
        tree = ENVIRONMENT.parse(node.value)
    except RecursionError:  # it was parsed before, perhaps a few frames nearer to the bottom
        return []
    found = [part for output in tree.body for part in _parts(output)]
    if len(found) != 1:
        return []
    return [
        Result(each.value, _place(node, each), is_member)
        for each, is_member in _results(found[0], is_member=False)
        if each.value is not None
    ]


def _parts(output: nodes.Node) -> list[nodes.Node]:
    """Return what a template writes, without the blanks around it; a statement counts as two."""
    if not isinstance(output, nodes.Output):
        return [output, output]
    return [
        part
        for part in output.nodes
        if not isinstance(part, nodes.TemplateData) or part.data.strip()
    ]


def _results(node: nodes.Node | None, *, is_member: bool) -> Iterator[tuple[nodes.Const, bool]]:
    """Give the constants that an expression may be the value of."""
    if isinstance(node, nodes.Const):
        yield node, is_member
    elif isinstance(node, nodes.CondExpr):
        yield from _results(node.expr1, is_member=is_member)
        yield from _results(node.expr2, is_member=is_member)
    elif isinstance(node, nodes.Or) and not isinstance(node.left, nodes.Const):
        yield from _results(node.right, is_member=is_member)
    elif isinstance(node, nodes.List) and not is_member:
        for item in node.items:
            yield from _results(item, is_member=True)
    elif isinstance(node, nodes.Filter):
        yield from _of_filter(node, is_member=is_member)


def _of_filter(node: nodes.Filter, *, is_member: bool) -> Iterator[tuple[nodes.Const, bool]]:
    if node.name in _DEFAULTS:
        if len(node.args) == 1:  # a second argument answers more than what is not there
            yield from _results(node.node, is_member=is_member)
        for default in node.args[:1] if not isinstance(node.node, nodes.Const) else ():
            yield from _results(default, is_member=is_member)
    elif node.name == "lookup" and node.args and isinstance(node.args[0], nodes.Dict):
        for pair in node.args[0].items:
            yield from _results(pair.value, is_member=is_member)
        for default in node.args[1:_LOOKUP_AND_DEFAULT]:
            yield from _results(default, is_member=is_member)


def _place(node: Node, constant: nodes.Const) -> Span:
    issue = Issue("", "", str(constant.value), constant.lineno)
    return node.locate(*locate(node.value, issue))
