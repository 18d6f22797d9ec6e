"""What `hookyard sandbox` writes and prints; tests/e2e/test_sandbox.py runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.cli import sandbox
from router.cli.catalogues import catalogues
from router.cli.failures import CommandError
from router.core.clock import utc_now
from rules.loader import load
from workers.destinations import REGISTRY
from workers.sandbox import site
from workers.sandbox.simulator import Call

URL = "http://127.0.0.1:8090"


def test_every_type_of_a_vendor_has_its_stand() -> None:
    vendors = {each.name for each in REGISTRY} - {"http"}

    assert set(site.STANDS) == vendors
    for name, simulator in site.simulators(utc_now).items():
        assert simulator.name == name
        assert simulator.assumptions


def test_the_files_it_writes_have_no_problem_and_may_be_written_again(tmp_path: Path) -> None:
    sandbox._write(tmp_path, URL)
    sandbox._write(tmp_path, URL)

    loaded = load(tmp_path, catalogues())
    assert loaded.problems == []
    assert loaded.rule_set is not None
    assert set(loaded.rule_set.destinations) == set(site.STANDS)
    assert set(loaded.rule_set.secrets) == {site.KEY_NAME}


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "sandbox-directory.yaml"
    other.write_text("directory: {}\n")

    with pytest.raises(CommandError, match="not from `hookyard sandbox`"):
        sandbox._write(tmp_path, URL)

    assert other.read_text() == "directory: {}\n"
    assert not (tmp_path / "sandbox-destinations.yaml").exists()


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(CommandError, match="cannot be written"):
        sandbox._write(tmp_path / "file", URL)


def test_a_request_is_one_line_and_a_refusal_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    tell = sandbox._telling("heffl")

    tell(Call("GET", "/api/v2/tasks", 200, {"data": []}))
    tell(Call("POST", "/api/v2/tasks", 400, {"error": "a\nb\x1b[0m"}))
    tell(Call("POST", "/v2/x", 200, {"ExceptionType": "MX"}))

    assert capsys.readouterr().out.splitlines() == [
        "heffl        GET    /api/v2/tasks  200",
        'heffl        POST   /api/v2/tasks  400  {"error":"a\\nb\\u001b[0m"}',
        'heffl        POST   /v2/x  200  {"ExceptionType":"MX"}',
    ]
