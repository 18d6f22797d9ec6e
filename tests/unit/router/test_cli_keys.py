"""`hookyard keys` for senders: issued once, shown once, rotated with an overlap."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from router.cli.main import run

HOUR = "1h"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["db", "upgrade"]) == 0
    capsys.readouterr()


@pytest.fixture
def keys(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["keys", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def listed(keys: Any) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = json.loads(keys("list", "--json")[1])["data"]
    return data


def test_a_senders_key_is_called_as_its_connector_calls_it(keys: Any) -> None:
    code, out, _ = keys("create", "form_key", "--scope", "hooks", "--json")

    made = json.loads(out)
    assert code == 0
    assert list(made) == ["id", "name", "scopes", "token"]
    assert (made["name"], made["scopes"]) == ("form_key", ["hooks"])
    assert made["token"] not in keys("list")[1]
    assert "never" in keys("list")[1]


def test_a_key_of_one_connector_needs_no_name_and_opens_nothing_else(keys: Any) -> None:
    made = json.loads(keys("create", "--connector", "support-form", "--json")[1])

    assert (made["name"], made["scopes"]) == ("connector:support-form", ["hooks"])
    assert keys("rotate", "connector:support-form")[0] == 0
    for wrong in (
        ["x", "--connector", "form"],
        ["--connector", "form", "--scope", "admin"],
        ["--connector", "No Name"],
        ["name-alone"],
        ["--scope", "admin"],
        ["connector:form", "--scope", "hooks", "--scope", "admin"],
    ):
        assert keys("create", *wrong)[:2] == (2, "")
    assert len(listed(keys)) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["form_key", "--scope", "hooks", "--scope", "admin"], "stands alone"),
        (["Form Key", "--scope", "hooks"], "as its connector calls it"),
        (["9", "--scope", "hooks"], "as its connector calls it"),
    ],
)
def test_what_cannot_be_a_senders_key_is_refused(
    keys: Any, arguments: list[str], words: str
) -> None:
    code, out, said = keys("create", *arguments)

    assert (code, out) == (2, "")
    assert words in said
    assert listed(keys) == []


@pytest.mark.parametrize("scope", ["hooks", "tasks:read"])
@pytest.mark.parametrize("by", ["name", "id"])
def test_a_rotated_key_has_a_successor_and_an_end(keys: Any, scope: str, by: str) -> None:
    first = json.loads(keys("create", "form_key", "--scope", scope, "--json")[1])

    code, out, _ = keys("rotate", first[by], "--overlap", HOUR, "--json")

    second = json.loads(out)
    assert code == 0
    assert (second["name"], second["scopes"]) == ("form_key", [scope])
    assert re.fullmatch(r"hky_[\w-]{43}", second["token"])
    assert second["token"] != first["token"]
    assert second["replaces"] == [first["id"]]
    ends = {row["id"]: row["revoked_at"] for row in listed(keys)}
    assert ends == {first["id"]: second["ends_at"], second["id"]: None}


def test_a_key_rotated_twice_ends_when_it_was_to_end(keys: Any) -> None:
    first = json.loads(keys("create", "form_key", "--scope", "hooks", "--json")[1])
    second = json.loads(keys("rotate", "form_key", "--overlap", HOUR, "--json")[1])
    third = json.loads(keys("rotate", "form_key", "--overlap", "7d", "--json")[1])

    assert sorted(third["replaces"]) == sorted([first["id"], second["id"]])
    ends = {row["id"]: row["revoked_at"] for row in listed(keys)}
    assert ends[first["id"]] == second["ends_at"]
    assert ends[second["id"]] == third["ends_at"]


def test_without_json_the_new_key_alone_is_the_result(keys: Any) -> None:
    keys("create", "form_key", "--scope", "hooks")

    code, out, said = keys("rotate", "form_key", "--overlap", "0s")

    assert code == 0
    assert re.fullmatch(r"hky_[\w-]{43}\n", out)
    assert "form_key" in said
    assert out.strip() not in said
    assert keys("rotate", "form_key")[0] == 0


def test_a_key_that_is_to_end_can_be_revoked_before(keys: Any) -> None:
    first = json.loads(keys("create", "form_key", "--scope", "hooks", "--json")[1])
    ends = json.loads(keys("rotate", "form_key", "--json")[1])["ends_at"]

    assert keys("revoke", first["id"])[0] == 0
    assert keys("revoke", first["id"])[0] == 1
    revoked = next(row for row in listed(keys) if row["id"] == first["id"])["revoked_at"]
    assert revoked < ends


def test_what_is_not_in_force_is_not_rotated(keys: Any) -> None:
    made = json.loads(keys("create", "form_key", "--scope", "hooks", "--json")[1])
    keys("revoke", made["id"])

    for name in ("form_key", made["id"], "nobody"):
        code, out, said = keys("rotate", name)
        assert (code, out) == (1, "")
        assert "hookyard keys list" in said


def test_of_several_of_one_name_with_other_scopes_the_id_is_asked_for(keys: Any) -> None:
    keys("create", "both", "--scope", "hooks")
    keys("create", "both", "--scope", "admin")

    code, _, said = keys("rotate", "both")

    assert code == 2
    assert "give an id" in said
    assert len(listed(keys)) == 2
