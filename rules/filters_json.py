"""JSON inside a text, as senders have it that put what others say into an envelope of their own."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from rules.scope import RenderError
from rules.template_env import Broken
from rules.values import shown, storable

_MAX_DEPTH: Final = 100


def fromjson(value: Any) -> Any:
    """Return what the JSON in a text says, its numbers exactly; null as it is.

    What is no JSON is undefined, so that `default()` answers it.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise RenderError(f"{shown(value)} is not a text")
    try:
        found = _DECODER.decode(value)
    except (ValueError, RecursionError):
        return Broken(f"{shown(value)} is not JSON")
    if _is_deeper(found, _MAX_DEPTH):
        return Broken(f"the JSON has more than {_MAX_DEPTH} levels")
    return _storable(found)


def _decimal(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        raise ValueError("a number's exponent is too large") from None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_float=_decimal, parse_constant=_refuse)


def _is_deeper(value: Any, levels: int) -> bool:
    layer = [value]
    for _ in range(levels + 1):
        layer = [inner for each in layer for inner in _inside(each)]
    return bool(layer)


def _inside(value: Any) -> list[Any]:
    """Return the members of a list or mapping, and one for it that has none."""
    if isinstance(value, dict):
        return list(value.values()) or [None]
    return value or [None] if isinstance(value, list) else []


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(key): _storable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner) for inner in value]
    return value
