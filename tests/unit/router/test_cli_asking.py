"""`destinations check` and `directory pull`, with the sandbox in the place of the vendors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from router.cli.main import run
from router.core.clock import utc_now
from tests.support.vendors.faults import RESET_BEFORE, Fault, Faults, status
from workers.sandbox import site
from workers.sandbox.simulator import Simulator


class Ran(NamedTuple):
    code: int
    out: str
    err: str


class Sandbox(NamedTuple):
    simulators: dict[str, Simulator]
    routes: Path
    hookyard: Callable[..., Awaitable[Ran]]

    def write(self, name: str, text: str) -> None:
        (self.routes / name).write_text(text)


@pytest.fixture
async def sandbox(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Sandbox]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOOKYARD_SECRET_SANDBOX_KEY", site.KEY)
    made = site.simulators(utc_now)
    routes = tmp_path / "routes"
    routes.mkdir()

    async def hookyard(*arguments: str) -> Ran:
        code = await asyncio.to_thread(run, arguments)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    async with TestServer(site.application(made), host="127.0.0.1") as server:
        for name, text in site.files(f"http://127.0.0.1:{server.port}").items():
            (routes / name).write_text(text)
        yield Sandbox(made, routes, hookyard)


async def test_the_types_are_listed_with_how_sure_we_are(sandbox: Sandbox) -> None:
    plain = await sandbox.hookyard("destinations")
    listed = await sandbox.hookyard("destinations", "list")
    rows = json.loads((await sandbox.hookyard("destinations", "list", "--json")).out)["data"]

    assert plain.out == listed.out
    certainty = {row["type"]: row["certainty"] for row in rows}
    assert (certainty["http"], certainty["attio"], certainty["todovu"]) == (
        "verified",
        "simulated",
        "assumed",
    )
    for row in rows:
        (line,) = [each for each in plain.out.splitlines() if each.startswith(f"{row['type']} ")]
        assert row["certainty"] in line
        assert ", ".join(row["changes"]) in line


CHECKED = [name for name in site.STANDS if name != "todovu"]


@pytest.mark.parametrize("name", CHECKED)
async def test_a_destination_that_answers_is_fine(sandbox: Sandbox, name: str) -> None:
    ran = await sandbox.hookyard("destinations", "check", name)

    assert (ran.code, ran.err) == (0, "")
    assert "answers and takes our credentials" in ran.out
    assert sandbox.simulators[name].tasks_now() == []


@pytest.mark.parametrize("name", CHECKED)
async def test_wrong_credentials_are_a_problem_that_names_what_to_set(
    sandbox: Sandbox, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKYARD_SECRET_SANDBOX_KEY", "n0tTheRightOne")

    ran = await sandbox.hookyard("destinations", "check", name)

    assert (ran.code, ran.out) == (1, "")
    assert "HOOKYARD_SECRET_SANDBOX_KEY" in ran.err
    assert "n0tTheRightOne" not in ran.err


async def test_a_secret_that_is_not_set_is_a_problem(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOOKYARD_SECRET_SANDBOX_KEY")

    ran = await sandbox.hookyard("destinations", "check", "heffl")

    assert ran.code == 1
    assert "secret 'sandbox_key' is not set" in ran.err


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        (RESET_BEFORE, 2, "does not answer"),
        (status(503), 2, "does not answer"),
        (status(429, headers={"Retry-After": "9"}), 2, "left alone"),
        (status(400), 1, "refuses the request"),
    ],
)
async def test_what_goes_wrong_is_told_with_its_exit_code(
    sandbox: Sandbox, fault: Fault, code: int, says: str
) -> None:
    # Twice: aiohttp repeats a GET whose connection breaks by itself, once.
    sandbox.simulators["heffl"].around = Faults(fault, fault)

    ran = await sandbox.hookyard("destinations", "check", "heffl")

    assert ran.code == code
    assert says in ran.err


async def test_nothing_there_is_told(sandbox: Sandbox) -> None:
    file = sandbox.routes / "sandbox-destinations.yaml"
    address = yaml.safe_load(file.read_text())["destinations"]["heffl"]["base_url"]
    file.write_text(file.read_text().replace(address, f"http://127.0.0.1:{unused_port()}"))

    ran = await sandbox.hookyard("destinations", "check", "heffl")

    assert ran.code == 2
    assert "heffl does not answer" in ran.err


async def test_an_api_without_a_harmless_call_says_so(sandbox: Sandbox) -> None:
    sandbox.write("http.yaml", "destinations: {x: {type: http, url: 'https://x.example/'}}")

    for name in ("todovu", "x"):
        ran = await sandbox.hookyard("destinations", "check", name)
        assert ran.code == 2
        assert "has no request that changes nothing" in ran.err
        ran = await sandbox.hookyard("directory", "pull", name)
        assert ran.code == 2
        assert "cannot be asked for ids" in ran.err


async def test_an_unknown_destination_is_told_with_those_there_are(sandbox: Sandbox) -> None:
    ran = await sandbox.hookyard("destinations", "check", "crm")

    assert ran.code == 2
    assert "no destination crm; it has: attio, heffl, leadsquared, todovu, vambe" in ran.err


async def test_ids_are_proposed_also_while_rules_lack_them(sandbox: Sandbox) -> None:
    """The connector cannot be used without the ids that are being asked for."""
    sandbox.write("sandbox-directory.yaml", "directory: {people: {jane: {name: Jane Roe}}}")
    sandbox.write(
        "shop.yaml",
        "{connector: shop, source: none, deliver: [heffl],"
        " rules: [{name: a, task: {title: a, assignees: [jane]}}]}",
    )
    assert (await sandbox.hookyard("rules", "check", "routes")).code == 1

    ran = await sandbox.hookyard("directory", "pull", "heffl")

    assert ran.code == 0
    patch = yaml.safe_load(ran.out)
    assert patch == {"directory": {"people": {"jane": {"ids": {"heffl": "usr_1"}}}}}
    assert "heffl has 5 names; 1 id proposed, 0 in the directory already." in ran.err


async def test_what_is_there_is_listed_as_json(sandbox: Sandbox) -> None:
    ran = await sandbox.hookyard("directory", "pull", "leadsquared", "--json")

    rows = json.loads(ran.out)["data"]
    assert rows[0] == {
        "kind": "people",
        "id": rows[0]["id"],
        "name": "Jane Roe",
        "email": "jane@acme.example",
        "known_as": "jane",
        "state": "same",
    }
    assert [row["name"] for row in rows if row["kind"] == "task_types"] == [
        "Follow up",
        "Phone Call",
    ]


async def test_pages_without_an_end_are_not_followed_for_ever(sandbox: Sandbox) -> None:
    async def endless(_request: web.Request, _answer: object) -> web.StreamResponse:
        return web.json_response({"data": [], "meta": {"nextCursor": "x", "hasMore": True}})

    sandbox.simulators["heffl"].around = endless

    ran = await sandbox.hookyard("directory", "pull", "heffl")

    assert ran.code == 2
    assert "more than 100 pages of people" in ran.err


async def test_a_file_of_destinations_with_errors_is_told(sandbox: Sandbox) -> None:
    sandbox.write("more.yaml", "destinations: {x: {type: attio}}")

    ran = await sandbox.hookyard("destinations", "check", "heffl")

    assert ran.code == 2
    assert "see `hookyard rules check`" in ran.err
