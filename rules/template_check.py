"""What is wrong with a template can be seen before any event: names, filters, statements, calls."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Final

from jinja2 import nodes
from jinja2.meta import find_undeclared_variables

from rules.filters import FILTERS, FOREIGN, TESTS, argument_problem
from rules.filters_text import compiled_pattern
from rules.problems import did_you_mean
from rules.scope import LAZY, RenderError, ScopeSpec
from rules.template_code import static_path
from rules.template_env import LOOP_CALLS

STATEMENTS: Final = "if, for and set"
GLOBALS: Final = frozenset({"range"})
_RESERVED = GLOBALS | {"loop"}
_SPECIAL = frozenset({"self", "super", "caller"})
_TEXTUAL = (nodes.Template, nodes.Output, nodes.If, nodes.For, nodes.Assign, nodes.AssignBlock)
_NAMES = {
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "from",
    nodes.Macro: "macro",
    nodes.CallBlock: "call",
    nodes.FilterBlock: "filter",
    nodes.Block: "block",
    nodes.Extends: "extends",
    nodes.With: "with",
    nodes.Scope: "autoescape",
    nodes.ScopedEvalContextModifier: "autoescape",
}
_OF_PATHS = {nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr}
_BRACES = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Issue:
    """A problem of a template; `word` and `line` (from 1) say where it is."""

    code: str
    message: str
    word: str
    line: int | None
    known: tuple[str, ...] = ()
    hint: str | None = None


def issues(tree: nodes.Template, spec: ScopeSpec) -> list[Issue]:
    """Return what is wrong with a template."""
    kinds = {type(node) for node in tree.find_all(nodes.Node)}
    if kinds <= _OF_PATHS:  # most templates: nothing to ask but the names
        return list(_names(tree, spec))
    found = [*_statements(tree), *_filters(tree), *_calls(tree), *_numbers(tree)]
    return found or [*_assignments(tree, spec)] or [*_names(tree, spec)]


def _statements(tree: nodes.Template) -> Iterator[Issue]:
    for node in tree.find_all(nodes.Stmt):
        if not isinstance(node, _TEXTUAL):
            word = _NAMES.get(type(node), type(node).__name__.lower())
            message = f"templates know the statements {STATEMENTS}, not {word}"
            yield Issue("R063", message, word, node.lineno)
        elif isinstance(node, nodes.For) and node.recursive:
            message = "a loop in a template cannot be recursive"
            yield Issue("R063", message, "recursive", node.lineno)


def _filters(tree: nodes.Template) -> Iterator[Issue]:
    called: list[nodes.Filter | nodes.Test] = [*tree.find_all(nodes.Filter)]
    called += tree.find_all(nodes.Test)
    for node in called:
        kind, table = ("filter", FILTERS) if isinstance(node, nodes.Filter) else ("test", TESTS)
        if node.name not in table:
            message = f"there is no {kind} `{node.name}`"
            meant = FOREIGN.get(node.name.lower()) if table is FILTERS else None
            hint = f"did you mean `{meant}`?" if meant else None
            yield Issue("R062", message, node.name, node.lineno, tuple(table), hint)
        elif node.dyn_args is not None or node.dyn_kwargs is not None:
            message = f"the arguments of `{node.name}` have to be written out"
            yield Issue("R062", message, node.name, node.lineno)
        elif isinstance(node, nodes.Filter):
            yield from _arguments(node)


def _arguments(node: nodes.Filter) -> Iterator[Issue]:
    problem = argument_problem(node.name, len(node.args), _keywords(node))
    if problem is not None:
        yield Issue("R062", f"`{node.name}`: {problem}", node.name, node.lineno)
    elif node.name == "regex" and isinstance(node.args[0], nodes.Const):
        try:
            compiled_pattern(str(node.args[0].value))
        except RenderError as error:
            yield Issue("R062", f"`regex`: {error.reason}", node.name, node.lineno)


def _keywords(node: nodes.Filter) -> list[str]:
    return [pair.key for pair in node.iter_child_nodes() if isinstance(pair, nodes.Keyword)]


def _calls(tree: nodes.Template) -> Iterator[Issue]:
    for node in tree.find_all(nodes.Call):
        called = static_path(node.node)
        root, keys = (called[0].name, called[1]) if called else ("", ())
        if root in GLOBALS and not keys and node.dyn_args is None and node.dyn_kwargs is None:
            continue
        if root == "loop" and len(keys) == 1 and keys[0] in LOOP_CALLS:
            continue
        word = str(keys[-1]) if keys else root
        hint = f"write `| {word}`" if word in FILTERS else None
        message = "a template calls nothing but `range`; what to do with a value is a filter"
        yield Issue("R060", message, word, node.lineno, hint=hint)


def _numbers(tree: nodes.Template) -> Iterator[Issue]:
    for node in tree.find_all(nodes.Const):
        if isinstance(node.value, float) and not isfinite(node.value):
            yield Issue("R060", "the number is too large", "", node.lineno)


def _assignments(tree: nodes.Template, spec: ScopeSpec) -> Iterator[Issue]:
    for node in tree.find_all((nodes.Name, nodes.NSRef)):
        if isinstance(node, nodes.NSRef):
            message = "`set` sets a name, not a part of a value"
            yield Issue("R061", message, node.name, node.lineno)
        elif isinstance(node, nodes.Name) and node.ctx == "store" and _is_taken(node.name, spec):
            message = f"`{node.name}` has a meaning already and cannot be set"
            yield Issue("R061", message, node.name, node.lineno)


def _is_taken(name: str, spec: ScopeSpec) -> bool:
    return name in spec.roots | _RESERVED or name.startswith("_")


def _names(tree: nodes.Template, spec: ScopeSpec) -> Iterator[Issue]:
    free = _free(tree)
    for root, keys in _paths(tree):
        name = root.name
        if name in free | _SPECIAL and name not in spec.roots | GLOBALS:
            yield _unknown_root(name, root.lineno, spec)
        elif name in spec.roots:
            known = spec.keys_of(name)
            if known is not None and not keys and name in LAZY:
                which = "of them" if name == "vars" else "of its keys"
                message = f"`{name}` is not a value: name one {which}"
                yield Issue("R061", message, name, root.lineno, known=tuple(sorted(known)))
            elif known is not None and keys and keys[0] not in known:
                path = f"{name}.{keys[0]}"
                yield Issue(
                    "R061",
                    f"there is no `{path}`",
                    str(keys[0]),
                    root.lineno,
                    known=tuple(sorted(known)),
                    hint=spec.absent.get(path),
                )


def _free(tree: nodes.Template) -> set[str]:
    """Return the names a template uses and does not set."""
    if all(isinstance(node, nodes.Output) for node in tree.body):
        return {name.name for name in tree.find_all(nodes.Name)}
    return find_undeclared_variables(tree)


def _unknown_root(name: str, line: int | None, spec: ScopeSpec) -> Issue:
    if name == "item":
        message = "`item` is there only in a rule with `for_each`"
        return Issue("R061", message, name, line)
    message, known = f"there is no `{name}`", tuple(sorted(spec.roots))
    hint = spec.absent.get(name) or (None if did_you_mean(name, known) else spec.meant(name))
    return Issue("R061", message, name, line, known, hint)


def _paths(node: nodes.Node) -> Iterator[tuple[nodes.Name, tuple[str | int, ...]]]:
    """Yield every path of a template as root and keys; the parts of a path are not paths."""
    found = static_path(node)
    if found is not None:
        if found[0].ctx == "load":
            yield found
        return
    for child in node.iter_child_nodes():
        yield from _paths(child)


def variables(tree: nodes.Template) -> frozenset[str]:
    """Return the names of the `vars` a template uses."""
    return frozenset(
        str(keys[0]) for root, keys in _paths(tree) if root.name == "vars" and len(keys) > 0
    )


def locate(source: str, issue: Issue) -> tuple[int, int]:
    """Return from where to where, in characters, an issue is in its source."""
    start_of_line = 0
    for _ in range((issue.line or 1) - 1):
        start_of_line = source.find("\n", start_of_line) + 1
    first: tuple[int, int] | None = None
    for braces in _BRACES.finditer(source):
        if braces.end() <= start_of_line:
            continue
        word = (
            re.search(rf"(?<!\w){re.escape(issue.word)}(?!\w)", braces[0]) if issue.word else None
        )
        if word is not None:
            return braces.start() + word.start(), braces.start() + word.end()
        first = first or braces.span()
    return first or (0, len(source))
