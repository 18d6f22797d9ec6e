from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from router.core.jsonio import (
    MAX_DEPTH,
    MAX_DIGITS,
    UnparseableError,
    check,
    dump_bytes,
    dumps,
    loads,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, true, null, "x"]}', {"a": [1, True, None, "x"]}),
        ("19.90", Decimal("19.90")),
        ("1e3", Decimal("1E+3")),
        ("820982911946154508123456789", 820982911946154508123456789),
        ('{"a": 1, "a": 2}', {"a": 2}),
        ("", None),
        (" \n", None),
        ('"\ufeffx"', "\ufeffx"),
        ('"é"', "é"),
    ],
)
def test_json_is_read_exactly(text: str, value: Any) -> None:
    assert loads(text) == value
    assert loads(text.encode()) == value


def test_fractions_keep_their_digits() -> None:
    assert str(loads('{"price": 19.90}')["price"]) == "19.90"


def test_a_byte_order_mark_is_passed_over() -> None:
    assert loads(b"\xef\xbb\xbf{}") == {}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "Expecting property name"),
        (b'{"a": 1,}', "line 1 column"),
        (b"[1\n,]", "at line 2 column"),
        (b"NaN", "NaN is not JSON"),
        (b"[Infinity]", "Infinity is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b'"\xff"', "not UTF-8 at byte 1"),
        (b"{} {}", "Extra data"),
        (b"'a'", "Expecting value"),
        (b"[" * 101 + b"]" * 101, "more than 100 levels deep"),
        (b'{"a":' * 101 + b"1" + b"}" * 101, "more than 100 levels deep"),
        (b"[" * 200_000, "more than 100 levels deep"),
        (b"1" * (MAX_DIGITS + 1), f"more than {MAX_DIGITS} digits"),
        (b"[0." + b"1" * MAX_DIGITS + b"]", f"more than {MAX_DIGITS} digits"),
        (b"[1e9999999999999999999]", "exponent is too large"),
    ],
)
def test_what_is_no_json_is_refused_with_a_reason(body: bytes, why: str) -> None:
    for read in (check, loads):
        with pytest.raises(UnparseableError, match=why):
            read(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[" * MAX_DEPTH + b"]" * MAX_DEPTH,
        b"[" + b"[]," * 5000 + b"[]]",
        b'"' + b"[" * 500 + b'"',
        b'["' + b'\\"[{' * 200 + b'"]',
        b'"\\ud800"',
        b"1" * MAX_DIGITS,
        b'"' + b"1" * (MAX_DIGITS + 50) + b'"',
        b'["' + b"1" * (MAX_DIGITS + 50) + b'", 1]',
        b"1" * 400,
        b"",
    ],
)
def test_what_is_within_the_bounds_passes(body: bytes) -> None:
    if body:
        check(body)
    loads(body)


def test_brackets_that_do_not_match_are_left_to_the_parser() -> None:
    with pytest.raises(UnparseableError, match="line 1 column"):
        loads(b"]" * 60 + b"[" * 101)


def test_a_deep_body_is_measured_in_no_time() -> None:
    with pytest.raises(UnparseableError, match="levels deep"):
        check(b"[" * 500_000 + b"]" * 500_000)


def test_nul_and_lone_surrogates_become_replacement_characters() -> None:
    assert loads(rb'{"a\u0000": ["\ud800x", "\ud83d\ude00"], "n": 1}') == {
        "a\ufffd": ["\ufffdx", "😀"],
        "n": 1,
    }


def test_a_text_with_a_lone_surrogate_can_be_given() -> None:
    with pytest.raises(UnparseableError, match="not UTF-8"):
        loads('"\ud800"')


@pytest.mark.parametrize(
    "text",
    [
        '{"price":19.90,"n":1,"ok":true,"none":null,"text":"é\\n"}',
        "[820982911946154508123456789,-820982911946154508123456789]",
        '{"a":{"b":[18446744073709551616,1,1.50]}}',
        "18446744073709551615",
        "1E+3",
    ],
)
def test_what_was_read_is_written_with_the_same_digits(text: str) -> None:
    assert dumps(loads(text)) == text
    assert dump_bytes(loads(text)) == text.encode()


def test_tuples_are_lists() -> None:
    assert dumps((1, 2**70)) == f"[1,{2**70}]"


def test_what_json_has_no_word_for_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        dumps({"a": {1}})
