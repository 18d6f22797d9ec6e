"""Every connector that a page, the catalogue or an example shows passes `rules check`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.cli.catalogues import catalogues
from router.cli.rule_tests import run_tests
from router.cli.testing_report import details
from rules.loader import load, load_texts

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^( *)```yaml\n(.*?)^\1```", re.MULTILINE | re.DOTALL)


def blocks() -> Iterator[tuple[str, str]]:
    for path in sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]):
        text = path.read_text("utf-8")
        for block in _BLOCK.finditer(text):
            line = text[: block.start()].count("\n") + 1
            if re.search(r"^(connector|destinations|directory):", block[2], re.MULTILINE):
                yield f"{path.relative_to(ROOT)}:{line}", block[2]


@pytest.mark.parametrize(
    ("place", "text"), [pytest.param(*block, id=block[0]) for block in blocks()]
)
def test_a_rule_file_shown_in_a_page_has_no_problem(place: str, text: str) -> None:
    loaded = load_texts({f"{place}.yaml": text}, catalogues())

    assert [f"{p.span}: {p.code} {p.message}" for p in loaded.problems] == []


@pytest.mark.parametrize(
    ("place", "text"),
    [pytest.param(*block, id=block[0]) for block in blocks() if "\ntests:" in block[1]],
)
def test_a_test_shown_in_a_page_passes(place: str, text: str) -> None:
    rule_set = load_texts({f"{place}.yaml": text}, catalogues()).rule_set
    assert rule_set is not None
    # A page shows no payloads: tests that send a file are shown for their form.
    tests = [test for test in rule_set.tests if not any(sent.file for sent in test.events)]

    assert tests
    for result in run_tests(rule_set, tests):
        assert result.outcome == "passed", "\n".join(details(result))


@pytest.mark.parametrize("folder", ["rules/catalogue", "examples/routes"])
def test_ready_made_files_have_no_problem(folder: str) -> None:
    loaded = load(ROOT / folder, catalogues())

    assert [f"{p.span}: {p.code} {p.message}" for p in loaded.problems] == []
    assert loaded.rule_set is not None
    assert len(loaded.rule_set.connectors) == len(list((ROOT / folder).glob("*.yaml")))
