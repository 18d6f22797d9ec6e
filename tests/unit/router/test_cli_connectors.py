"""`hookyard connectors`: what it says where there is no code, and where nothing came."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from router.cli.main import run
from router.core.settings import load_settings
from router.core.store import rule_sets
from router.core.store.engine import open_store
from router.core.store.migrate import upgrade
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
    assert "`hookyard send open --event FILE`" in error
    _, error = said(capsys, 2, "connectors", "code", "forn", "--routes", str(routes))
    assert "did you mean `form`?" in error
    (routes / "form.yaml").write_text("connector: form\n", "utf-8")
    _, error = said(capsys, 2, "connectors", "code", "form", "--routes", str(routes))
    assert "rules check" in error


async def test_where_nothing_came_it_is_said_and_a_slip_in_the_name_is_told_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOKYARD_DATABASE_URL", f"sqlite:///{tmp_path / 'hookyard.db'}")

    async def activity(expected: int, *arguments: str) -> tuple[str, str]:
        return await asyncio.to_thread(said, capsys, expected, "connectors", "activity", *arguments)

    url = load_settings().database
    await upgrade(url)
    out, error = await activity(0, "form")
    assert (out, "Nothing came to form from " in error) == ("", True), "no rules are known yet"

    store = await open_store(url)
    async with store.begin() as conn:
        table = {"hash": "0" * 64, "connectors": {"form": {"name": "form", "source": {}}}}
        await rule_sets.put_in_force(conn, "0" * 64, {}, table, now_ms=1)
    await store.close()

    out, error = await activity(0, "form", "--since", "2026-11-20")
    assert out == ""
    assert "Nothing came to form from 2026-11-20T00:00:00.000Z on" in error
    out, _ = await activity(0, "form", "--json")
    assert json.loads(out) == {"data": [], "days": [], "next_cursor": None}
    _, error = await activity(1, "forn")
    assert "the rules in force have no such connector; did you mean `form`?" in error
    _, error = await activity(1, "other", "--json")
    assert "there are form" in error
