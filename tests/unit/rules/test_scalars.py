from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules.scalars import MAX_DIGITS, NumberError, positions, resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("true", True),
        ("False", False),
        ("12", 12),
        ("-0012", -12),
        ("+7", 7),
        ("0o17", 15),
        ("0xFF", 255),
        ("19.90", Decimal("19.90")),
        ("-.5", Decimal("-0.5")),
        ("5.", Decimal(5)),
        ("1e3", Decimal("1E+3")),
        ("1E-400", Decimal("1E-400")),
    ],
)
def test_the_core_schema_knows_nulls_booleans_and_numbers(text: str, value: Any) -> None:
    found = resolve(text)
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "yes",
        "on",
        "off",
        "y",
        "12:30",
        "2026-01-05",
        "1_000",
        "0b1",
        "0o8",
        "-0x1",
        "+",
        ".",
        "...",
        "1.2.3",
        "1e",
        "nULL",
        "tRue",
        "NaN",
        "١٢",
    ],
)
def test_everything_else_is_a_text(text: str) -> None:
    assert resolve(text) == text


def test_fractions_keep_their_digits() -> None:
    assert str(resolve("640.00")) == "640.00"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (".inf", "is no number that JSON knows"),
        ("-.INF", "is no number that JSON knows"),
        (".nan", "is no number that JSON knows"),
        ("1" * (MAX_DIGITS + 1), "is a number of more than 400 characters"),
        ("0x" + "f" * MAX_DIGITS, "is a number of more than 400 characters"),
        ("1e401", "has an exponent beyond 400"),
        ("1e-401", "has an exponent beyond 400"),
    ],
)
def test_a_number_that_json_cannot_hold_is_an_error(text: str, words: str) -> None:
    with pytest.raises(NumberError, match=words):
        resolve(text)


def test_a_number_may_have_400_characters() -> None:
    assert resolve("1" * MAX_DIGITS) == int("1" * MAX_DIGITS)


@pytest.mark.parametrize(
    ("raw", "style", "value", "word"),
    [
        ("say hello", None, "say hello", "hello"),
        ("say\n    hello", None, "say hello", "hello"),
        ("'it''s it'", "'", "it's it", "s it"),
        (r'"a\tb\u00e4\x20 c"', '"', "a\tbä  c", "c"),
        (r'"\U0001F680 go"', '"', "🚀 go", "go"),
        ('"one \\\n   two"', '"', "one two", "two"),
        ('"one \\\r\n   two"', '"', "one two", "two"),
        (r'"\x41\x42 c"', '"', "AB c", "c"),
        (r'"\"q\" x\ny"', '"', '"q" x\ny', "y"),
        ("|\n  one\n  two\n", "|", "one\ntwo\n", "two"),
        (">-\n  one\n  two\n\n  three", ">", "one two\nthree", "three"),
    ],
)
def test_each_character_of_a_value_is_found_where_it_is_written(
    raw: str, style: str | None, value: str, word: str
) -> None:
    places = positions(raw, style, value)

    assert len(places) == len(value)
    first = places[value.index(word)]
    assert raw[first : first + len(word)] == word


def test_places_are_given_even_if_more_is_looked_for_than_is_written() -> None:
    assert positions("|", "|", "ab") == [0, 1]
