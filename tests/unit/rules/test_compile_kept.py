"""A connector whose file did not change is not compiled again, whatever became of the others."""

from __future__ import annotations

from typing import Any

import pytest

from rules import compile as module
from rules.compile import compile_files
from rules.compile_connector import compile_connector
from rules.compile_kept import Kept
from rules.problems import Report
from rules.ruleset import RuleSet
from tests.support.catalogues import catalogues

SHOP = """\
connector: {name}
source: none
dedupe: off
deliver: [main]
rules:
  - {{name: order, task: {{title: "Order", assignees: [jane]}}}}
"""
FILES = {
    "a.yaml": SHOP.format(name="a"),
    "b.yaml": SHOP.format(name="b"),
    "destinations.yaml": "destinations: {main: {type: crm, token: main_key}}\n",
    "people.yaml": "directory: {people: {jane: {email: jane@shop.example}}}\n",
}


class Bench:
    """Compiles one set after the other; `compiled` names the connectors' files it had to compile last."""

    def __init__(self) -> None:
        self.kept = Kept()
        self.compiled: list[str] = []
        self.said: list[str] = []

    def compile(self, **changed: str | None) -> RuleSet | None:
        self.compiled.clear()
        files = FILES | {f"{name}.yaml": text for name, text in changed.items() if text is not None}
        for name, text in changed.items():
            if text is None:
                del files[f"{name}.yaml"]
        report = Report()
        made = compile_files(files, catalogues(), report, kept=self.kept)
        self.said = [f"{each.span} {each.code}" for each in report.problems]
        return made


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench()

    def noted(root: Any, *given: Any) -> Any:
        made.compiled.append(root.span.file)
        return compile_connector(root, *given)

    monkeypatch.setattr(module, "compile_connector", noted)
    assert made.compile() is not None
    assert made.compiled == ["a.yaml", "b.yaml"]
    return made


def test_of_two_connectors_the_one_that_changed_is_compiled(bench: Bench) -> None:
    before = bench.compile()
    after = bench.compile(a=FILES["a.yaml"].replace("Order", "Big order"))

    assert bench.compiled == ["a.yaml"]
    assert before is not None
    assert after is not None
    assert after.connectors["b"] is before.connectors["b"]
    assert after.connectors["a"] is not before.connectors["a"]
    assert after.hash != before.hash
    assert after.intakes.keys() == {"a", "b"}


@pytest.mark.parametrize(
    "changed",
    [
        {"people": FILES["people.yaml"] + "# x\n"},
        {"destinations": FILES["destinations.yaml"] + "# x\n"},
        {"more": "directory: {labels: [vip]}\n"},
    ],
)
def test_with_what_connectors_name_all_of_them_are_compiled(
    bench: Bench, changed: dict[str, str]
) -> None:
    bench.compile(**changed)

    assert bench.compiled == ["a.yaml", "b.yaml"]


def test_what_a_connector_names_and_is_gone_is_a_problem_although_its_file_did_not_change(
    bench: Bench,
) -> None:
    assert bench.compile(people="directory: {people: {tom: {email: tom@shop.example}}}\n") is None
    assert {line.split()[1] for line in bench.said} == {"R023"}
    assert {line.split(":")[0] for line in bench.said} == {"a.yaml", "b.yaml"}


@pytest.mark.parametrize(
    "broken", ["connector: [", FILES["a.yaml"].replace("title", "titel"), "connector: a\n"]
)
def test_a_broken_edit_and_its_correction_compile_their_file_alone(
    bench: Bench, broken: str
) -> None:
    assert bench.compile(a=broken) is None
    assert bench.said
    assert set(bench.compiled) <= {"a.yaml"}

    assert bench.compile() is not None
    assert bench.compiled == []


def test_a_file_that_is_moved_is_compiled_for_its_new_place(bench: Bench) -> None:
    moved = bench.compile(a=None, c=FILES["a.yaml"])

    assert moved is not None
    assert bench.compiled == ["c.yaml"]
    assert moved.connectors["a"].at == "c.yaml:1"


def test_what_is_gone_is_not_kept(bench: Bench) -> None:
    bench.compile(b=None)
    bench.compile()

    assert bench.compiled == ["b.yaml"]


def test_while_a_file_of_names_is_broken_nothing_is_taken_for_good(bench: Bench) -> None:
    assert bench.compile(people="directory: [") is None
    assert bench.said == ["people.yaml:1:13 R002"]

    assert bench.compile() is not None
    assert bench.compiled == []
