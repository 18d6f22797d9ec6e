"""The golden files of tests/rules_errors: what is said of each mistake, to the column and the word.

A case is a `.yaml` file, or a directory of them, named after the code it is about; beside it, in a
`.txt` of the same name, is what `rules check` says. After a change of words run
`python -m tests.support.golden`, which writes them all anew, and read the difference.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import rules
from rules.problems import CODES
from tests.support.golden import CASES, cases, expected_of, text_of

ALL = [pytest.param(case, id=case.name) for case in cases()]
RULES = Path(rules.__file__).parent


def code_of(case: Path) -> str:
    return case.name.partition("-")[0]


def test_there_are_cases() -> None:
    assert len(ALL) > 140


@pytest.mark.parametrize("case", ALL)
def test_a_mistake_is_explained_word_for_word(case: Path) -> None:
    written = expected_of(case).read_text("utf-8")

    assert text_of(case) == written, "right? then run: python -m tests.support.golden"


@pytest.mark.parametrize("case", ALL)
def test_a_case_shows_the_code_it_is_named_after(case: Path) -> None:
    assert f" {code_of(case)}: " in expected_of(case).read_text("utf-8")


def producible() -> set[str]:
    """Return the codes that some module of `rules` reports."""
    modules = [path for path in RULES.rglob("*.py") if path.name != "problems.py"]
    return {code for path in modules for code in re.findall(r'"(R\d{3})"', path.read_text("utf-8"))}


@pytest.mark.parametrize("code", sorted(producible()))
def test_every_code_that_can_be_produced_has_a_case(code: str) -> None:
    assert code in {code_of(case) for case in cases()}


def test_the_codes_no_file_has_a_case_for_are_known() -> None:
    without = CODES.keys() - producible()
    # Whether a secret or an address is known depends on where one looks: router.cli.rules_report.
    assert without == {"R033", "R036"}
    assert producible() <= CODES.keys()


def test_every_text_belongs_to_a_case() -> None:
    assert sorted(CASES.glob("*.txt")) == sorted(expected_of(case) for case in cases())
