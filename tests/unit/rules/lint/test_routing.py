from __future__ import annotations

import pytest

from tests.support.linting import said
from tests.support.rule_files import warnings

JANE = "{contact.email: {ends_with: '@acme.example'}}"


def reported(*conditions: str | None) -> list[str]:
    entries = "".join(
        f"    - {{{'' if when is None else f'when: {when}, '}set: {{client: x}}}}\n"
        for when in conditions
    )
    problems = warnings(f"directory:\n  routing:\n{entries}")
    return said([one for one in problems if one.code in {"R070", "R071"}])


@pytest.mark.parametrize(
    "conditions",
    [
        (None,),
        (JANE, None),
        (JANE, "{contact.email: {ends_with: '@other.example'}}", None),
        (f"{{all: [{JANE}, {{contact.name: Jane}}]}}", JANE),
        # An entry that is undecided does not match, so one behind it may.
        ("{contact.email: {gt: 5}}", "{contact.email: {gt: 6}}"),
        ("{contact.email: {gt: 5}}", "{contact.email: {type: string}}"),
    ],
)
def test_entries_that_are_reached_are_fine(conditions: tuple[str | None, ...]) -> None:
    assert reported(*conditions) == []


@pytest.mark.parametrize(
    "conditions",
    [
        (None, JANE),
        (None, None),
        (JANE, JANE),
        (JANE, f"{{all: [{JANE}, {{contact.name: Jane}}]}}"),
        (f"{{any: [{JANE}, {{contact.name: Jane}}]}}", JANE),
    ],
)
def test_an_entry_behind_one_that_matches_wherever_it_does_is_reported(
    conditions: tuple[str | None, ...],
) -> None:
    assert reported(*conditions) == [
        "4:8 this entry of `routing` is never reached: the one at a.yaml:3:8 matches first"
    ]


def test_an_entry_that_never_matches_is_reported_and_stands_before_none() -> None:
    dead = "{contact.email: a, 'contact[\"email\"]': b}"
    (line,) = reported(dead, dead.replace("a, ", "a, contact.name: c, "))[:1]
    assert line.startswith("3:53 this entry of `routing` never matches: ")
    assert len(reported(dead, JANE)) == 1


def test_what_is_known_of_a_contact_is_text() -> None:
    (line,) = reported("{contact.email: [a@acme.example, b@acme.example]}")
    assert line.endswith("never holds, since what stands in `contact` is text")


def test_what_is_wrong_or_too_large_is_left_alone() -> None:
    parts = ", ".join(f"{{contact.a{n}: 1}}" for n in range(101))
    assert reported("{contact.email: {gte: many}}", f"{{all: [{parts}]}}", JANE) == []
    assert warnings("directory: {routing: [5]}")[0].code == "R013"


def test_entries_of_all_files_are_one_list() -> None:
    first = "directory:\n  routing: [{set: {client: x}}]\n"
    second = f"directory:\n  routing: [{{when: {JANE}, set: {{client: x}}}}]\n"
    (problem,) = warnings(first, b=second)
    assert (problem.code, str(problem.span)) == ("R071", "b.yaml:2:14")


def test_of_many_entries_not_all_pairs_are_compared() -> None:
    several = [f"{{contact.email: a{n}}}" for n in range(300)]
    assert len(reported(*several[:250], several[0])) == 1
    assert reported(*several, several[0]) == []
