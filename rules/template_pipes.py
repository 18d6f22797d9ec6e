"""Expressions that are a path and filters with constant arguments: `body.items | length`.

They are most of what rules write, and are evaluated without Jinja's code around them: the same filters
are called on the same values, with the same result (a property test holds the two against each other).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import nodes

from rules.paths import MISSING, Path
from rules.scope import RenderError, Scope
from rules.template_env import Broken, written
from rules.template_values import ENVIRONMENT, MeteredValue, bounded, plain_result
from rules.values import text

_CONTEXTUAL: Final = "jinja_pass_arg"
"""What Jinja marks filters with that are given more than values."""


@dataclass(frozen=True, slots=True)
class Pipe:
    """A path, and the filters that what it leads to goes through, each with its arguments."""

    path: Path
    filters: tuple[tuple[Callable[..., Any], tuple[Any, ...]], ...]

    def get(self, scope: Scope) -> Any:
        """Return what comes out; what is not there is undefined until a filter answers it.

        Raises:
            RenderError: A variable cannot be evaluated, or a filter cannot use what it gets.
        """
        try:
            value = self.path.get(scope)
        except RenderError as error:
            if error.code != "undefined":
                raise
            value = Broken(error.reason)
        if value is MISSING:
            value = Broken(name=self.path.text)
        for function, arguments in self.filters:
            value = function(value, *arguments)
        return value


Part = str | Path | Pipe


class PipeValue(MeteredValue):
    """One pipe: its result keeps its type."""

    __slots__ = ("pipe",)

    def __init__(self, pipe: Pipe, at: str, used: frozenset[str]) -> None:
        super().__init__(at, used)
        self.pipe = pipe

    def _evaluate(self, scope: Scope) -> Any:
        return plain_result(self.pipe.get(scope))


class PipedText(MeteredValue):
    """Text with paths and pipes in it."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[Part, ...], at: str, used: frozenset[str]) -> None:
        super().__init__(at, used)
        self.parts = parts

    def _evaluate(self, scope: Scope) -> str:
        pieces = []
        for part in self.parts:
            if type(part) is str:
                pieces.append(part)
            elif type(part) is Pipe:
                pieces.append(written(part.get(scope)))
            else:
                found = part.get(scope)  # type: ignore[union-attr]  # what is neither is a path
                if found is MISSING:
                    raise RenderError(f"{part.text} is not there", code="undefined")  # type: ignore[union-attr]  # as above
                pieces.append(text(found))
        return bounded("".join(pieces), self.at)


def pipe_of(node: nodes.Node, path_of: Callable[[nodes.Node], Path | None]) -> Pipe | None:
    """Return an expression as a pipe; None if it is more than that."""
    filters: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
    while isinstance(node, nodes.Filter):
        function = ENVIRONMENT.filters[node.name]
        arguments = [_constant(argument) for argument in node.args]
        plain = not (node.kwargs or node.dyn_args or node.dyn_kwargs) and None not in arguments
        if not plain or hasattr(function, _CONTEXTUAL) or node.node is None:
            return None
        filters.append((function, tuple(given[0] for given in arguments if given is not None)))
        node = node.node
    path = path_of(node) if filters else None
    return None if path is None else Pipe(path, tuple(reversed(filters)))


def _constant(node: nodes.Expr) -> tuple[Any] | None:
    """Return the value of an argument that is always the same, alone in a tuple."""
    if not isinstance(node, nodes.Const):
        return None
    value = node.value
    return (ENVIRONMENT.exact(str(value)),) if isinstance(value, float) else (value,)
