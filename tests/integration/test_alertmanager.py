"""A real Alertmanager against the real command: what its groups, repeats and resolutions come to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from router.core.store.migrate import upgrade
from tests.support.alertmanager import Alertmanager
from tests.support.hookyard import Hookyard
from tests.support.routes import ALERTS, write_routes
from tests.support.senders import ALERTS_TOKEN
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.alertmanager, pytest.mark.redis]

Task = dict[str, Any]


@pytest.fixture
async def hookyard(
    tmp_path: Path, redis_server: RedisServer, sqlite_url: str
) -> AsyncIterator[Hookyard]:
    """An installation with the connector `alerts`; nothing is started yet."""
    installation = Hookyard(
        tmp_path / "hookyard",
        routes=write_routes(tmp_path / "routes", alerts=ALERTS),
        redis_url=redis_server.url,
        database_url=sqlite_url,
    )
    await upgrade(sqlite_url)
    async with installation:
        yield installation


@pytest.fixture
def sender(alertmanager: Path, tmp_path: Path, hookyard: Hookyard) -> Iterator[Alertmanager]:
    """An Alertmanager that knows the installation's token; it repeats nothing for an hour."""
    with _running(alertmanager, tmp_path, hookyard) as server:
        yield server


@pytest.fixture
def repeating_sender(
    alertmanager: Path, tmp_path: Path, hookyard: Hookyard
) -> Iterator[Alertmanager]:
    """As `sender`, and it repeats what goes on every second."""
    with _running(alertmanager, tmp_path, hookyard, repeat="1s") as server:
        yield server


@contextmanager
def _running(
    program: Path, tmp_path: Path, hookyard: Hookyard, *, token: str = ALERTS_TOKEN, **options: str
) -> Iterator[Alertmanager]:
    directory = tmp_path / "alertmanager"
    directory.mkdir()
    url = f"{hookyard.url}/hooks/alerts"
    server = Alertmanager(program, directory, url=url, token=token, **options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


async def _start(hookyard: Hookyard) -> None:
    await hookyard.serve()
    hookyard.work()
    await hookyard.ready()


async def _tasks(hookyard: Hookyard) -> list[Task]:
    found: list[Task] = (await hookyard.get("/tasks"))["data"]
    return found


async def _tasks_become(
    hookyard: Hookyard, what: str, *expected: tuple[str, str], within_s: float = 20
) -> list[Task]:
    """Wait until the tasks are these, by title and kind of status, and return them."""

    async def are_there() -> list[Task] | None:
        tasks = await _tasks(hookyard)
        found = sorted((task["title"], task["status_kind"]) for task in tasks)
        return tasks if found == sorted(expected) else None

    return await wait_until(are_there, what, within_s=within_s)


async def test_an_alert_opens_a_task_and_its_resolution_completes_it(
    hookyard: Hookyard, sender: Alertmanager
) -> None:
    await _start(hookyard)

    await sender.fire("DiskFull", instance="db1")
    (task,) = await _tasks_become(hookyard, "a task is open", ("DiskFull", "initial"))
    await sender.resolve("DiskFull", instance="db1")
    (done,) = await _tasks_become(hookyard, "it is completed", ("DiskFull", "done"))

    assert done["id"] == task["id"]
    assert (done["occurrences"], task["source"]["rule"]) == (1, "firing")


async def test_each_repeat_of_a_group_is_counted_on_the_one_task(
    hookyard: Hookyard, repeating_sender: Alertmanager
) -> None:
    await _start(hookyard)
    await repeating_sender.fire("DiskFull", instance="db1")

    async def counted() -> list[Task] | None:
        tasks = await _tasks(hookyard)
        return tasks if tasks and tasks[0]["occurrences"] >= 3 else None

    (task,) = await wait_until(counted, "three occurrences are counted", within_s=20)

    assert (task["title"], task["status_kind"]) == ("DiskFull", "initial")
    events = (await hookyard.get("/events"))["data"]
    assert {event["status"] for event in events} == {"routed"}


async def test_the_alerts_of_one_group_are_tasks_of_their_own(
    hookyard: Hookyard, sender: Alertmanager
) -> None:
    await _start(hookyard)

    await sender.fire("DiskFull", instance="db1")
    await sender.fire("DiskFull", instance="db2")
    both = await _tasks_become(
        hookyard, "both are open", ("DiskFull", "initial"), ("DiskFull", "initial")
    )
    await sender.resolve("DiskFull", instance="db1")
    after = await _tasks_become(
        hookyard, "one is completed", ("DiskFull", "done"), ("DiskFull", "initial")
    )

    assert len({task["key"] for task in both}) == 2
    assert {task["id"] for task in after} == {task["id"] for task in both}


async def test_an_alert_that_comes_back_is_a_new_task(
    hookyard: Hookyard, sender: Alertmanager
) -> None:
    await _start(hookyard)
    await sender.fire("DiskFull")
    await _tasks_become(hookyard, "a task is open", ("DiskFull", "initial"))
    await sender.resolve("DiskFull")
    await _tasks_become(hookyard, "it is completed", ("DiskFull", "done"))

    await sender.fire("DiskFull")

    tasks = await _tasks_become(
        hookyard, "another is open", ("DiskFull", "done"), ("DiskFull", "initial")
    )
    assert len({task["key"] for task in tasks}) == 1


async def test_an_alert_that_fires_while_nobody_receives_is_not_lost(
    hookyard: Hookyard, sender: Alertmanager
) -> None:
    await sender.fire("DiskFull")
    await wait_until(
        lambda: "Notify attempt failed" in sender.log, "a notification has failed", within_s=20
    )

    await _start(hookyard)

    (task,) = await _tasks_become(hookyard, "a task is open", ("DiskFull", "initial"), within_s=30)
    assert task["occurrences"] == 1


async def test_without_the_token_nothing_is_accepted_and_the_refusal_is_recorded(
    alertmanager: Path, tmp_path: Path, hookyard: Hookyard
) -> None:
    await _start(hookyard)
    with _running(alertmanager, tmp_path, hookyard, token="not-the-token") as stranger:
        await stranger.fire("DiskFull")

        async def refused() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = (await hookyard.get("/refusals"))["data"]
            return found

        refusals = await wait_until(refused, "the refusal is recorded", within_s=20)

    assert {(each["connector"], each["status"]) for each in refusals} == {("alerts", 401)}
    assert "not-the-token" not in str(refusals)
    assert await _tasks(hookyard) == []
    assert (await hookyard.get("/events"))["data"] == []
