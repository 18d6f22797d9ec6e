"""`hookyard connectors`: what it says where there is no code, and where nothing came."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from router.cli.main import run
from tests.support.routes import write_routes

FORM = "connector: form\nsource: task\nsecrets: [form_key]\ndedupe: off\n"
OPEN = "connector: open\nsource: none\ndedupe: off\notherwise: {drop: x}\n"


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    return write_routes(tmp_path / "routes", form=FORM, open=OPEN)


def said(capsys: pytest.CaptureFixture[str], expected: int, *arguments: str) -> tuple[str, str]:
    assert run(arguments) == expected
    written = capsys.readouterr()
    return written.out, written.err


def test_code_is_printed_as_it_is_or_as_json(
    routes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = ("connectors", "code", "form", "--routes", str(routes), "--lang", "python")
    plain, _ = said(capsys, 0, *code)
    shown, _ = said(capsys, 0, *code, "--json")

    found = json.loads(shown)
    assert found["code"] == plain
    assert (found["connector"], found["lang"]) == ("form", "python")
    assert found["body"]["title"] in plain


def test_what_has_no_code_is_said(routes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, error = said(capsys, 1, "connectors", "code", "open", "--routes", str(routes))
    assert "open has no code" in error
    _, error = said(capsys, 2, "connectors", "code", "forn", "--routes", str(routes))
    assert "did you mean `form`?" in error
    (routes / "form.yaml").write_text("connector: form\n", "utf-8")
    _, error = said(capsys, 2, "connectors", "code", "form", "--routes", str(routes))
    assert "rules check" in error
