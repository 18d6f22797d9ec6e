"""`hookyard events refused` over a real store."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from router.cli.main import run
from router.core.clock import epoch_ms, utc_now
from router.core.store.engine import open_store
from router.core.store.migrate import upgrade
from router.core.store.refusals import add_refusals
from tests.support.rows import refusal_row

HOUR_MS = 3_600_000


@pytest.fixture(autouse=True)
def _refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Record three refusals in the database of the working directory."""
    monkeypatch.chdir(tmp_path)
    Path(".hookyard").mkdir()
    now_ms = epoch_ms(utc_now())
    rows = [
        refusal_row(connector="old", at_ms=now_ms - 5 * HOUR_MS),
        refusal_row(connector="alerts", at_ms=now_ms, code="credentials-missing", remote=None),
        refusal_row(at_ms=now_ms, reason="over 1,312 bytes \x1b[2J", code="signature-mismatch"),
    ]

    async def fill() -> None:
        url = "sqlite:///.hookyard/hookyard.db"
        await upgrade(url)
        store = await open_store(url)
        async with store.begin() as conn:
            await add_refusals(conn, rows)
        await store.close()

    asyncio.run(fill())


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["events", "refused", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def connectors(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    code, out, _ = refused(capsys, "--json", *arguments)
    assert code == 0
    data: list[dict[str, Any]] = json.loads(out)["data"]
    return [row["connector"] for row in data]


def test_each_refusal_is_a_line_that_says_who_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = refused(capsys)

    assert code == 0
    newest = next(line for line in out.splitlines() if "signature-mismatch" in line)
    for shown in ("shop", "401", "203.0.113.9", "over 1,312 bytes \\x1b[2J"):
        assert shown in newest
    assert "\x1b" not in out


def test_as_json_it_is_what_the_api_answers(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = refused(capsys, "--json", "--connector", "shop")

    answer = json.loads(out)
    (refusal,) = answer["data"]
    assert list(refusal) == [
        "id", "connector", "at", "status", "code", "reason", "remote", "headers",
    ]  # fmt: skip
    assert answer["next_cursor"] is None


def test_it_is_filtered(capsys: pytest.CaptureFixture[str]) -> None:
    assert connectors(capsys) == ["shop", "alerts", "old"]
    assert connectors(capsys, "--connector", "alerts") == ["alerts"]
    assert connectors(capsys, "--code", "bad-signature") == ["old"]
    assert connectors(capsys, "--since", "1h") == ["shop", "alerts"]
    assert connectors(capsys, "--since", "1h", "--connector", "old") == []


def test_page_follows_page(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, said = refused(capsys, "--limit", "2")
    cursor = said.strip().removeprefix("More: --cursor ")

    assert connectors(capsys, "--limit", "2", "--cursor", cursor) == ["old"]


@pytest.mark.parametrize("arguments", [["--since", "yesterday"], ["--limit", "0"], ["--nope"]])
def test_what_cannot_be_asked_is_bad_usage(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, out, said = refused(capsys, *arguments)

    assert (code, out) == (2, "")
    assert said
