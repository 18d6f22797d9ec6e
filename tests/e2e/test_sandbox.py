"""`hookyard sandbox` and the example that delivers to all five of its task APIs, as real processes."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.hookyard import Hookyard
from tests.support.programs import free_port
from tests.support.servers import RedisServer
from tests.support.vendors.offices import OFFICES, Shown
from tests.support.waiting import wait_until
from workers.sandbox import site

pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.timeout(180)]

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "sandbox"
FIVE = set(OFFICES)
Tasks = dict[str, list[Shown]]


class Town:
    """An installation beside a sandbox that it delivers to."""

    def __init__(self, hookyard: Hookyard, sandbox: str) -> None:
        self.hookyard = hookyard
        self.sandbox = sandbox

    async def tell(self, state: str, items: int = 3) -> None:
        """Let the shop tell of its order."""
        body = {"id": 1001, "state": state, "items": items, "email": "a@b.example"}
        async with self.hookyard.session.post("/hooks/orders", json=body) as answer:
            assert answer.status == 202, await answer.text()

    async def tasks(self) -> Tasks:
        """Return what each vendor has."""
        async with aiohttp.ClientSession() as session, session.get(self.sandbox) as answer:
            shown: dict[str, Any] = await answer.json()
        assert {each["status"] for each in shown.values()} == {"simulated"}
        return {
            name: [OFFICES[name].shown(task) for task in each["tasks"]]
            for name, each in shown.items()
        }


@pytest.fixture
async def town(tmp_path: Path, redis_server: RedisServer, sqlite_url: str) -> AsyncIterator[Town]:
    routes, port = tmp_path / "routes", free_port()
    hookyard = Hookyard(
        tmp_path / "hookyard",
        routes=routes,
        redis_url=redis_server.url,
        database_url=sqlite_url,
        **{f"secret_{site.KEY_NAME}": site.KEY},
    )
    async with hookyard:
        hookyard.process("sandbox", "--port", str(port), "--write", str(routes)).start()
        there = Town(hookyard, f"http://127.0.0.1:{port}/")
        await wait_until(there.tasks, "the sandbox is there", ignoring=(aiohttp.ClientError,))
        shutil.copy(EXAMPLE / "orders.yaml", routes)
        hookyard.upgrade()
        await hookyard.serve()
        hookyard.work()
        await hookyard.ready()
        yield there


async def test_a_task_is_the_same_one_at_all_five(town: Town) -> None:
    async def everywhere(text: str, *, closed: bool, but: frozenset[str] = frozenset()) -> Tasks:
        async def shown() -> Tasks | None:
            tasks = await town.tasks()
            assert all(len(each) <= 1 for each in tasks.values()), tasks
            right = {
                name
                for name, each in tasks.items()
                if each and text in each[0].text and each[0].closed is closed
            }
            return tasks if right >= FIVE - but else None

        return await wait_until(shown, f"{text!r}, closed: {closed}", within_s=60)

    await town.tell("new")
    created = await everywhere("3 items", closed=False)
    await town.tell("changed", items=12)
    await everywhere("12 items", closed=False, but=frozenset({"attio", "todovu"}))
    await town.tell("shipped")
    done = await everywhere("1001", closed=True, but=frozenset({"todovu"}))

    assert {name: each[0].id for name, each in created.items()} == {
        name: each[0].id for name, each in done.items()
    }
    assert "3 items" in done["attio"][0].text
    assert not done["todovu"][0].closed
    checked = town.hookyard.run("destinations", "check", "vambe")
    assert checked.returncode == 0, checked.stderr
    pulled = town.hookyard.run("directory", "pull", "heffl")
    assert "0 ids proposed, 5 in the directory already" in pulled.stderr


async def test_it_ends_at_a_signal_and_says_what_is_assumed(town: Town) -> None:
    (sandbox,) = [each for each in town.hookyard.processes if each.arguments[0] == "sandbox"]

    sandbox.terminate()

    assert sandbox.wait() == 0
    assert "status: simulated" in sandbox.log
    assert "a time of day needs a time zone" in sandbox.log
    assert "Stopped." in sandbox.log
