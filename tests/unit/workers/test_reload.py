"""Rules are reloaded when their files have changed; the set in force is swapped whole or stays."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import fakeredis
import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from structlog.testing import capture_logs

from router.core import rules_state
from router.core.intake_table import fetch
from router.core.store import rule_sets
from router.core.store.engine import Store
from tests.support.routes import OPEN_DOOR, write_routes
from tests.support.ruling import loader_of
from tests.support.waiting import wait_until
from workers import patience, reload, rule_files
from workers.reload import Reloader
from workers.rules_in_force import RulesInForce

Logs = list[MutableMapping[str, Any]]
OTHER = OPEN_DOOR.replace("open", "other")
BROKEN = "connector: open\nsource: none\nrulez: []\n"
WHY = "open.yaml:3:1: R011 there is no key `rulez` here; did you mean `rules`?"


class Source:
    """A watch in the test's hand: it tells of what is put into it, fails, or ends."""

    def __init__(self) -> None:
        self.directories: list[Path] = []
        self._told: asyncio.Queue[Exception | bool] = asyncio.Queue()

    async def __call__(self, directory: Path) -> AsyncIterator[None]:
        self.directories.append(directory)
        while told := await self._told.get():
            if isinstance(told, Exception):
                raise told
            yield

    def tell(self) -> None:
        self._told.put_nowait(True)

    def fail(self, error: Exception) -> None:
        self._told.put_nowait(error)

    def end(self) -> None:
        self._told.put_nowait(False)


class Bench:
    """The rules of a worker, their files, and what reloads them."""

    def __init__(self, routes: Path, redis: Redis, store: Store) -> None:
        self.routes = write_routes(routes, open=OPEN_DOOR)
        self.redis = redis
        self.store = store
        self.rules = loader_of(routes, redis, store)
        self.stop = asyncio.Event()
        self.asked = asyncio.Event()
        self.source = Source()
        self.reloader = Reloader(self.rules, stop=self.stop, asked=self.asked, source=self.source)

    def write(self, text: str, **others: str) -> None:
        write_routes(self.routes, open=text, **others)

    @property
    def connectors(self) -> list[str]:
        return list(self.rules.current.rule_set.connectors)


@pytest.fixture
async def bench(
    tmp_path: Path, redis: Redis, store: Store, monkeypatch: pytest.MonkeyPatch
) -> Bench:
    monkeypatch.setattr(rule_files, "QUIET_S", 0.005)
    monkeypatch.setattr(patience, "_FIRST_S", 0.002)
    made = Bench(tmp_path / "routes", redis, store)
    await made.rules.start(made.stop)
    return made


@pytest.fixture
async def running(bench: Bench) -> AsyncIterator[Bench]:
    """A reloader that looks only when it is told to."""
    task = asyncio.create_task(bench.reloader.run())
    await wait_until(lambda: bench.source.directories, "it listens")
    yield bench
    task.cancel()
    await asyncio.wait([task])


def events(logs: Logs) -> list[str]:
    return [entry["event"] for entry in logs]


async def test_a_changed_directory_is_in_force_kept_and_published(bench: Bench) -> None:
    before = bench.rules.current
    bench.write(OTHER)
    with capture_logs() as logs:
        await bench.reloader.look()

    after = bench.rules.current
    assert bench.connectors == ["other"]
    assert after is not before
    assert list(before.rule_set.connectors) == ["open"], "who has it in hand goes on with it"
    table = await fetch(bench.redis)
    assert table is not None
    assert (table.hash, list(table.connectors)) == (after.rule_set.hash, ["other"])
    async with bench.store.connect() as conn:
        kept = await rule_sets.last_good(conn)
    assert kept is not None
    assert kept["hash"] == after.rule_set.hash
    assert events(logs) == ["rules_in_force"]


async def test_without_a_change_nothing_is_loaded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(**_: object) -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr(bench.rules.files, "load", never)
    with capture_logs() as logs:
        await bench.reloader.look()

    assert logs == []


async def test_files_that_were_only_touched_change_nothing(bench: Bench) -> None:
    before = bench.rules.current
    (bench.routes / "open.yaml").touch()
    with capture_logs() as logs:
        await bench.reloader.look()

    assert bench.rules.current is before
    assert logs == []
    assert bench.rules.stamp == await bench.rules.files.stamp()


async def test_a_broken_edit_leaves_the_last_good_rules_and_says_why_once(bench: Bench) -> None:
    before = bench.rules.current
    bench.write(BROKEN)
    with capture_logs() as logs:
        await bench.reloader.look()
        (bench.routes / "open.yaml").touch()
        await bench.reloader.look()

    assert bench.rules.current is before
    assert events(logs) == ["rules_not_loaded"]
    assert (logs[0]["count"], logs[0]["problems"]) == (1, [f"{bench.routes}/{WHY}"])
    assert REGISTRY.get_sample_value("hookyard_rules_last_reload_success") == 0
    said = await rules_state.said(bench.redis)
    assert said is not None
    assert (said["state"], said["problems"]) == ("stale", [f"{bench.routes}/{WHY}"])
    table = await fetch(bench.redis)
    assert table is not None
    assert table.hash == before.rule_set.hash


async def test_one_bad_file_keeps_all_old_rules(bench: Bench) -> None:
    bench.write(OPEN_DOOR, other=OTHER, third=BROKEN)
    await bench.reloader.look()

    assert bench.connectors == ["open"]


@pytest.mark.parametrize(
    "put_right",
    [
        pytest.param(OPEN_DOOR, id="as it was"),
        pytest.param(OTHER, id="otherwise"),
    ],
)
async def test_put_right_again_all_is_good_and_that_is_said(bench: Bench, put_right: str) -> None:
    bench.write(BROKEN)
    with capture_logs():
        await bench.reloader.look()
    bench.write(put_right)
    with capture_logs() as logs:
        await bench.reloader.look()

    assert events(logs) == ["rules_in_force"]
    assert logs[0]["rules"] == bench.rules.current.rule_set.hash
    assert await rules_state.said(bench.redis) is None
    assert REGISTRY.get_sample_value("hookyard_rules_last_reload_success") == 1


async def test_since_when_it_is_broken_does_not_move_with_each_try(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    with capture_logs() as logs:
        for broken in (BROKEN, BROKEN + "x: 1\n"):
            bench.write(broken)
            await bench.reloader.look()
            said = await rules_state.said(bench.redis)
            assert said is not None
            seen.append((said["since"], len(said["problems"])))

    assert seen[0][0] == seen[1][0]
    assert [count for _, count in seen] == [1, 2]
    assert events(logs) == ["rules_not_loaded"] * 2


async def test_of_many_problems_the_first_are_told_and_how_many_more_there_are(
    bench: Bench,
) -> None:
    bench.write(OPEN_DOOR + "".join(f"x{number}: 1\n" for number in range(25)))
    with capture_logs() as logs:
        await bench.reloader.look()

    assert logs[0]["count"] == 25
    assert len(logs[0]["problems"]) == 11
    assert logs[0]["problems"][-1] == "and 15 more"


@pytest.mark.parametrize("kind", ["gone", "renamed", "empty", "a file"])
async def test_a_directory_that_is_no_more_keeps_the_rules_and_comes_back(
    bench: Bench, tmp_path: Path, kind: str
) -> None:
    away = tmp_path / "away"
    bench.routes.rename(away)
    if kind == "empty":
        bench.routes.mkdir()
    elif kind == "a file":
        bench.routes.write_text("x")
    with capture_logs() as logs:
        await bench.reloader.look()
    assert bench.connectors == ["open"]
    (problem,) = logs[0]["problems"]
    assert problem.startswith(f"{bench.routes}:1:1: R00")

    if kind == "empty":
        bench.routes.rmdir()
    elif kind == "a file":
        bench.routes.unlink()
    write_routes(away, open=OTHER).rename(bench.routes)
    with capture_logs():
        await bench.reloader.look()
    assert bench.connectors == ["other"]
    assert await rules_state.said(bench.redis) is None


async def test_a_file_that_may_not_be_read_any_more_keeps_the_rules(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.open

    def refuse(path: Path, *given: Any, **options: Any) -> Any:
        if path.name == "open.yaml":
            raise PermissionError(13, "Permission denied")
        return real(path, *given, **options)

    (bench.routes / "open.yaml").chmod(0)
    monkeypatch.setattr(Path, "open", refuse)  # root may read all the same
    with capture_logs() as logs:
        await bench.reloader.look()

    assert bench.connectors == ["open"]
    assert "cannot be read: Permission denied" in logs[0]["problems"][0]


async def test_a_directory_that_a_link_leads_to_may_be_swapped(
    bench: Bench, tmp_path: Path
) -> None:
    bench.routes.rename(tmp_path / "v1")
    bench.routes.symlink_to("v1")
    write_routes(tmp_path / "v2", open=OTHER)
    with capture_logs():
        await bench.reloader.look()
        assert bench.connectors == ["open"]
        other = tmp_path / "next"
        other.symlink_to("v2")
        other.rename(bench.routes)
        await bench.reloader.look()

    assert bench.connectors == ["other"]


async def test_a_change_that_the_system_tells_of_is_taken(
    running: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "_LOOK_S", 3600)
    running.source.tell()
    running.write(OTHER)
    running.source.tell()

    await wait_until(lambda: running.connectors == ["other"], "the edit is in force")


async def test_a_change_that_nobody_tells_of_is_seen_all_the_same(
    running: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "_LOOK_S", 0.01)
    running.source.tell()
    running.write(OTHER)

    await wait_until(lambda: running.connectors == ["other"], "the edit is in force")


async def test_asked_it_reloads_at_once_and_says_so(
    running: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rule_files, "QUIET_S", 3600)
    running.write(OTHER)
    with capture_logs() as logs:
        running.asked.set()
        await wait_until(lambda: running.connectors == ["other"], "the edit is in force")

    assert events(logs) == ["reload_asked", "rules_in_force"]
    assert not running.asked.is_set()


@pytest.mark.parametrize(
    "error",
    [
        OSError("No space left on device"),
        RuntimeError("error in underlying watcher"),
        ExceptionGroup("of a thread", [RuntimeError("error in underlying watcher")]),
    ],
)
async def test_without_a_watch_it_looks_and_says_so_once(
    running: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(reload, "_LOOK_S", 0.01)
    monkeypatch.setattr(reload, "_WATCH_AGAIN_S", 0.01)
    with capture_logs() as logs:
        for _ in range(3):
            running.source.fail(error)
        await wait_until(lambda: len(running.source.directories) == 4, "it tries to watch again")
        running.write(OTHER)
        running.source.tell()
        await wait_until(lambda: running.connectors == ["other"], "the edit is in force")
        running.source.fail(error)
        await wait_until(lambda: len(running.source.directories) == 5, "it tries to watch again")

    assert events(logs) == ["rules_not_watched", "rules_in_force", "rules_not_watched"]
    assert str(error) in logs[0]["reason"]


async def test_a_watch_that_ends_is_begun_again(
    running: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "_LISTEN_AGAIN_S", 0.001)
    monkeypatch.setattr(reload, "_LOOK_S", 0.001)
    with capture_logs() as logs:
        running.source.end()
        running.source.fail(FileNotFoundError("gone"))
        running.source.end()
        await wait_until(lambda: len(running.source.directories) == 4, "it watches again")

    assert logs == []


async def test_what_goes_wrong_in_one_look_does_not_end_the_watching(
    running: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reload, "_LOOK_S", 0.01)
    rules_reload = running.rules.reload
    numbers = itertools.count()

    async def broken(*given: Any) -> None:
        if next(numbers) == 0:
            raise ZeroDivisionError
        await rules_reload(*given)

    monkeypatch.setattr(running.rules, "reload", broken)
    with capture_logs() as logs:
        running.write(OTHER)
        running.source.tell()
        await wait_until(lambda: running.connectors == ["other"], "the edit is in force")

    assert events(logs) == ["reload_broken", "rules_in_force"]


async def test_while_redis_is_away_the_old_rules_stay_and_then_the_new_ones_come(
    running: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    server: fakeredis.FakeServer = running.redis.connection_pool.connection_kwargs["server"]
    with capture_logs() as logs:
        server.connected = False
        running.write(OTHER)
        running.source.tell()
        await wait_until(lambda: "waiting" in events(logs), "it waits for Redis")
        assert running.connectors == ["open"]
        server.connected = True
        await wait_until(lambda: running.connectors == ["other"], "the edit is in force")


async def test_the_stop_ends_it_also_while_it_waits_for_redis(bench: Bench, redis: Redis) -> None:
    server: fakeredis.FakeServer = redis.connection_pool.connection_kwargs["server"]
    with capture_logs() as logs:
        running = asyncio.create_task(bench.reloader.run())
        await wait_until(lambda: bench.source.directories, "it listens")
        server.connected = False
        bench.write(OTHER)
        bench.source.tell()
        await wait_until(lambda: "waiting" in events(logs), "it waits for Redis")
        bench.stop.set()
        await asyncio.wait_for(running, 5)
    server.connected = True

    assert bench.connectors == ["open"]


async def test_nothing_of_it_is_left_when_it_is_cancelled(bench: Bench) -> None:
    before = asyncio.all_tasks()
    running = asyncio.create_task(bench.reloader.run())
    # Itself, what listens, and what waits to be woken or asked.
    await wait_until(lambda: len(asyncio.all_tasks() - before) == 4, "it waits")

    running.cancel()
    await asyncio.wait([running])

    assert asyncio.all_tasks() == before


async def test_a_trouble_is_said_as_long_as_it_lasts(bench: Bench, rules: RulesInForce) -> None:
    """Each round of the sweeper says it again; what is not said again is forgotten."""
    bench.write(BROKEN)
    with capture_logs():
        await bench.reloader.look()
    await bench.redis.flushall()

    await bench.rules.uphold()

    assert await rules_state.said(bench.redis) is not None
    assert 0 < await bench.redis.pttl("hookyard:v1:rules-state") <= rules_state.SAID_FOR_MS


@pytest.fixture
def rules(bench: Bench) -> RulesInForce:
    return bench.rules
