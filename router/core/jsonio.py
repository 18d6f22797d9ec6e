"""JSON, exactly: numbers keep their digits, bad input is refused, never guessed at.

Webhook bodies are read by RFC 8259 to the letter: UTF-8, no NaN, no Infinity, at most
`MAX_DEPTH` levels and `MAX_DIGITS` digits a number. Integers of any size stay integers,
fractions become `Decimal` with the digits they came with, and are written that way.
"""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import orjson

MAX_DEPTH = 100
MAX_DIGITS = 4000

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NOT_OPENING = bytes(set(range(256)) - set(b"[{"))
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_LONG_NUMBER = re.compile(rb"[0-9][0-9.]{%d,}" % MAX_DIGITS)
_SURROGATE = re.compile("[\ud800-\udfff]")


class UnparseableError(ValueError):
    """The body is not JSON as RFC 8259 defines it, or beyond the bounds."""


def check(body: bytes) -> None:
    """Check that a body is JSON within the bounds, without keeping what it says.

    Raises:
        UnparseableError: It is not; the message says why and where.
    """
    _check_bounds(body)
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        # orjson also refuses lone surrogates and huge numbers, which JSON allows.
        loads(body)


def loads(body: bytes | str) -> Any:
    """Return what a JSON text says; an empty text is null.

    Lone surrogates and NUL become U+FFFD in the result, so that any database can hold it.

    Raises:
        UnparseableError: It is not JSON within the bounds; the message says why and where.
    """
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    if not raw.strip():
        return None
    _check_bounds(raw)
    try:
        value = _DECODER.decode(raw.removeprefix(BOM_UTF8).decode())
    except UnicodeDecodeError as error:
        raise UnparseableError(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise UnparseableError(f"{error.msg} at line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise UnparseableError(f"more than {MAX_DEPTH} levels deep") from None
    # A single byte is found many times as fast as two; most bodies have no backslash at all.
    if (b"\\" in raw and b"\\u" in raw) or b"\x00" in raw:
        return _clean(value)
    return value


def dumps(value: Any) -> str:
    """Return a value as JSON text; `Decimal` is written as a number with its digits."""
    return dump_bytes(value).decode()


def dump_bytes(value: Any) -> bytes:
    """Return a value as JSON in UTF-8; see `dumps`."""
    try:
        return orjson.dumps(value, default=_fragment)
    except TypeError:
        # An integer beyond 64 bits: orjson wants it as text of its own.
        return orjson.dumps(_wrap_large(value), default=_fragment)


def _fragment(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value).encode())
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _wrap_large(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _wrap_large(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_wrap_large(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 63:  # noqa: PLR2004  what orjson writes itself
        return orjson.Fragment(str(value).encode())
    return value


def _decimal(digits: str) -> Decimal:
    try:
        return Decimal(digits)
    except InvalidOperation:
        raise UnparseableError("a number's exponent is too large") from None


def _refuse_constant(name: str) -> NoReturn:
    raise UnparseableError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_float=_decimal, parse_constant=_refuse_constant)


def _check_bounds(body: bytes) -> None:
    opening = len(body.translate(None, _NOT_OPENING))  # one pass, where counting takes two
    if opening > MAX_DEPTH and _depth_exceeds(body):
        raise UnparseableError(f"more than {MAX_DEPTH} levels deep")
    if len(body) > MAX_DIGITS and _has_long_number(body):
        raise UnparseableError(f"a number has more than {MAX_DIGITS} digits")


def _depth_exceeds(body: bytes) -> bool:
    """Tell whether brackets nest deeper than the bound; each pass takes the innermost level away."""
    brackets = _STRING.sub(b"", body).translate(_ONE_KIND, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        shorter = brackets.replace(b"[]", b"")
        if len(shorter) == len(brackets):
            return False  # not balanced: the parser will say so
        brackets = shorter
    return bool(brackets)


def _has_long_number(body: bytes) -> bool:
    if not _LONG_NUMBER.search(body):
        return False
    found = _LONG_NUMBER.search(_STRING.sub(b'""', body))
    return found is not None and len(found[0].replace(b".", b"")) > MAX_DIGITS


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value).replace("\x00", "\ufffd")
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value
