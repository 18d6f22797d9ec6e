from __future__ import annotations

from typing import Any

import pytest

from rules.directory import Directory, Project, check_name, check_zone, name_of
from rules.problems import Problem, Report
from tests.support.rule_parts import node

KNOWN = {
    "people": {"jane": "jane", "jane@acme.example": "jane", "amir": "amir"},
    "labels": {f"label-{n}": f"label-{n}" for n in range(13)},
    "clients": {},
}


def problems_of(kind: str, yaml: str) -> list[Problem]:
    report = Report()
    (member,) = node(f"[{yaml}]").items
    check_name(KNOWN, kind, member, report)
    return report.problems


@pytest.mark.parametrize(
    ("kind", "word", "name"),
    [
        ("people", "jane", "jane"),
        ("people", "Jane@ACME.example", "jane"),
        ("people", "Jane", None),
        ("people", "june", None),
        ("clients", "acme", None),
        ("projects", "whatever", "whatever"),
    ],
)
def test_a_word_stands_for_a_name_and_free_kinds_take_any(
    kind: str, word: str, name: str | None
) -> None:
    assert name_of(KNOWN, kind, word) == name


@pytest.mark.parametrize(
    ("kind", "yaml"),
    [("people", "jane"), ("people", "JANE@acme.example"), ("people", "~"), ("projects", "any")],
)
def test_a_known_name_null_and_a_free_kind_are_no_problem(kind: str, yaml: str) -> None:
    assert problems_of(kind, yaml) == []


def test_an_unknown_name_gets_a_suggestion_or_the_few_there_are() -> None:
    (near,) = problems_of("people", "jan")
    assert near.message == "the directory lists no person `jan`"
    assert (near.expected, near.hint) == (None, "did you mean `jane`?")

    (far,) = problems_of("people", "somebody")
    assert (far.expected, far.hint) == ("amir, jane", None)

    (many,) = problems_of("labels", "x")
    assert (many.expected, many.hint) == (None, None)


def test_a_long_name_is_cut() -> None:
    (problem,) = problems_of("people", "x" * 500)
    assert len(problem.message) < 130


@pytest.mark.parametrize("zone", ["UTC", "Europe/London", "America/Argentina/Ushuaia"])
def test_iana_names_are_zones(zone: str) -> None:
    report = Report()
    assert check_zone(node(zone), report)
    assert report.problems == []


@pytest.mark.parametrize("zone", ["Mars/Base", "london", "../etc/passwd", "5"])
def test_what_is_no_zone_is_a_problem(zone: str) -> None:
    report = Report()
    assert not check_zone(node(zone), report)
    assert [p.code for p in report.problems] == ["R015"]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("both", {"client": "acme", "assignees": ["jane", "amir"]}),
        ("client", {"client": "acme"}),
        ("none", {}),
        ("gone", {}),
        (None, {}),
        (["both"], {}),
    ],
)
def test_a_project_brings_its_client_and_its_people(name: Any, fields: dict[str, Any]) -> None:
    projects = {
        "both": Project("acme", ("jane", "amir")),
        "client": Project("acme"),
        "none": Project(),
    }
    assert Directory(projects=projects).of_project(name) == fields
