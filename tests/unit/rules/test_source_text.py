from __future__ import annotations

import pytest

from rules.problems import Report, Span
from rules.source_text import MAX_BYTES, SourceText, decode, readable


def problem_of(raw: bytes) -> tuple[str, str, str | None]:
    report = Report()
    text = decode(raw, "a.yaml", report)
    assert text is None or readable(text, "a.yaml", report) is None
    (problem,) = report.problems
    return problem.code, f"{problem.span.line}:{problem.span.column}", problem.found


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_editors_end_them(end: str) -> None:
    source = SourceText("a.yaml", f"one{end}två{end}{end}four")
    at = source.text.index("four")

    assert source.span(at, at + 4) == Span("a.yaml", 4, 1, 4, 5)
    assert [source.line_of(source.text.index(word)) for word in ("one", "två", "four")] == [1, 2, 4]


def test_columns_count_characters_and_not_bytes() -> None:
    source = SourceText("a.yaml", "größe: 🚀 x")
    at = source.text.index("x")

    assert source.span(at, at + 1) == Span("a.yaml", 1, 10, 1, 11)


def test_the_end_of_a_text_is_a_place() -> None:
    assert SourceText("a.yaml", "a\n").span(2, 2) == Span("a.yaml", 2, 1, 2, 1)


def test_a_file_may_be_as_large_as_a_mebibyte_and_no_larger() -> None:
    report = Report()
    assert decode(b"a" * MAX_BYTES, "a.yaml", report) == "a" * MAX_BYTES
    assert report.problems == []

    assert decode(b"a" * (MAX_BYTES + 1), "a.yaml", report) is None
    (problem,) = report.problems
    assert (problem.code, problem.expected) == ("R006", "at most 1,048,576 bytes")


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"\xff", "1:1"),
        (b"a: caf\xe9", "1:7"),
        ("ä: 1\r\nü: ".encode() + b"\xc3", "2:4"),
        (b"\xef\xbb\xbfab\xff", "1:3"),
        ("connector: shop".encode("utf-16"), "1:1"),
    ],
)
def test_what_is_not_utf_8_is_shown_at_its_first_byte(raw: bytes, place: str) -> None:
    code, where, found = problem_of(raw)
    assert (code, where) == ("R001", place)
    assert found is not None
    assert found.startswith("the byte 0x")


@pytest.mark.parametrize(
    "character", ["\x00", "\x07", "\x7f", "\x85", "\u2028", "\u2029", "\ufffe", "\ufeff"]
)
def test_a_character_that_no_text_file_holds_is_named(character: str) -> None:
    code, where, found = problem_of(f"a: x{character}".encode())
    assert (code, where, found) == ("R001", "1:5", f"U+{ord(character):04X}")


def test_half_a_surrogate_pair_is_refused_in_a_text_that_was_read_before() -> None:
    report = Report()
    assert readable("a: \ud800", "a.yaml", report) is None
    assert report.problems[0].found == "U+D800"


@pytest.mark.parametrize("text", ["a\tb\r\n", "äöü\xa0", "日本語 🚀", "\u200b\u200e"])
def test_other_characters_are_fine(text: str) -> None:
    report = Report()
    source = readable(text, "a.yaml", report)
    assert report.problems == []
    assert source is not None
    assert source.text == text


def test_a_byte_order_mark_does_not_count() -> None:
    report = Report()
    source = readable("\ufeffa: 1", "a.yaml", report)
    assert source is not None
    assert source.text == "a: 1"
