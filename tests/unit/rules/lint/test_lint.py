from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from time import process_time

import pytest

from rules import lint
from rules.lint import CHECKS
from rules.loader import Loaded, load, load_texts
from tests.support.catalogues import catalogues
from tests.support.linting import OTHERWISE
from tests.support.rule_files import HEAD

SECONDS = 10.0
"""Some five times what the slowest takes on one slow core: lines may be counted meanwhile."""

FOLDER = Path(lint.__file__).parent
BAD = f"{HEAD}rules: [{{name: one, when: {{body.x: '> 5'}}, task: {{title: x}}}}]\n"


def test_every_module_with_a_code_of_its_own_has_its_check_in_the_list() -> None:
    listed = {check.__module__ for check in CHECKS}
    coded = {
        f"rules.lint.{path.stem}"
        for path in FOLDER.glob("*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "CODE"
    }
    assert coded - listed == {"rules.lint.comments"}
    assert listed - coded == {"rules.lint.routing"}


def test_warnings_stop_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(BAD)
    for loaded in (load(tmp_path, catalogues()), load_texts({"a.yaml": BAD}, catalogues())):
        assert loaded.rule_set is not None
        assert {one.severity for one in loaded.problems} == {"warning"}


def test_who_does_not_ask_is_not_warned(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(BAD)
    assert load(tmp_path, catalogues(), warn=False).problems == []
    assert load_texts({"a.yaml": BAD}, catalogues(), warn=False).problems == []


def test_a_connector_is_looked_at_while_another_file_has_an_error() -> None:
    loaded = load_texts({"a.yaml": BAD, "b.yaml": "connector: ["}, catalogues())
    assert [one.code for one in loaded.problems] == ["R076", "R077", "R002"]


def test_two_checks_may_have_something_to_say_of_one_place() -> None:
    when = "{body.x: 6, 'body[\"x\"]': '> 5'}"
    text = f"{HEAD}rules: [{{name: one, when: {when}, drop: x}}]\n{OTHERWISE}"
    loaded = load_texts({"a.yaml": text}, catalogues())
    assert [(one.code, one.span.column) for one in loaded.problems] == [("R070", 52), ("R077", 52)]


def test_a_file_with_an_error_is_not() -> None:
    loaded = load_texts({"a.yaml": f"{BAD}bad: 5\n"}, catalogues())
    assert [one.code for one in loaded.problems] == ["R011"]


CONDITIONS: dict[str, Callable[[int], str]] = {
    "one event": lambda n: f"{{event: e, body.x: {{gte: {1000 - n}}}, body.y: {{in: [a, b]}}}}",
    "ranges": lambda n: f"{{event: e, body.x: {{gte: {n}, lt: {n + 1}}}}}",
    "alternatives": lambda n: (
        f"{{event: e, any: [{{body.x: {n}}}, {{body.y: {n}}}], not: {{body.z: {n}, body.q: 5}}}}"
    ),
}


def thousand(match: str, when: Callable[[int], str]) -> str:
    rules = "".join(
        f'- {{name: r{n}, when: {when(n)}, task: {{title: "t{n}", key: "k-{{{{ body.id }}}}"}}}}\n'
        for n in range(1000)
    )
    return f"{HEAD}match: {match}\nvars: {{x: '{{{{ body.x }}}}'}}\nrules:\n{rules}{OTHERWISE}"


def timed(text: str) -> tuple[float, Loaded]:
    started = process_time()
    loaded = load_texts({"a.yaml": text}, catalogues())
    return process_time() - started, loaded


@pytest.mark.parametrize(
    ("match", "when"), [("first", "one event"), ("first", "alternatives"), ("all", "ranges")]
)
def test_a_thousand_rules_are_looked_at_in_seconds(match: str, when: str) -> None:
    took, loaded = timed(thousand(match, CONDITIONS[when]))
    assert loaded.rule_set is not None
    assert took < SECONDS


def test_what_stands_before_all_others_is_seen_also_among_thousands() -> None:
    first = "- {name: all, task: {title: x}}\n"
    text = thousand("first", CONDITIONS["ranges"]).replace("rules:\n", f"rules:\n{first}")
    _, loaded = timed(text)
    assert sum(one.code == "R071" for one in loaded.problems) == 1001


@pytest.mark.parametrize(
    "part",
    [
        "abcdefgh ",
        "a1b2c3d4",
        "a-",
        "https://a:b",
        "a://",
        "?token=",
        "&token=a1",
        "-eyJaaaaaaaaaaaa",
        "Bearer ",
        "eyJaaaaaaaaaaaaa.",
        "-----BEGIN A ",
        "xoxb-",
        "SG.aaaaaaaaaaaaaaaa-",
        "{",
        "[0]",
    ],
)
def test_a_long_text_is_searched_for_secrets_in_seconds(part: str) -> None:
    text = f"{HEAD}description: '{part * (1_000_000 // len(part))}'\n"
    took, loaded = timed(text)
    assert loaded.rule_set is not None
    assert took < SECONDS


def test_a_deep_condition_is_looked_at_in_seconds() -> None:
    when = "{body.x: 1}"
    for _ in range(25):
        when = f"{{any: [{when}, {{body.y: 1}}, {{all: [{{body.x: 1}}, {{body.x: 2}}]}}]}}"
    took, _ = timed(f"{HEAD}rules: [{{name: one, when: {when}, drop: x}}]\n{OTHERWISE}")
    assert took < SECONDS
