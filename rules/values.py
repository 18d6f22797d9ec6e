"""JSON values as rules treat them: what is a number, what a value reads as in a text, what is equal.

A value is what a JSON text can hold: None, bool, int, `Decimal` (a fraction, with the digits it came
with), str, list and dict. Floats, which only code makes, are read as the number they print as.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import orjson

Number = int | Decimal
TypeName = Literal["string", "number", "boolean", "array", "object", "null"]

MAX_TEXT = 1_000_000
"""The most characters a text made by rules may have."""

_NUMERIC = re.compile(
    r"\s*[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?\s*", re.ASCII
)
_INTEGRAL = re.compile(r"\s*[+-]?[0-9]+\s*", re.ASCII)
_MAX_NUMERIC = 4_000
_LAST_S = 32_503_680_000
"""The year 3000: no event comes later, nor before 1970."""
_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:)(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEAP_SECOND = "60"
_MAX_HOURS = 23
_MAX_MINUTES = 59
_MAX_INT_BITS = 63
_BAD_CHARACTER = re.compile("[\x00\ud800-\udfff]")


def number(value: Any) -> Number | None:
    """Return the number a value is or, as a text, spells (decision C6); None if it is neither."""
    kind = type(value)
    if kind is int or kind is Decimal:
        return value  # type: ignore[no-any-return]  # narrowed by its exact type, which mypy does not follow
    if kind is str:
        return _numeric_text(value)
    if kind is float:
        return _from_float(value)
    return None


def _numeric_text(text: str) -> Number | None:
    if len(text) > _MAX_NUMERIC or _NUMERIC.fullmatch(text) is None:
        return None
    return int(text) if _INTEGRAL.fullmatch(text) else Decimal(text.strip())


def _from_float(value: float) -> Decimal | None:
    exact = Decimal(repr(value))
    return exact if exact.is_finite() else None


def text(value: Any) -> str:
    """Return what a value reads as inside a text (decision T3).

    Null is empty, booleans are `true` and `false`, numbers keep their digits, lists and mappings
    are JSON.

    Raises:
        TypeError: It is no JSON value.
    """
    if type(value) is str:
        return value
    if value is None:
        return ""
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int | Decimal | float):
        return str(value)
    if isinstance(value, list | dict | tuple):
        return json_text(value)
    raise TypeError(f"{type(value).__name__} is no value a text can hold")


def shown(value: Any, most: int = 80) -> str:
    """Return a value as messages show it: as JSON has it, a long one cut."""
    words = (
        f'"{value[:most]}"' if isinstance(value, str) else "null" if value is None else text(value)
    )
    return words if len(words) <= most else f"{words[: most - 1]}…"


def json_text(value: Any) -> str:
    """Return a value as compact JSON; numbers keep their digits.

    Raises:
        TypeError: It holds what JSON cannot.
    """
    try:
        return orjson.dumps(value, default=_fragment).decode()
    except (TypeError, UnicodeEncodeError):
        # Integers beyond 64 bits, lone surrogates, keys that are no text: put in a form orjson takes.
        return orjson.dumps(_writable(value), default=_fragment).decode()


def _fragment(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value).encode())
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _writable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(text(key)): _writable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(item) for item in value]
    if type(value) is int and value.bit_length() > _MAX_INT_BITS:
        return orjson.Fragment(str(value).encode())
    return value


def storable(words: str) -> str:
    """Return a text without what databases cannot hold: NUL and lone surrogates become U+FFFD."""
    if words.isascii() and "\x00" not in words:
        return words
    return _BAD_CHARACTER.sub("\ufffd", words)


def type_name(value: Any) -> TypeName:
    """Return the JSON Schema name of a value's type (`number` for every number)."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    if isinstance(value, int | Decimal | float):
        return "number"
    return "object" if isinstance(value, dict) else "array"


def json_equal(left: Any, right: Any) -> bool:
    """Compare as JSON values (decision C5): 5 is 5.0 but neither "5" nor true."""
    if type(left) is str or type(right) is str:
        return type(left) is type(right) and bool(left == right)
    if left is None or right is None or isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict):
        return (
            isinstance(right, dict)
            and left.keys() == right.keys()
            and all(json_equal(item, right[key]) for key, item in left.items())
        )
    if isinstance(left, list | tuple):
        return (
            isinstance(right, list | tuple)
            and len(left) == len(right)
            and all(map(json_equal, left, right))
        )
    ours, theirs = number(left), number(right)
    return ours is not None and ours == theirs


def scalar_key(value: Any) -> Hashable | None:
    """Return what is the same for two scalars exactly if `json_equal` holds; None for others."""
    kind = type(value)
    if kind is str or kind is int:
        return value  # type: ignore[no-any-return]  # narrowed by its exact type, which mypy does not follow
    if value is None or kind is bool:
        return (value,)
    return number(value)


def is_integer(value: Any) -> bool:
    """Tell whether a value is a number without a fraction, as JSON Schema has it (5.0 is one)."""
    if isinstance(value, bool):
        return False
    if isinstance(value, float):
        return value.is_integer()
    if isinstance(value, Decimal):
        return value.is_finite() and value == value.to_integral_value()
    return isinstance(value, int)


def instant(value: Any) -> Fraction | None:
    """Return the seconds since the epoch of an RFC 3339 date and time, exactly; None if it is none."""
    if type(value) is not str:
        return None
    found = _INSTANT.fullmatch(value)
    if found is None:
        return None
    day, minutes, seconds, fraction, _, sign, offset_h, offset_m = found.groups()
    leap = seconds == _LEAP_SECOND
    try:
        moment = datetime.fromisoformat(f"{day}T{minutes}{'59' if leap else seconds}+00:00")
    except ValueError:
        return None
    offset = timedelta()
    if sign is not None:
        if int(offset_h) > _MAX_HOURS or int(offset_m) > _MAX_MINUTES:
            return None
        offset = timedelta(hours=int(offset_h), minutes=int(offset_m))
    elapsed = moment - _EPOCH - (-offset if sign == "-" else offset)
    whole = elapsed.days * 86_400 + elapsed.seconds + leap
    if fraction is None:
        return Fraction(whole)
    return whole + Fraction(int(fraction[:_MAX_NUMERIC]), 10 ** len(fraction[:_MAX_NUMERIC]))


def instant_ms(words: str) -> int | None:
    """Return when an event is said to come, in milliseconds since the epoch; None if that is no such time."""
    seconds = instant(words)
    return None if seconds is None or not 0 <= seconds < _LAST_S else int(seconds * 1000)


def version_order(given: str | None, held: str | None) -> int:
    """Compare the version an event gives with the one a task holds (decision K4).

    Returns:
        -1 if the given one is older, 0 if they are equal, 1 if it is newer; without a version on
        either side, or with versions of different kinds, it is newer.
    """
    if given is None or held is None:
        return 1
    ours, theirs = number(given), number(held)
    if ours is not None and theirs is not None:
        return (ours > theirs) - (ours < theirs)
    at, then = instant(given), instant(held)
    if at is not None and then is not None:
        return (at > then) - (at < then)
    if (ours is None, at is None) != (theirs is None, then is None):
        return 1
    return (given > held) - (given < held)
