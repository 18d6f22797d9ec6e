"""The files that tests name are looked for beside the rule file; what is not there is told, and stops nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rules.loader import load, load_texts
from rules.problems import Problem
from tests.support.catalogues import catalogues
from tests.support.rule_files import HEAD

SHOP = f"""\
{HEAD}rules:
  - name: order
    task: {{title: Order}}
tests:
  - name: a
    event: %s
    expect: {{tasks: 1}}
"""


def problems(tmp_path: Path, name: str, inner: str = "shop.yaml") -> list[Problem]:
    rule_file = tmp_path / "routes" / inner
    rule_file.parent.mkdir(parents=True, exist_ok=True)
    rule_file.write_text(SHOP % name)
    loaded = load(tmp_path / "routes", catalogues(), display=Path("routes"))
    assert loaded.rule_set is not None
    assert loaded.rule_set.tests
    return loaded.problems


def test_a_file_beside_the_rule_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "routes" / "team" / "payloads").mkdir(parents=True)
    (tmp_path / "routes" / "team" / "payloads" / "order.json").write_text("{}")

    assert problems(tmp_path, "payloads/order.json", "team/shop.yaml") == []
    assert problems(tmp_path, ".././team/payloads/order.json", "team/shop.yaml") == []


def test_a_path_may_be_absolute(tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text("{}")

    assert problems(tmp_path, str(tmp_path / "order.json")) == []


def test_a_file_that_is_not_there_is_a_warning_at_its_name(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "order.json")

    assert (problem.code, problem.severity, str(problem.span)) == (
        "R047",
        "warning",
        "routes/shop.yaml:9:12",
    )
    assert problem.message.endswith("there is no such file")
    assert problem.found == "routes/order.json"
    assert problem.hint is None


def test_each_file_of_several_events_is_looked_for(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        "{body: 1}\n    expect: {tasks: 1}\n  - name: b\n    events: [a.json, {event: b.json}]",
    )

    assert [problem.found for problem in found] == ["routes/a.json", "routes/b.json"]


def test_a_name_that_is_near_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "orders.json").write_text("{}")

    (problem,) = problems(tmp_path, "order.json")

    assert problem.hint == "in that directory, did you mean `orders.json`?"


def test_a_path_from_the_working_directory_is_told_how_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "payloads").mkdir()
    (tmp_path / "payloads" / "order.json").write_text("{}")
    monkeypatch.chdir(tmp_path)

    (problem,) = problems(tmp_path, "payloads/order.json")

    assert problem.hint == "paths start at the rule file: write `../payloads/order.json`"


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "payloads/order.json")

    assert problem.hint == "paths start at the rule file; there is no such directory from there"


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "routes" / "folder").mkdir(parents=True)
    os.mkfifo(tmp_path / "routes" / "pipe")

    assert [problems(tmp_path, name)[0].message.split(": ")[1] for name in ("folder", "pipe")] == [
        "it is a directory",
        "it is no file",
    ]


def test_a_path_that_leads_through_a_file_is_told(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "shop.yaml/order.json")

    assert problem.message.endswith("Not a directory")


def test_a_file_that_may_not_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "order.json").write_text("{}")
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)

    (problem,) = problems(tmp_path, "order.json")

    assert problem.message.endswith("it may not be read by this user")


def test_texts_that_were_read_elsewhere_are_not_looked_up() -> None:
    assert load_texts({"routes/shop.yaml": SHOP % "order.json"}, catalogues()).problems == []
