from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from router.cli.main import run

GOOD = """\
connector: shop
source: shopify
secrets: [shop_webhook]
rules:
  - name: order
    when: {event: orders/create}
    task: {title: "Order {{ body.id }}"}
otherwise: {drop: nothing to do}
"""
BAD = GOOD.replace("connector: shop\n", "connector: shop2\n").replace("source:", "sorce:")


class Ran(NamedTuple):
    code: int
    out: str
    err: str


Check = Callable[..., Ran]


@pytest.fixture
def check(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Check:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKYARD_SECRET_SHOP_WEBHOOK", "canary-value")
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "shop.yaml").write_text(GOOD)

    def call(*arguments: str) -> Ran:
        code = run(["rules", "check", *arguments])
        captured = capsys.readouterr()
        assert "canary-value" not in captured.out + captured.err
        return Ran(code, captured.out, captured.err)

    return call


def test_good_files_are_exit_code_0(check: Check) -> None:
    assert check() == Ran(0, "", "1 file: 0 errors, 0 warnings\n")


def test_errors_of_the_others_are_told_without_a_place(check: Check, tmp_path: Path) -> None:
    (tmp_path / "routes" / "bad.yaml").write_text(BAD)

    assert check("routes/shop.yaml") == Ran(
        0,
        "",
        "1 file: 0 errors, 0 warnings\n"
        "1 error elsewhere in routes, which is used as a whole or not at all: "
        "`hookyard rules check routes` shows them\n",
    )


def test_errors_are_exit_code_1_with_their_place(check: Check, tmp_path: Path) -> None:
    (tmp_path / "routes" / "bad.yaml").write_text(BAD)

    ran = check("routes")

    assert ran.code == 1
    assert "routes/bad.yaml:2:1: error R011" in ran.out
    assert "2 files: " in ran.err


def test_the_json_is_that_of_the_decision_also_without_problems(check: Check) -> None:
    assert json.loads(check("--format", "json").out) == {
        "problems": [],
        "files": ["routes/shop.yaml"],
        "errors": 0,
        "warnings": 0,
        "notes": [],
    }


def test_a_secret_that_is_not_set_is_a_warning_and_with_strict_a_problem(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOOKYARD_SECRET_SHOP_WEBHOOK")

    lenient, strict = check("--format", "json"), check("--strict")

    (problem,) = json.loads(lenient.out)["problems"]
    assert (lenient.code, strict.code) == (0, 1)
    assert (problem["severity"], problem["code"]) == ("warning", "R033")
    assert (problem["line"], problem["column"]) == (3, 11)
    assert "HOOKYARD_SECRET_SHOP_WEBHOOK" in problem["hint"]


def test_a_warning_about_rules_is_a_problem_with_strict_only(check: Check, tmp_path: Path) -> None:
    (tmp_path / "routes" / "shop.yaml").write_text(GOOD.replace("otherwise", "#"))

    lenient, strict = check(), check("--strict")

    assert (lenient.code, strict.code) == (0, 1)
    assert lenient.out == strict.out
    assert lenient.out.startswith("routes/shop.yaml:4:1: warning R076: nothing says what becomes")
    assert lenient.err == "1 file: 0 errors, 1 warning\n"


def test_problems_can_be_annotations(check: Check, tmp_path: Path) -> None:
    (tmp_path / "routes" / "bad.yaml").write_text(BAD)

    ran = check("--format", "github")

    assert ran.code == 1
    assert ran.out.startswith("::error file=routes/bad.yaml,line=2,")


def test_of_one_file_only_its_own_problems_are_shown(check: Check, tmp_path: Path) -> None:
    (tmp_path / "routes" / "bad.yaml").write_text(BAD)

    assert check("routes/shop.yaml").code == 0
    ran = check("routes/bad.yaml", "--format", "json")

    assert ran.code == 1
    assert json.loads(ran.out)["files"] == ["routes/bad.yaml"]


def test_a_file_elsewhere_is_checked_with_its_own_directory(check: Check, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "shop.yaml").write_text(GOOD)

    assert check("elsewhere/shop.yaml").code == 0
    assert check("elsewhere", "routes").err == "2 files: 0 errors, 0 warnings\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing"], "does not exist"),
        (["notes.txt"], "is no rule file"),
        (["--format", "xml"], "'xml' is not one of"),
    ],
)
def test_nothing_to_check_is_exit_code_2(
    check: Check, tmp_path: Path, arguments: Sequence[str], words: str
) -> None:
    (tmp_path / "notes.txt").write_text("no rules")

    ran = check(*arguments)

    assert ran.code == 2
    assert words in ran.err


def test_without_a_directory_it_says_how_to_get_one(check: Check, tmp_path: Path) -> None:
    (tmp_path / "routes").rename(tmp_path / "other")

    ran = check()

    assert ran.code == 2
    assert "hookyard init routes" in ran.err
