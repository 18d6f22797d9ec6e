from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules.values import (
    instant,
    is_integer,
    json_equal,
    json_text,
    number,
    scalar_key,
    storable,
    text,
    type_name,
    version_order,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        (Decimal("5.50"), Decimal("5.50")),
        (" 640.00\n", Decimal("640.00")),
        ("-0012", -12),
        ("+1.5e3", Decimal("1.5e3")),
        (".5", Decimal("0.5")),
        ("5.", Decimal(5)),
        (2.5, Decimal("2.5")),
        (10**40, 10**40),
    ],
)
def test_numbers_and_numeric_texts_are_numbers(value: Any, expected: Any) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "1,000",
        "0x10",
        "NaN",
        "Infinity",
        "1_000",
        "١٢",
        "1e",
        "--1",
        "9" * 5000,
        "1 2",
        True,
        False,
        None,
        [1],
        {},
        float("nan"),
        float("inf"),
    ],
)
def test_what_is_no_number_is_none(value: Any) -> None:
    assert number(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (Decimal("19.90"), "19.90"),
        (820982911946154508, "820982911946154508"),
        ("as it is", "as it is"),
        ([1, None, "a"], '[1,null,"a"]'),
        ({"a": Decimal("1.10")}, '{"a":1.10}'),
        ((1, 2), "[1,2]"),
        ([10**30, "\ud800"], f'[{10**30},"\ufffd"]'),
    ],
)
def test_values_read_in_a_text_as_people_expect(value: Any, expected: str) -> None:
    assert text(value) == expected


def test_what_is_no_json_value_has_no_text() -> None:
    with pytest.raises(TypeError):
        text(object())
    with pytest.raises(TypeError):
        json_text([object()])


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (5, Decimal("5.0")),
        (5, 5.0),
        ([1, {"a": None}], [Decimal(1), {"a": None}]),
        ("a", "a"),
        (None, None),
        (True, True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ],
)
def test_equal_json_values_are_equal_and_share_a_key(left: Any, right: Any) -> None:
    assert json_equal(left, right)
    assert scalar_key(left) == scalar_key(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (5, "5"),
        (1, True),
        (0, False),
        (None, ""),
        (None, 0),
        ("", False),
        ([1], [1, 2]),
        ([], {}),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"b": 1}),
        ("5", 5),
        ([], ""),
        (float("nan"), 1),
    ],
)
def test_different_json_values_are_not_equal(left: Any, right: Any) -> None:
    assert not json_equal(left, right)
    assert not json_equal(right, left)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("", "string"),
        (1, "number"),
        (Decimal("1.5"), "number"),
        (True, "boolean"),
        (None, "null"),
        ([], "array"),
        ({}, "object"),
    ],
)
def test_types_are_named_as_in_json_schema(value: Any, name: str) -> None:
    assert type_name(value) == name


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, True),
        (Decimal("5.0"), True),
        (Decimal("5.5"), False),
        (5.0, True),
        (True, False),
        ("5", False),
        (Decimal("1e999999"), True),
        (None, False),
    ],
)
def test_an_integer_is_a_number_without_a_fraction(value: Any, expected: bool) -> None:  # noqa: FBT001  a case
    assert is_integer(value) is expected


def test_instants_are_compared_exactly_over_offsets() -> None:
    assert instant("2026-11-23T09:00:00Z") == instant("2026-11-23T10:00:00+01:00")
    assert instant("2026-11-23t09:00:00.5z") == instant("2026-11-23 08:00:00.500-01:00")
    earlier, later = (
        instant("2026-11-23T09:00:00.0000000001Z"),
        instant("2026-11-23T09:00:00.0000000002Z"),
    )
    assert earlier is not None
    assert later is not None
    assert earlier < later
    leap = instant("2016-12-31T23:59:60Z")
    assert leap == instant("2017-01-01T00:00:00Z")


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-23",
        "2026-11-23T09:00:00",
        "2026-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "now",
        "2026-11-23T09:00:00+24:00",
        "2026-11-23T09:00:00+00:60",
        5,
        None,
    ],
)
def test_what_is_no_rfc_3339_date_and_time_is_no_instant(value: Any) -> None:
    assert instant(value) is None


@pytest.mark.parametrize(
    ("given", "held", "order"),
    [
        ("2", "10", -1),
        ("10", "10.0", 0),
        ("11", "10", 1),
        ("2026-11-23T10:00:00+01:00", "2026-11-23T09:00:00Z", 0),
        ("2026-11-23T08:59:59Z", "2026-11-23T09:00:00Z", -1),
        ("a", "b", -1),
        ("b", "a", 1),
        ("v1", "v1", 0),
        ("5", "2026-11-23T09:00:00Z", 1),
        ("2026-11-23T09:00:00Z", "z", 1),
        ("a", "5", 1),
        (None, "5", 1),
        ("5", None, 1),
        (None, None, 1),
    ],
)
def test_versions_are_ordered_by_kind(given: str | None, held: str | None, order: int) -> None:
    assert version_order(given, held) == order


def test_nul_and_lone_surrogates_are_made_storable() -> None:
    assert storable("a\x00b\ud800c") == "a\ufffdb\ufffdc"
    assert storable("plain") == "plain"
