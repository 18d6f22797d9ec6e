"""Exact and bounded calculation for templates.

Whole numbers stay whole, fractions are `Decimal`. `+`, `-` and `*` keep all digits (up to 4,000),
a division keeps 50. A text or a list can be joined with its like and a text repeated.
"""

from __future__ import annotations

import operator as python
from collections.abc import Callable
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Any, Final

from rules.scope import RenderError
from rules.values import Number, shown

MAX_DIGITS: Final = 4_000
_MAX_BITS = 13_287  # 10 ** 4000 needs one more
_MAX_EXPONENT = 1_000
_MAX_REPEATED = 10_000
_TRAPS = [InvalidOperation, DivisionByZero, Overflow]
EXACT: Final = Context(prec=MAX_DIGITS, traps=_TRAPS)
QUOTIENT: Final = Context(prec=50, traps=_TRAPS)

_WHOLE: dict[str, Callable[[int, int], int]] = {
    "+": python.add,
    "-": python.sub,
    "*": python.mul,
    "//": python.floordiv,
    "%": python.mod,
}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "gt": python.gt,
    "gteq": python.ge,
    "lt": python.lt,
    "lteq": python.le,
}


def exact_number(value: Any) -> Number:
    """Return a value that is a number; a text that spells one is none here.

    Raises:
        RenderError: It is not a number.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
        raise RenderError(f"{shown(value)} is not a number; `| number` reads one from a text")
    if isinstance(value, float):
        return Decimal(repr(value))
    return value


def calculate(operator: str, left: Any, right: Any) -> Number:
    """Apply an arithmetic operator of Python's to two numbers.

    Raises:
        RenderError: One is no number, or the result is beyond the bounds.
        ArithmeticError: There is no result.
    """
    ours, theirs = exact_number(left), exact_number(right)
    if operator == "**":
        return _power(ours, theirs)
    if isinstance(ours, int) and isinstance(theirs, int) and operator in _WHOLE:
        return bounded(_WHOLE[operator](ours, theirs))
    first, second = Decimal(ours), Decimal(theirs)
    match operator:
        case "+":
            return EXACT.add(first, second)
        case "-":
            return EXACT.subtract(first, second)
        case "*":
            return EXACT.multiply(first, second)
        case "/":
            even = _whole_if_even(ours, theirs)
            return QUOTIENT.divide(first, second) if even is None else even
        case "//":
            return _floor(first, second)
        case _:
            return EXACT.subtract(first, EXACT.multiply(_floor(first, second), second))


def _floor(first: Decimal, second: Decimal) -> Decimal:
    # `Decimal` rounds towards zero; whole numbers, and so fractions too, take the floor.
    quotient = EXACT.divide_int(first, second)
    exact = EXACT.multiply(quotient, second) == first
    negative = (first < 0) != (second < 0)
    return quotient if exact or not negative else EXACT.subtract(quotient, Decimal(1))


def _whole_if_even(left: Number, right: Number) -> int | None:
    if isinstance(left, int) and isinstance(right, int) and right and not left % right:
        return left // right
    return None


def _power(base: Number, exponent: Number) -> Number:
    if not isinstance(exponent, int) or abs(exponent) > _MAX_EXPONENT:
        raise RenderError(f"a power has a whole exponent of at most {_MAX_EXPONENT}")
    if isinstance(base, int) and exponent >= 0:
        if base.bit_length() * exponent > _MAX_BITS:
            raise RenderError(f"a number has at most {MAX_DIGITS} digits")
        return int(base**exponent)
    return QUOTIENT.power(Decimal(base), exponent)


def bounded(value: int) -> int:
    """Return a whole number within the bounds.

    Raises:
        RenderError: It has too many digits.
    """
    if value.bit_length() > _MAX_BITS:
        raise RenderError(f"a number has at most {MAX_DIGITS} digits")
    return value


def sequence(operator: str, left: Any, right: Any) -> Any:
    """Join two texts or two lists, or repeat a text.

    Raises:
        RenderError: The operator does not go with these values, or the result is too long.
    """
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right
    if operator == "+" and isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return [*left, *right]
    if operator == "*" and isinstance(left, str) and type(right) is int:
        if len(left) * right > _MAX_REPEATED:
            raise RenderError(f"a repeated text has at most {_MAX_REPEATED} characters")
        return left * right
    hint = "; `~` joins texts" if operator == "+" else ""
    raise RenderError(f"`{operator}` does not go with {shown(left)} and {shown(right)}{hint}")


def ordered(operator: str, left: Any, right: Any) -> bool:
    """Compare two numbers or two texts (`gt`, `gteq`, `lt`, `lteq`).

    Raises:
        RenderError: They have no order.
    """
    if isinstance(left, str) and isinstance(right, str):
        return _ORDER[operator](left, right)
    if isinstance(left, str) or isinstance(right, str):
        hint = "; `| number` reads a number from a text"
        raise RenderError(f"{shown(left)} and {shown(right)} have no order{hint}")
    return _ORDER[operator](exact_number(left), exact_number(right))
