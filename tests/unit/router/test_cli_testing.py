"""`hookyard rules test`: arguments in, exit code, texts and files out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from router.cli import testing_report
from router.cli.main import run

SHOP = """\
connector: shop
source: shopify
secrets: [shop_webhook]
rules:
  - name: big order
    when: {event: orders/create, body.total_price: {gte: 500}}
    task: {title: "Fulfil order {{ body.name }}", custom: {total: "{{ body.total_price }}"}}
otherwise: {drop: not an order we act on}
tests:
  - name: a big order becomes a task
    event: order.json
    expect: {rule: big order, task: {title: "Fulfil order #1001"}}
"""
FAILING = """\
  - name: a small order too
    event: {headers: {X-Shopify-Topic: orders/create}, body: {name: "#2", total_price: "20.00"}}
    expect:
      rule: big order
      task: {title: "Fulfil order #2"}
"""
ORDER = '{"headers": {"X-Shopify-Topic": "orders/create"}, "body": {"name": "#1001", "total_price": 640.00}}'
QUIET = (
    "connector: quiet\nsource: none\ndedupe: off\nrules:\n  - {name: note, task: {title: Note}}\n"
)


class Ran(NamedTuple):
    code: int
    out: str
    err: str


Test = Callable[..., Ran]


@pytest.fixture(name="test")
def _test(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Test:
    """Return the command, in a directory whose `routes` hold one file with one test that passes."""
    monkeypatch.chdir(tmp_path)
    write("shop.yaml", SHOP)
    write("order.json", ORDER)

    def call(*arguments: str) -> Ran:
        code = run(["rules", "test", *arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


def write(name: str, text: str) -> None:
    path = Path("routes", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def test_tests_that_pass_are_a_line_each_and_exit_code_0(test: Test) -> None:
    assert test() == Ran(0, "✓ shop: a big order becomes a task\n", "1 test: 1 passed\n")


def test_a_test_that_fails_is_exit_code_1_and_says_what_and_where_and_why(test: Test) -> None:
    write("shop.yaml", SHOP + FAILING)

    ran = test()

    assert ran.code == 1
    assert ran.out == (
        "✓ shop: a big order becomes a task\n"
        "✗ shop: a small order too  (routes/shop.yaml:13)\n"
        "    event: dropped: not an order we act on\n"
        "    routes/shop.yaml:16:13: rule\n"
        '        expected  "big order"\n'
        '        found     "otherwise" matched\n'
        '        why       big order: body.total_price gte 500: found "20.00" (routes/shop.yaml:6:58)\n'
        "    routes/shop.yaml:17:13: task\n"
        "        expected  one task\n"
        "        found     no task\n"
    )
    assert ran.err == "2 tests: 1 passed, 1 failed\n"


def test_of_several_events_each_is_told_and_the_difference_says_of_which_it_is(test: Test) -> None:
    write(
        "shop.yaml",
        SHOP
        + "  - name: two\n"
        + "    events:\n"
        + "      - event: order.json\n"
        + "      - event: order.json\n"
        + "        expect: {task: {custom: {total: '640'}}}\n"
        + "    expect: {tasks: 3}\n",
    )

    ran = test("-k", "two")

    assert ran.out == (
        "✗ shop: two  (routes/shop.yaml:13)\n"
        '    event 1: routed: created "Fulfil order #1001" (big order)\n'
        '    event 2: routed: created "Fulfil order #1001" (big order)\n'
        "    routes/shop.yaml:17:41: task.custom.total of event 2\n"
        '        expected  "640"\n'
        "        found     640.00\n"
        "        hint      only the type differs: it is a number, write it without quotes\n"
        "    routes/shop.yaml:18:21: tasks\n"
        "        expected  3 tasks\n"
        '        found     2 tasks: ["Fulfil order #1001","Fulfil order #1001"]\n'
    )


def test_a_test_that_cannot_be_run_is_exit_code_1(test: Test) -> None:
    Path("routes/order.json").unlink()

    ran = test()

    assert ran.code == 1
    assert ran.out == (
        "! shop: a big order becomes a task  (routes/shop.yaml:10)\n"
        "    the event could not be sent: routes/order.json cannot be read: No such file or directory\n"
    )
    assert ran.err == "1 test: 0 passed, 1 could not be run\n"


def test_connectors_without_tests_are_named(test: Test) -> None:
    write("quiet.yaml", QUIET)

    assert test() == Ran(
        0,
        "✓ shop: a big order becomes a task\n",
        "1 test: 1 passed\nWithout tests: quiet\n",
    )
    assert "Without tests" not in test("-k", "big").err
    assert "Without tests" not in test("--connector", "shop").err


def test_of_one_file_only_its_own_tests_are_run_with_the_names_of_its_directory(
    test: Test,
) -> None:
    write("other.yaml", SHOP.replace("connector: shop", "connector: other"))
    write("z.yaml", "directory: {labels: {shopify: }}\n")
    write("labelled.yaml", QUIET.replace("title: Note", "title: Note, labels: [shopify]"))

    ran = test("routes/other.yaml", "routes/labelled.yaml")

    assert ran.code == 0
    assert ran.out == "✓ other: a big order becomes a task\n"
    assert ran.err == "1 test: 1 passed\nWithout tests: quiet\n"


def test_of_a_directory_of_a_team_only_its_own_tests_are_run_with_the_names_of_the_rest(
    test: Test,
) -> None:
    write("z.yaml", "directory: {labels: {shopify: }}\n")
    Path("routes/team").mkdir()
    write("team/order.json", ORDER)
    write("team/other.yaml", SHOP.replace("connector: shop", "connector: other"))
    write("team/labelled.yaml", QUIET.replace("title: Note", "title: Note, labels: [shopify]"))

    ran = test("routes/team")

    assert ran.code == 0
    assert ran.out == "✓ other: a big order becomes a task\n"
    assert ran.err == "1 test: 1 passed\nWithout tests: quiet\n"


def test_several_paths_are_tested_each_with_its_own_names(test: Test, tmp_path: Path) -> None:
    (tmp_path / "routes").rename(tmp_path / "one")
    write("quiet.yaml", QUIET)

    ran = test("one", "routes")

    assert (ran.code, ran.out) == (0, "✓ shop: a big order becomes a task\n")
    assert "Without tests: quiet" in ran.err


def test_tests_are_chosen_by_name_in_any_case_and_by_connector(test: Test) -> None:
    write("other.yaml", SHOP.replace("connector: shop", "connector: other"))
    write("shop.yaml", SHOP + FAILING)

    assert test("-k", "BIG").out.count("✓") == 2
    assert test("--name", "big", "--connector", "other").out == (
        "✓ other: a big order becomes a task\n"
    )
    assert test("--connector", "shop").code == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-k", "refund"], "no test has refund in its name"),
        (["--connector", "shpo"], "there is no connector shpo; did you mean shop?"),
        (["--connector", "zzz"], "there is no connector zzz; there are quiet, shop"),
        (["--connector", "quiet"], "there are no tests in the connector quiet: write some"),
        (["routes/quiet.yaml"], "there are no tests in these files: write some"),
        (["missing"], "does not exist"),
        (["notes.txt"], "is no rule file"),
        (["--format", "xml"], "'xml' is not one of"),
    ],
)
def test_nothing_to_test_is_exit_code_2(test: Test, arguments: Sequence[str], words: str) -> None:
    write("quiet.yaml", QUIET)
    Path("notes.txt").write_text("no rules")

    ran = test(*arguments)

    assert ran.code == 2
    assert words in ran.err


def test_without_a_directory_it_says_how_to_get_one(test: Test, tmp_path: Path) -> None:
    (tmp_path / "routes").rename(tmp_path / "other")

    ran = test()

    assert ran.code == 2
    assert "hookyard init routes" in ran.err


def test_rules_that_cannot_be_used_are_exit_code_1_with_their_problems(test: Test) -> None:
    write("bad.yaml", "connector: bad\nsorce: none\n")

    ran = test("--junit", "out.xml")

    assert ran.code == 1
    assert ran.out.startswith("routes/bad.yaml:2:1: error R011: there is no key `sorce` here\n")
    assert ran.err == "1 error: rules that cannot be used cannot be tested\n"
    assert "R011" in Path("out.xml").read_text("utf-8")


def test_what_is_wrong_with_a_test_is_told_by_check_too(
    test: Test, capsys: pytest.CaptureFixture[str]
) -> None:
    write("shop.yaml", SHOP.replace("rule: big order", "rule: big ordr"))

    code = run(["rules", "check"])

    assert code == 1
    assert (
        "routes/shop.yaml:12:20: error R048: there is no rule `big ordr`" in capsys.readouterr().out
    )
    assert "R048" in test().out


def test_the_json_holds_everything(test: Test) -> None:
    write("quiet.yaml", QUIET)
    write("shop.yaml", SHOP + FAILING)

    ran = test("--format", "json")

    told = json.loads(ran.out)
    assert ran.code == 1
    assert ran.err == ""
    assert {name: told[name] for name in told if name != "tests"} == {
        "passed": 1,
        "failed": 1,
        "errors": 0,
        "untested": ["quiet"],
        "problems": [],
    }
    passed, failed = told["tests"]
    assert passed.pop("seconds") > 0
    assert passed == {
        "connector": "shop",
        "name": "a big order becomes a task",
        "file": "routes/shop.yaml",
        "line": 10,
        "column": 5,
        "outcome": "passed",
        "events": ['routed: created "Fulfil order #1001" (big order)'],
        "trouble": None,
        "differences": [],
    }
    assert failed["outcome"] == "failed"
    assert failed["differences"][0] == {
        "event": 1,
        "path": "rule",
        "file": "routes/shop.yaml",
        "line": 16,
        "column": 13,
        "expected": '"big order"',
        "found": '"otherwise" matched',
        "hint": None,
        "why": ['big order: body.total_price gte 500: found "20.00" (routes/shop.yaml:6:58)'],
    }


def test_the_json_holds_the_problems_of_rules_that_cannot_be_used(test: Test) -> None:
    write("bad.yaml", "connector: bad\nsorce: none\n")

    told = json.loads(test("--format", "json").out)

    assert [problem["code"] for problem in told["problems"]] == ["R011"]
    assert told["tests"] == []


def test_junit_is_written_beside_what_is_printed(test: Test) -> None:
    ran = test("--junit", "build/reports/rules.xml")

    assert ran.out == "✓ shop: a big order becomes a task\n"
    assert 'name="a big order becomes a task"' in Path("build/reports/rules.xml").read_text("utf-8")


def test_junit_that_cannot_be_written_is_exit_code_2(test: Test) -> None:
    Path("file").write_text("")

    ran = test("--junit", "file/rules.xml")

    assert ran.code == 2
    assert "file/rules.xml cannot be written: " in ran.err


def test_the_marks_are_in_colour_on_a_terminal_unless_no_color_is_set(
    test: Test, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal:
        @staticmethod
        def isatty() -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Terminal)

    assert testing_report._painted("✓", "green") == "\x1b[32m✓\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert testing_report._painted("✓", "green") == "✓"


def test_in_a_pipe_the_marks_are_plain(test: Test) -> None:
    assert not sys.stdout.isatty()
    assert "\x1b" not in test().out


def test_what_a_payload_holds_does_not_steer_the_terminal(test: Test) -> None:
    order = '{"name": "\\u001b[31m", "total_price": 640}'
    expected = "custom: {total: a}"
    write(
        "shop.yaml",
        SHOP.replace('title: "Fulfil order #1001"', expected).replace(
            "body.total_price }}", "body.name }}"
        ),
    )
    write("order.json", f'{{"headers": {{"X-Shopify-Topic": "orders/create"}}, "body": {order}}}')

    ran = test()

    assert ran.code == 1
    assert "\x1b" not in ran.out
    assert "\\u001b[31m" in ran.out


def test_no_secret_is_needed_and_none_is_shown(test: Test, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKYARD_SECRET_SHOP_WEBHOOK", "canary-value")
    write("shop.yaml", SHOP + FAILING)

    ran = test()

    assert ran.code == 1
    assert "canary" not in ran.out + ran.err
