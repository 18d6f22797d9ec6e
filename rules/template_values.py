"""Values of rules, compiled: each renders to a JSON value for the scope of an event.

What is nothing but text and plain paths is put together without Jinja, with the same result (a
property test holds the two against each other).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from jinja2 import nodes
from jinja2.exceptions import TemplateError, UndefinedError
from jinja2.runtime import Context, Undefined

from rules.filters import FILTERS, TESTS
from rules.paths import MISSING, Path
from rules.scope import RenderError, Scope
from rules.template_env import RulesContext, RulesEnvironment, compile_tree
from rules.template_meter import charge, metered, size
from rules.values import MAX_TEXT, text

ENVIRONMENT: Final = RulesEnvironment(FILTERS, TESTS)
"""One for all templates: it holds no state but compiled code."""

RESULT: Final = "result"
"""The name under which a compiled expression leaves its result."""

_EXPECTED = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError)


class Value(ABC):
    """A value of a rule. `variables` names the `vars` it uses."""

    __slots__ = ("at", "variables")

    def __init__(self, at: str | None = None, used: frozenset[str] = frozenset()) -> None:
        self.at = at
        self.variables = used

    @abstractmethod
    def render(self, scope: Scope) -> Any:
        """Return the JSON value it has for an event.

        Raises:
            RenderError: It cannot be had; says why.
        """


class Constant(Value):
    """The same for every event."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value

    def render(self, scope: Scope) -> Any:  # noqa: ARG002  the same for every scope
        """Return it."""
        return self.value


class PathValue(Value):
    """One path: whatever type it leads to."""

    __slots__ = ("path",)

    def __init__(self, path: Path, at: str, used: frozenset[str]) -> None:
        super().__init__(at, used)
        self.path = path

    def render(self, scope: Scope) -> Any:
        """Return what the path leads to."""
        found = self.path.get(scope)
        if found is MISSING:
            raise RenderError(f"{self.path.text} is not there", code="undefined", at=self.at)
        return bounded(found, self.at) if type(found) is str else found


class TextValue(Value):
    """Text with plain paths in it."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[str | Path, ...], at: str, used: frozenset[str]) -> None:
        super().__init__(at, used)
        self.parts = parts

    def render(self, scope: Scope) -> str:
        """Return the text."""
        written = []
        for part in self.parts:
            if type(part) is str:
                written.append(part)
                continue
            found = part.get(scope)  # type: ignore[union-attr]  # what is no text is a path
            if found is MISSING:
                reason = f"{part.text} is not there"  # type: ignore[union-attr]  # as above
                raise RenderError(reason, code="undefined", at=self.at)
            written.append(found if type(found) is str else text(found))
        return bounded("".join(written), self.at)


class MeteredValue(Value):
    """A value that filters and code take part in: bounded, and its errors are those of a template."""

    __slots__ = ()

    def render(self, scope: Scope) -> Any:
        """Return the result of the template."""
        try:
            with metered():
                return self._evaluate(scope)
        except RenderError as error:
            error.at = error.at or self.at
            raise
        except UndefinedError as error:
            raise RenderError(str(error), code="undefined", at=self.at) from None
        except _EXPECTED as error:
            raise RenderError(str(error) or type(error).__name__, at=self.at) from None

    @abstractmethod
    def _evaluate(self, scope: Scope) -> Any:
        """Return the result, or raise whatever goes wrong."""


class _Compiled(MeteredValue):
    """What Jinja renders."""

    __slots__ = ("_root",)

    def __init__(self, tree: nodes.Template, at: str, used: frozenset[str]) -> None:
        super().__init__(at, used)
        self._root: Callable[[Context], Iterator[str]] = compile_tree(ENVIRONMENT, tree)

    def _evaluate(self, scope: Scope) -> Any:
        return self._result(RulesContext(ENVIRONMENT, scope.roots))

    @abstractmethod
    def _result(self, context: RulesContext) -> Any:
        """Run the code and return what comes of it."""


class ExpressionValue(_Compiled):
    """One expression: its result keeps its type."""

    __slots__ = ()

    def _result(self, context: RulesContext) -> Any:
        list(self._root(context))  # runs it: it keeps its result and writes nothing
        return plain_result(context.vars[RESULT])


class TemplateValue(_Compiled):
    """A text with expressions and statements in it."""

    __slots__ = ()

    def _result(self, context: RulesContext) -> str:
        written, length = [], 0
        for piece in self._root(context):
            written.append(piece)
            length += len(piece)
            if length > MAX_TEXT:
                break
        return bounded("".join(written), self.at)


class ListValue(Value):
    """A list of values."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Value, ...]) -> None:
        super().__init__(None, frozenset().union(*(item.variables for item in items)))
        self.items = items

    def render(self, scope: Scope) -> list[Any]:
        """Return the list."""
        return [item.render(scope) for item in self.items]


class MappingValue(Value):
    """A mapping of values; its keys are as written."""

    __slots__ = ("entries",)

    def __init__(self, entries: Mapping[str, Value]) -> None:
        super().__init__(None, frozenset().union(*(item.variables for item in entries.values())))
        self.entries = tuple(entries.items())

    def render(self, scope: Scope) -> dict[str, Any]:
        """Return the mapping."""
        return {key: item.render(scope) for key, item in self.entries}


def plain_result(value: Any) -> Any:
    """Return a result as a JSON value."""
    charge(size(value))
    if isinstance(value, str):
        return bounded(value)
    if value is None or isinstance(value, bool | int | Decimal | float):
        return value
    if isinstance(value, Undefined):
        str(value)  # raises what is missing
    if isinstance(value, list | tuple):
        return [plain_result(item) for item in value]
    if isinstance(value, dict):
        return {text(key): plain_result(item) for key, item in value.items()}
    raise RenderError(f"the result is {type(value).__name__}, which is no value")


def bounded(written: str, at: str | None = None) -> str:
    """Return a text that is not too long.

    Raises:
        RenderError: It is.
    """
    if len(written) > MAX_TEXT:
        raise RenderError(f"a text has at most {MAX_TEXT} characters", at=at)
    return written
