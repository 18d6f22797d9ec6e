from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from rules.problems import Problem, Report
from rules.shape import check_shape, found, known_keys, owner_span
from tests.support.rule_parts import node


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    wait: int = 1
    mode: Literal["slow", "fast"] = "slow"


class Token(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    secret: str


class Outer(BaseModel):
    """What configurations of destinations hold: choices, aliases, several forms of one value."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: str
    for_: int = Field(1, alias="for")
    inner: Inner | None = None
    inners: list[Inner] = Field(default_factory=list)
    by_name: dict[str, Inner] = Field(default_factory=dict)
    by_letter: dict[Annotated[str, Field(max_length=1)], int] = Field(default_factory=dict)
    either: Token | str | None = None
    flag: bool = False
    pair: tuple[int, ...] = ()
    secrets: list[str] = Field(default_factory=list)

    @field_validator("url")
    @classmethod
    def _starts(cls, url: str) -> str:
        if url == "assert":
            raise AssertionError("Not such a URL")
        if not url.startswith("https:"):
            raise ValueError("this is no URL")
        return url


def problems(yaml: str, *, private: bool = False) -> list[Problem]:
    report = Report()
    assert check_shape(Outer, node(yaml), report, private=private) is None
    return report.problems


def said(yaml: str) -> list[str]:
    return [f"{p.span.line}:{p.span.column} {p.code} {p.message}" for p in problems(yaml)]


def test_a_value_of_the_right_shape_is_returned_as_the_model() -> None:
    report = Report()
    value = check_shape(Outer, node('{url: "https://x", inner: {wait: 5}}'), report)
    assert isinstance(value, Outer)
    assert value.inner == Inner(wait=5)
    assert report.problems == []


@pytest.mark.parametrize(
    ("yaml", "line"),
    [
        ("{}", "1:1 R012 `url` is missing"),
        ("for: 2", "1:1 R012 `url` is missing"),
        ("url: 5", "1:6 R013 `url` has the wrong type"),
        ("url: 'https:'\nfor: x", "2:6 R013 `for` has the wrong type"),
        ("url: 'https:'\nfor_: 1", "2:1 R011 there is no key `for_` here"),
        ("url: 'http:'", "1:6 R015 `url` is no URL"),
        ("url: assert", "1:6 R015 not such a URL"),
        ("url: 'https:'\ninner: x", "2:8 R013 `inner` has the wrong type"),
        ("url: 'https:'\ninner: {wat: 1}", "2:9 R011 there is no key `wat` here"),
        ("url: 'https:'\ninner: {mode: fats}", "2:15 R014 `mode` is not one of the choices"),
        ("url: 'https:'\ninners: [{}, {wait: x}]", "2:21 R013 `wait` has the wrong type"),
        ("url: 'https:'\ninners: [5]", "2:10 R013 this has the wrong type"),
        ("url: 'https:'\nby_name: {a: {wait: 1.5}}", "2:21 R013 `wait` has the wrong type"),
        ("url: 'https:'\nby_letter: {ab: 1}", "2:13 R015 string should have at most 1 character"),
        ("url: 'https:'\neither: 5", "2:9 R013 `either` has the wrong type"),
        ("url: 'https:'\neither: {}", "2:1 R012 `secret` is missing"),
        ("url: 'https:'\neither: {secrt: x}", "2:10 R011 there is no key `secrt` here"),
        ("url: 'https:'\neither: {secret: 5}", "2:18 R013 `secret` has the wrong type"),
        ("url: 'https:'\nflag: on", "2:7 R013 `flag` has the wrong type"),
        ("url: 'https:'\npair: {a: 1}", "2:7 R013 `pair` has the wrong type"),
        ("[a]", "1:1 R013 this has the wrong type"),
    ],
)
def test_another_shape_is_one_problem_at_its_place(yaml: str, line: str) -> None:
    assert said(yaml) == [line]


def test_all_problems_are_shown_at_once() -> None:
    assert [p.code for p in problems("url: 5\nfor: x\nurll: 1\ninner: {mode: x}")] == [
        "R013",
        "R013",
        "R011",
        "R014",
    ]


def test_a_key_with_a_slip_of_the_pen_is_not_missing_too() -> None:
    (problem,) = problems("ulr: 'https:'")
    assert (problem.code, problem.hint) == ("R011", "did you mean `url`?")


def test_an_unknown_key_shows_the_keys_there_are_if_none_is_near() -> None:
    (problem,) = problems("url: 'https:'\ninners: [{zzz: 1}]")
    assert (problem.expected, problem.hint) == ("wait, mode", None)


@pytest.mark.parametrize(
    ("word", "hint"), [("on", "write true"), ("no", "write false"), ("x", None)]
)
def test_words_that_were_booleans_once_are_told_as_such(word: str, hint: str | None) -> None:
    (problem,) = problems(f"url: 'https:'\nflag: {word}")
    assert (problem.expected, problem.hint) == ("true or false", hint)


def test_the_choices_are_listed_with_the_near_one() -> None:
    (problem,) = problems("url: 'https:'\ninner: {mode: fats}")
    assert (problem.found, problem.expected) == ('"fats"', "slow, fast")
    assert problem.hint == "did you mean `fast`?"


def test_what_may_be_a_secret_is_only_described() -> None:
    (private,) = problems("url: hunter2", private=True)
    assert private.found == "a text of 7 characters"
    (listed,) = problems("url: 'https:'\nsecrets: hunter2")
    assert listed.found == "a text of 7 characters"
    (number,) = problems("url: 'https:'\nsecrets: 1234")
    assert number.found == "a number"


def test_where_there_is_a_problem_within_its_consequences_are_left_out() -> None:
    report = Report()
    root = node("url: 5")
    report.add("R061", root.entries["url"].value.span, "the cause")
    check_shape(Outer, root, report)
    assert [p.code for p in report.problems] == ["R061"]


@pytest.mark.parametrize(
    ("yaml", "shown", "private"),
    [
        ("x", '"x"', "a text of 1 characters"),
        ("5", "5", "a number"),
        ("1.50", "1.50", "a number"),
        ("true", "true", "true"),
        ("[a]", "a list", "a list"),
        ("{a: b}", "a mapping", "a mapping"),
    ],
)
def test_what_was_found_is_shown_as_written(yaml: str, shown: str, private: str) -> None:
    assert found(node(yaml)) == shown
    assert found(node(yaml), private=True) == private


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        (["inner"], ["wait", "mode"]),
        (["inners", 0], ["wait", "mode"]),
        (["by_name", "x"], ["wait", "mode"]),
        (["either"], ["secret"]),
        (["url"], []),
        (["url", "deeper"], []),
        (["gone"], []),
        (["pair", 0], []),
        (["inner", "gone", "x"], []),
    ],
)
def test_the_keys_a_model_knows_are_found_along_a_path(path: list[Any], keys: list[str]) -> None:
    assert known_keys(Outer, path) == keys


def test_a_model_knows_its_keys_as_they_are_written() -> None:
    assert known_keys(Outer, [])[:3] == ["url", "for", "inner"]


def test_a_mapping_is_shown_by_its_key_or_its_first_key() -> None:
    root = node("a: {b: 1}\nc:\n  - {d: 1}\n  - {}")
    assert owner_span(root, ["a"]) == root.key("a").span
    assert owner_span(root, []) == root.key("a").span
    assert str(owner_span(root, ["c", 0])) == "rules.yaml:3:6"
    assert str(owner_span(root, ["c", 1])) == "rules.yaml:4:5"
