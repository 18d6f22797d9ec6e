"""The Jinja2 environment of rules: sandboxed, strict, exact, and bounded in work and output.

It differs from Jinja's own in these points, each decided in the rule language:

- a dot or a bracket reads keys and positions of the payload only, never an attribute or a method;
- a path is followed as a whole: wherever it breaks off, the result is undefined and `default()`
  answers it;
- numbers are exact: fractions are `Decimal`, also those written in the template;
- `~` and output write null as nothing, booleans as `true`/`false`, lists and mappings as JSON;
- `==` and `in` compare as JSON does: `1` is neither `true` nor `"1"`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from jinja2 import StrictUndefined, Template, nodes
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from rules import arithmetic
from rules.paths import MISSING, Key, step
from rules.scope import RenderError
from rules.template_code import Generator
from rules.template_lexer import RulesLexer
from rules.template_meter import ELEMENT, TURN, charge, deep_size, size
from rules.values import json_equal, shown, text

EACH: Final = "_hookyard_each"
"""The filter through which every loop gets its items; templates cannot name it."""
LOOP_KEYS: Final = frozenset(
    [
        "index",
        "index0",
        "revindex",
        "revindex0",
        "first",
        "last",
        "length",
        "previtem",
        "nextitem",
        "depth",
        "depth0",
    ]
)
LOOP_CALLS: Final = frozenset({"cycle", "changed"})


class Broken(StrictUndefined):
    """A path that leads nowhere: an error wherever it is used, save by `default()` and `is defined`."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        return self._undefined_hint or f"{self._undefined_name} is not there"


class RulesEnvironment(ImmutableSandboxedEnvironment):
    """See the module."""

    code_generator_class = Generator
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    intercepted_unops = frozenset({"+", "-"})

    def __init__(
        self, filters: Mapping[str, Callable[..., Any]], tests: Mapping[str, Callable[..., Any]]
    ) -> None:
        super().__init__(
            undefined=Broken,
            finalize=written,
            optimized=False,
            autoescape=False,
            cache_size=0,
        )
        self.globals = {"range": bounded_range}
        self.filters = {**filters, EACH: each}
        self.tests = dict(tests)
        self.shared_eval_context = EvalContext(self, None)
        self._lexer = RulesLexer(self)

    @property
    def lexer(self) -> RulesLexer:
        """What takes templates apart."""
        return self._lexer

    @staticmethod
    def exact(digits: str) -> Decimal:
        """Return a fraction written in a template."""
        return Decimal(digits)

    def walk(self, value: Any, keys: tuple[Key, ...], words: str) -> Any:
        """Follow a path from a value; what breaks off is undefined, whatever comes after."""
        start = value
        try:
            for key in keys:
                value = step(value, key)
        except RenderError as error:
            if error.code != "undefined":
                raise
            return Broken(error.reason)
        if value is not MISSING:
            return value
        if isinstance(start, LoopContext) and keys[0] in LOOP_KEYS | LOOP_CALLS:
            return self.walk(getattr(start, str(keys[0])), keys[1:], words)
        return Broken(name=words)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Read a key of a value that is no plain path."""
        return self.walk(obj, (attribute,), f".{attribute}")

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Read a key or a position of a value that is no plain path."""
        settled(argument)
        shown = f"[{argument}]" if isinstance(argument, int) else f".{text(argument)}"
        return self.walk(obj, (argument,), shown)

    def is_safe_callable(self, obj: Any) -> bool:
        """Only `range` and the two calls of `loop` may be made."""
        return obj is bounded_range or (
            isinstance(getattr(obj, "__self__", None), LoopContext) and obj.__name__ in LOOP_CALLS
        )

    def joined(self, parts: tuple[Any, ...]) -> str:
        """Return what `~` makes of its operands."""
        return "".join(map(written, parts))

    def compare(self, operator: str, left: Any, right: Any) -> bool:
        """Compare two values; JSON equality, order among numbers and among texts."""
        settled(left)
        settled(right)
        if operator in {"eq", "ne"}:
            return equal(left, right) is (operator == "eq")
        if operator in {"in", "notin"}:
            return contains(right, left) is (operator == "in")
        return arithmetic.ordered(operator, left, right)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002  Jinja's signature
        """Calculate exactly and within bounds."""
        settled(left)
        settled(right)
        if isinstance(left, str | list | tuple) or isinstance(right, str | list | tuple):
            result = arithmetic.sequence(operator, left, right)
            charge(size(result))
            return result
        return arithmetic.calculate(operator, left, right)

    def call_unop(self, context: Context, operator: str, arg: Any) -> Any:  # noqa: ARG002  Jinja's signature
        """Calculate exactly."""
        return arithmetic.calculate("-" if operator == "-" else "+", 0, settled(arg))


class RulesContext(Context):
    """The names of a scope, given to a compiled template without copying them."""

    def __init__(self, environment: RulesEnvironment, roots: dict[str, Any]) -> None:
        self.environment = environment
        self.parent = roots
        self.vars: dict[str, Any] = {}
        self.exported_vars: set[str] = set()
        self.eval_ctx = environment.shared_eval_context
        self.name = None
        self.blocks = {}
        self.globals_keys = set()

    def resolve_or_missing(self, key: str) -> Any:
        """Return the value of a name."""
        if key in self.parent:
            return self.parent[key]
        return self.environment.globals.get(key, missing)


def settled(value: Any) -> Any:
    """Return a value that is defined.

    Raises:
        UndefinedError: It is not.
    """
    if isinstance(value, Undefined):
        str(value)  # raises what is missing
    return value


def written(value: Any) -> str:
    """Return what a value reads as in the output, and count it."""
    words = text(settled(value))
    charge(len(words))
    return words


def equal(left: Any, right: Any) -> bool:
    """Tell whether two values are equal, and count what it takes to see it."""
    if type(left) is type(right) and isinstance(left, dict | list | tuple | str):
        charge(min(deep_size(left), deep_size(right)))
    return json_equal(left, right)


def contains(container: Any, value: Any) -> bool:
    """Tell whether a list has a value, a mapping a key, or a text a part."""
    charge(size(container))
    if isinstance(container, str):
        if not isinstance(value, str):
            raise RenderError("only a text can be looked for in a text")
        return value in container
    if isinstance(container, dict):
        return isinstance(value, str) and value in container
    if isinstance(container, list | tuple):
        return any(equal(item, value) for item in container)
    raise RenderError(f"`in` looks in lists, mappings and texts, not in {shown(container)}")


def each(value: Any, literal: int) -> list[Any]:
    """Return the items a loop goes through; `literal` is the length of the text in its body."""
    settled(value)
    if not isinstance(value, list | dict | tuple):
        raise RenderError(f"a loop goes through a list or a mapping, not through {shown(value)}")
    charge((TURN + literal) * len(value))
    return list(value)


def bounded_range(*bounds: int) -> list[int]:
    """Return the whole numbers of Python's `range`, at most 10 000 of them."""
    numbers = range(*bounds)
    charge(ELEMENT * len(numbers))
    if len(numbers) > 10_000:  # noqa: PLR2004  as its docstring says
        raise RenderError("a range has at most 10000 numbers")
    return list(numbers)


def compile_tree(
    environment: RulesEnvironment, tree: nodes.Template
) -> Callable[[Context], Iterator[str]]:
    """Return the function a checked syntax tree compiles to."""
    for loop in tree.find_all(nodes.For):
        literal = sum(len(data.data) for data in loop.find_all(nodes.TemplateData))
        each_item = nodes.Filter(
            loop.iter, EACH, [nodes.Const(literal)], [], None, None, lineno=loop.lineno
        )
        each_item.set_environment(environment)
        loop.iter = each_item
    code = environment.compile(tree)
    return Template.from_code(environment, code, {}, None).root_render_func
