"""Text and JSON that any database can hold: no NUL, no lone surrogates (decision P4)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from router.core import jsonio

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\ufffd"
_DECODER = json.JSONDecoder(parse_float=Decimal)


def storable(value: Any) -> Any:
    """Return a value whose texts can be stored: NUL and lone surrogates become U+FFFD."""
    if isinstance(value, str):
        return _UNSTORABLE.sub(_REPLACEMENT, value)
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value


def storable_texts(values: list[str | None]) -> list[str | None]:
    """Return a column of texts that can be stored; the same list where all of them can.

    Looks at all of them at once, because next to none ever needs the change.
    """
    joined = "".join(filter(None, values))
    if joined.isascii() and "\x00" not in joined:
        return values
    return values if not _UNSTORABLE.search(joined) else [storable(value) for value in values]


def json_text(value: Any) -> str:
    """Return a value as JSON text that can be stored; fractions keep their digits."""
    try:
        written = jsonio.dumps(value)
    except TypeError:
        return jsonio.dumps(storable(value))
    return jsonio.dumps(storable(value)) if "\\u0000" in written else written


def json_texts(values: Iterable[Any]) -> list[str | None]:
    """Return a column of JSON texts; None stays SQL's null."""
    return [json_text(value) if value else _empty_json(value) for value in values]


def _empty_json(value: Any) -> str | None:
    """Return the text of what is empty, as most lists and mappings are; of None there is none."""
    if value is None:
        return None
    return "[]" if value == [] else json_text(value)


def json_value(written: str) -> Any:
    """Return what a stored JSON text says: `jsonio.loads` without the checks, for what we wrote."""
    if written == "[]":
        return []
    return {} if written == "{}" else _DECODER.decode(written)
