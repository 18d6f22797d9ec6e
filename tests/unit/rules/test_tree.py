from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules.document import Document, parse
from rules.problems import Report
from rules.tree import MAX_DEPTH, MAX_REPEATED


def read(text: str) -> tuple[Document | None, list[str]]:
    report = Report()
    document = parse(text, "a.yaml", report)
    lines = [f"{p.span.line}:{p.span.column} {p.code} {p.message}" for p in report.problems]
    return document, lines


def data(text: str) -> Any:
    document, lines = read(text)
    assert lines == []
    assert document is not None
    return document.data


def said(text: str) -> list[str]:
    return read(text)[1]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: [x, {c: 2.50}]", {"a": 1, "b": ["x", {"c": Decimal("2.50")}]}),
        ("no: no\non: off", {"no": "no", "on": "off"}),
        ("5: x\n1.50: y\nnull: z\ntrue: t", {"5": "x", "1.50": "y", "null": "z", "true": "t"}),
        ("a:\nb: ''\nc: '5'\nd: \"null\"", {"a": None, "b": "", "c": "5", "d": "null"}),
        ("a: |\n  one\n  two\nb: >-\n  one\n  two", {"a": "one\ntwo\n", "b": "one two"}),
        ("? a\n: 1\n? 'b c'\n: 2", {"a": 1, "b c": 2}),
        ("- 1\n-\n- - 2", [1, None, [2]]),
        ("{}", {}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("a: &x\n  b: 1\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x 1\nb: *x\nc: &x 2\nd: *x", {"a": 1, "b": 1, "c": 2, "d": 2}),
        ("%YAML 1.2\n---\na: 1\n...\n", {"a": 1}),
        ("\ufeffa: 1", {"a": 1}),
        ("'<<': x", {"<<": "x"}),
        ("a: word # a comment\n# another\n", {"a": "word"}),
    ],
)
def test_files_are_read_as_yaml_1_2(text: str, value: Any) -> None:
    assert data(text) == value


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\na: 3", "3:1 R003 the key `a` is written twice"),
        ("{a: 1, 'a': 2}", "1:8 R003 the key `a` is written twice"),
        ("a: !!str 5", "1:4 R004 tags are not used here"),
        ("a: !x {b: 1}", "1:4 R004 tags are not used here"),
        ("a: &y !x [b]", "1:4 R004 tags are not used here"),
        ("<<: {a: 1}\nb: 1", "1:1 R004 YAML 1.2 has no merge keys (<<)"),
        ("a: {b}: c", "1:7 R002 a colon and a blank start a mapping here, where none can be"),
        ("{a: 1}: b", "1:1 R004 a mapping cannot be a key"),
        ("[a]: b", "1:1 R004 a sequence cannot be a key"),
        ("? \n: b", "1:2 R004 a key is missing before the colon"),
        ("'': b", "1:1 R004 a key is missing before the colon"),
        ("a: 1\n---\nb: 2", "2:1 R004 a file holds one document"),
        ("a: *b", "1:4 R004 nothing before this is called &b"),
        ("a: &x 1\nb: [*x, *x]", "2:9 R004 *x is used twice"),
        ("a: .nan", "1:4 R004 .nan is no number that JSON knows"),
        ("", "1:1 R005 the file is empty"),
        ("# only\n# comments\n", "1:1 R005 the file is empty"),
        ("---\n...\n", "1:1 R005 the file is empty"),
        ("~", "1:1 R005 the file is empty"),
    ],
)
def test_what_rule_files_may_not_hold_is_said_at_its_place(text: str, line: str) -> None:
    assert said(text)[0] == line


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: !!str 5", "1:4-1:9"),
        ("{a: 1}: b", "1:1-1:4"),
        ("a: *name", "1:4-1:9"),
        ("?", "1:2-1:2"),
        ("?\r\n: b", "1:2-1:2"),
    ],
)
def test_what_is_refused_ends_with_its_word_and_within_its_line(text: str, place: str) -> None:
    report = Report()
    parse(text, "a.yaml", report)
    span = report.problems[0].span
    assert f"{span.line}:{span.column}-{span.end_line}:{span.end_column}" == place


def test_a_version_of_yaml_that_is_not_1_2_is_refused() -> None:
    assert said("%YAML 1.1\n---\na: 1") == ["1:1 R004 files are read as YAML 1.2"]


def test_after_a_doubled_key_the_rest_is_read_and_the_first_value_stands() -> None:
    document, lines = read("a: 1\na: 2\na: 3\nb: 4")
    assert [line[:8] for line in lines] == ["2:1 R003", "3:1 R003"]
    assert document is not None
    assert document.data == {"a": 1, "b": 4}


def test_a_value_with_an_impossible_key_is_left_out() -> None:
    document, _ = read("a: {{ body.x }}\nb: 1")
    assert document is not None
    assert document.data == {"a": {}, "b": 1}


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_64_levels_are_read_and_one_more_is_too_deep(opening: str) -> None:
    closing = {"[": "]", "{a: ": "}"}.get(opening, "")
    inner = "x" if opening in {"- ", "{a: "} else ""
    deepest = opening * MAX_DEPTH + inner + closing * MAX_DEPTH

    assert not any("too deep" in line for line in said(deepest))
    too_deep = opening * 100_000
    assert said(too_deep) == [f"1:{MAX_DEPTH * len(opening) + 1} R006 the file is too deep"]


def test_aliases_count_as_the_levels_they_repeat() -> None:
    half = "[" * 32 + "]" * 32
    assert said(f"a: &x {half}\nb: {'[' * 31}*x{']' * 31}") == []
    assert said(f"a: &x {half}\nb: {'[' * 32}*x{']' * 32}") == [
        f"2:{4 + 32} R006 the file is too deep"
    ]


def test_aliases_cannot_blow_a_file_up() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}, y, z]" for n in range(1, 60))]
    assert said("\n".join(lines)) == []

    many = "[" + "x, " * (MAX_REPEATED - 2) + "x]"
    assert said(f"a: &x {many}\nb: *x") == []
    assert said(f"a: &x [{many}]\nb: *x") == ["2:4 R004 aliases repeat more than 10,000 values"]


def test_an_alias_used_twice_is_counted_each_time() -> None:
    many = "[" + "x, " * (MAX_REPEATED // 2) + "x]"
    assert said(f"a: &x {many}\nb: *x\nc: *x") == [
        "3:4 R004 *x is used twice",
        "3:4 R004 aliases repeat more than 10,000 values",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("k: value", "1:4-1:9"),
        ("k: value   # comment", "1:4-1:9"),
        ("k: 'it''s'  ", "1:4-1:11"),
        ("k: &x value", "1:7-1:12"),
        ("k: &x  # comment\n  value", "2:3-2:8"),
        ("k: &x\r\n  [a, b]", "2:3-2:9"),
        ("k: [a,\n  b ]  ", "1:4-2:6"),
        ("k:\n  a: 1\n  b: 23\n\n", "2:3-3:8"),
        ("k:\n  - 1\n  - 23\n# end", "2:3-3:7"),
        ("k: |\n  one\n  two\n\n", "1:4-3:6"),
        ("k:\nl: 1", "1:3-1:3"),
        ("k: {}", "1:4-1:6"),
        ("k:\n  a: &y\n  b:", "2:3-3:5"),
    ],
)
def test_a_value_stands_from_its_first_character_to_its_last(text: str, place: str) -> None:
    document, lines = read(text)
    assert lines == []
    assert document is not None
    span = document.span(["k"])
    assert f"{span.line}:{span.column}-{span.end_line}:{span.end_column}" == place


def test_a_tag_does_not_move_the_value_it_stands_before() -> None:
    document, _ = read("k: !x  value")
    assert document is not None
    assert document.span(["k"]).column == 8
