"""`hookyard rules schema` keeps the schemas of a directory up to date, or says that they are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from router.cli.main import run

NAMES = [f"{kind}.schema.json" for kind in ("connector", "destinations", "directory")]


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_they_are_printed_as_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "schema"]) == 0

    assert list(json.loads(capsys.readouterr().out)) == ["connector", "destinations", "directory"]


def test_they_are_written_where_one_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["rules", "schema", "--write", "deep/schema"]) == 0

    assert capsys.readouterr().out.split() == [f"deep/schema/{name}" for name in NAMES]
    for name in NAMES:
        assert json.loads((tmp_path / "deep" / "schema" / name).read_text())["$schema"]


def test_what_is_up_to_date_is_not_written_again(capsys: pytest.CaptureFixture[str]) -> None:
    run(["rules", "schema", "--write", "s"])
    capsys.readouterr()

    assert run(["rules", "schema", "--write", "s"]) == 0
    assert capsys.readouterr().out == ""
    assert run(["rules", "schema", "--write", "s", "--check"]) == 0


def test_check_names_what_is_missing_or_old_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["rules", "schema", "--write", "s"])
    (tmp_path / "s" / NAMES[0]).write_text("{}")
    (tmp_path / "s" / NAMES[1]).unlink()
    capsys.readouterr()

    code = run(["rules", "schema", "--write", "s", "--check"])

    captured = capsys.readouterr()
    assert (code, captured.out) == (1, "")
    assert "connector.schema.json is not up to date" in captured.err
    assert "destinations.schema.json is not there" in captured.err
    assert (tmp_path / "s" / NAMES[0]).read_text() == "{}"
    assert not (tmp_path / "s" / NAMES[1]).exists()


def test_a_directory_that_cannot_be_written_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s").write_text("a file")

    assert run(["rules", "schema", "--write", "s/below"]) == 2
    assert "s/below cannot be written" in capsys.readouterr().err
