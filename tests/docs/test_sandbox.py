"""The example of the sandbox is what the sandbox writes, and has no problem; its page names what there is."""

from __future__ import annotations

from pathlib import Path

from router.cli.catalogues import catalogues
from router.cli.rule_tests import run_tests
from router.cli.testing_report import details
from rules.loader import load
from workers.sandbox import site

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "sandbox"


def test_the_example_has_no_problem_and_passes_its_tests() -> None:
    loaded = load(EXAMPLE, catalogues())

    assert [f"{p.span}: {p.code} {p.message}" for p in loaded.problems] == []
    assert loaded.rule_set is not None
    results = list(run_tests(loaded.rule_set, loaded.rule_set.tests))
    assert results
    for result in results:
        assert result.outcome == "passed", "\n".join(details(result))


def test_the_files_of_the_example_are_those_that_the_sandbox_writes() -> None:
    """If they differ, run `hookyard sandbox --write examples/sandbox`."""
    written = site.files("http://127.0.0.1:8090")

    assert {name: (EXAMPLE / name).read_text("utf-8") for name in written} == written


def test_the_page_names_every_simulator_and_how_it_is_reached() -> None:
    page = (ROOT / "docs/how-to/sandbox.md").read_text("utf-8")

    for name in site.STANDS:
        assert f"../destinations/{name}.md" in page
    assert f"HOOKYARD_SECRET_{site.KEY_NAME.upper()}={site.KEY}" in page
