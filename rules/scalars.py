"""Scalars of the YAML 1.2 core schema, and where each character of one stands in the file.

In the core schema `no`, `on`, `12:30` and `2026-01-05` are texts. Fractions keep their digits.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FRACTION = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAYBE_NUMBER = frozenset("+-.0123456789")

MAX_DIGITS: Final = 400
"""The most characters a number may have."""
_MAX_EXPONENT: Final = 400

_BLANK: Final = frozenset(" \t\r\n")
_ESCAPED_BLANK: Final = frozenset("nrt \t\n")
_CODE_LENGTH: Final = {"x": 2, "u": 4, "U": 8}
_HEADER_STYLES: Final = frozenset({"|", ">"})


class NumberError(ValueError):
    """A plain scalar is a number that no JSON value can be."""


def resolve(text: str) -> Any:
    """Return the value of a plain scalar.

    Raises:
        NumberError: It is infinite, not a number, or too long.
    """
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    return _number(text) if text[0] in _MAYBE_NUMBER else text


def _number(text: str) -> Any:
    if _NOT_FINITE.fullmatch(text):
        raise NumberError("is no number that JSON knows")
    octal, hexadecimal = _OCTAL.fullmatch(text), _HEXADECIMAL.fullmatch(text)
    integer = _INTEGER.fullmatch(text)
    if not (integer or octal or hexadecimal or _FRACTION.fullmatch(text)):
        return text
    if len(text) > MAX_DIGITS:
        raise NumberError(f"is a number of more than {MAX_DIGITS} characters")
    if octal or hexadecimal:
        return int(text, 0)
    return int(text) if integer else _fraction(text)


def _fraction(text: str) -> Decimal:
    exponent = re.split("[eE]", text)[1:]
    if exponent and abs(int(exponent[0])) > _MAX_EXPONENT:
        raise NumberError(f"has an exponent beyond {_MAX_EXPONENT}")
    return Decimal(text)


def positions(raw: str, style: str | None, value: str) -> list[int]:
    """Return, for each character of a scalar's value, its index in `raw`, the scalar as written.

    `style` is YAML's sign for it: `'`, `"`, `|`, `>` or None for a plain one. Folding and
    indentation change blanks only, so the other characters stand in both in the same order.
    """
    written = _written(raw, style)
    found: list[int] = []
    last = -1
    for character in value:
        last = last + 1 if character in _BLANK else next(written, last + 1)
        found.append(last)
    return found


def _written(raw: str, style: str | None) -> Any:
    """Give the index of each character in `raw` that stands for one that is no blank."""
    at, end = 0, len(raw)
    if style in _HEADER_STYLES:
        at = raw.find("\n")
    elif style in {"'", '"'}:
        at, end = 1, len(raw) - 1
    while 0 <= at < end:
        character = raw[at]
        if style == '"' and character == "\\":
            blank, length = _escape(raw, at)
            if not blank:
                yield at
            at += length
            continue
        if character not in _BLANK:
            yield at
        at += 2 if style == "'" and character == "'" else 1


def _escape(raw: str, at: int) -> tuple[bool, int]:
    """Tell of the escape at `at` whether it stands for a blank, and how long it is."""
    kind = raw[at + 1]
    length = _CODE_LENGTH.get(kind)
    if length is None:
        return kind in _ESCAPED_BLANK or kind == "\r", 2
    code = int(raw[at + 2 : at + 2 + length], 16)
    return chr(code) in _BLANK, 2 + length
