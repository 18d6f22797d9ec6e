"""Several workers, each with files of its own: receivers know the newest set that a living one goes by."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from router.core import keys
from router.core.intake_table import fetch, published
from router.core.store import rule_sets
from router.core.store.engine import Store
from tests.support.manual_clock import ManualClock
from tests.support.routes import OPEN_DOOR, write_routes
from tests.support.ruling import loader_of
from workers import rule_files
from workers.rules_in_force import RulesInForce

FIRST, SECOND, THIRD = (OPEN_DOOR.replace("open", name) for name in ("first", "second", "third"))


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_files, "QUIET_S", 0)


class Crew:
    """Workers on one Redis and database, each with a directory of its own."""

    def __init__(self, folder: Path, redis: Redis, store: Store, clock: ManualClock) -> None:
        self._folder = folder
        self.redis = redis
        self.store = store
        self.clock = clock

    async def start(self, name: str, text: str) -> RulesInForce:
        """Start a worker on files, or start it again."""
        directory = write_routes(self._folder / name, rules=text)
        worker = loader_of(directory, self.redis, self.store, self.clock)
        await worker.start(asyncio.Event())
        return worker

    async def edit(self, worker: RulesInForce, text: str) -> None:
        write_routes(worker.files.directory, rules=text)
        await worker.reload(await worker.files.load(after_quiet=False), asyncio.Event())

    async def rounds(self, *workers: RulesInForce, count: int = 12) -> None:
        """Let workers do their rounds, a second each."""
        for _ in range(count):
            for worker in workers:
                await worker.uphold()
            self.clock.forward(1000)

    async def forget(self) -> None:
        """Let all expire that nobody said again."""
        for name in await self.redis.keys(keys.rules_used("*")):
            await self.redis.delete(name)

    async def table(self) -> list[str]:
        """Return the connectors that receivers know."""
        found = await fetch(self.redis)
        assert found is not None
        return list(found.connectors)

    async def last_good(self) -> str:
        async with self.store.connect() as conn:
            row = await rule_sets.last_good(conn)
        assert row is not None
        return str(row["hash"])


@pytest.fixture
def crew(tmp_path: Path, redis: Redis, store: Store, clock: ManualClock) -> Crew:
    return Crew(tmp_path, redis, store, clock)


def decides(worker: RulesInForce) -> list[str]:
    return list(worker.current.rule_set.connectors)


async def test_a_worker_with_newer_files_replaces_what_receivers_know(crew: Crew) -> None:
    old = await crew.start("a", FIRST)
    new = await crew.start("b", SECOND)

    assert await crew.table() == ["second"]
    assert await crew.last_good() == new.current.rule_set.hash
    assert decides(old) == ["first"]


async def test_workers_with_different_files_do_not_take_turns(crew: Crew) -> None:
    old = await crew.start("a", FIRST)
    new = await crew.start("b", SECOND)
    with capture_logs() as logs:
        await crew.rounds(old, new)

    assert await crew.table() == ["second"]
    assert logs == []


async def test_a_worker_that_starts_again_on_older_files_replaces_nothing(crew: Crew) -> None:
    await crew.start("a", FIRST)
    new = await crew.start("b", SECOND)
    for _ in range(3):
        again = await crew.start("a", FIRST)
        await crew.rounds(again, new, count=2)

        assert decides(again) == ["first"]
        assert await crew.table() == ["second"]
    assert await crew.last_good() == new.current.rule_set.hash


async def test_an_edit_of_its_own_files_counts_also_if_it_goes_back(crew: Crew) -> None:
    worker = await crew.start("a", FIRST)
    other = await crew.start("b", FIRST)
    for text, name in ((SECOND, "second"), (FIRST, "first"), (SECOND, "second")):
        await crew.edit(worker, text)
        await crew.rounds(other, worker, count=1)

        assert await crew.table() == [name]
        assert await crew.last_good() == worker.current.rule_set.hash


async def test_a_set_is_newer_than_the_one_before_whatever_the_clock_says(crew: Crew) -> None:
    worker = await crew.start("a", FIRST)
    crew.clock.forward(-3_600_000)
    behind = await crew.start("b", SECOND)
    with capture_logs() as logs:
        await crew.rounds(worker, behind)

    assert await crew.table() == ["second"]
    assert await crew.last_good() == behind.current.rule_set.hash
    assert logs == []


async def test_when_no_worker_goes_by_the_newer_set_any_more_the_older_one_is_back(
    crew: Crew,
) -> None:
    """Workers that are restarted on the rules of last week, say."""
    await crew.start("a", FIRST)
    newer = await crew.start("b", SECOND)
    again = await crew.start("a", FIRST)
    await crew.forget()
    with capture_logs() as logs:
        await crew.rounds(again, count=5)
        assert await crew.table() == ["second"], "after an outage all have to say so anew"
        await crew.rounds(again, count=2)

    assert await crew.table() == ["first"]
    assert await crew.last_good() == again.current.rule_set.hash
    assert [entry["event"] for entry in logs] == ["older_rules_published"]
    assert logs[0]["instead_of"] == newer.current.rule_set.hash


async def test_after_an_outage_the_newer_set_stays(crew: Crew) -> None:
    old = await crew.start("a", FIRST)
    new = await crew.start("b", SECOND)
    await crew.forget()

    await crew.rounds(old, new)

    assert await crew.table() == ["second"]


async def test_what_redis_lost_is_published_again_and_the_newest_wins(crew: Crew) -> None:
    old = await crew.start("a", FIRST)
    new = await crew.start("b", SECOND)
    await crew.redis.flushall()
    with capture_logs() as logs:
        await old.uphold()
        assert await crew.table() == ["first"]
        await new.uphold()
        await crew.rounds(old, new)

    assert await crew.table() == ["second"]
    assert [entry["event"] for entry in logs] == ["intake_table_published_again"] * 2


async def test_what_was_kept_and_not_published_is_published_at_the_next_start(crew: Crew) -> None:
    """A worker was killed in between."""
    await crew.start("a", FIRST)
    earlier = await crew.redis.mget(keys.INTAKE_TABLE, keys.RULES_PUBLISHED)
    await crew.start("b", SECOND)
    await crew.redis.mset({keys.INTAKE_TABLE: earlier[0], keys.RULES_PUBLISHED: earlier[1]})

    with capture_logs():
        await crew.start("b", SECOND)

    assert await crew.table() == ["second"]


async def test_a_worker_on_broken_files_takes_the_newest_good_rules_and_leaves_them_published(
    crew: Crew,
) -> None:
    await crew.start("a", FIRST)
    newer = await crew.start("b", SECOND)
    with capture_logs():
        broken = await crew.start("c", "connector: [")

    assert decides(broken) == ["second"]
    found = await published(crew.redis)
    assert found is not None
    assert found.hash == newer.current.rule_set.hash


async def test_the_newest_set_is_at_hand_for_a_worker_that_has_not_seen_it(crew: Crew) -> None:
    behind = await crew.start("a", FIRST)
    assert await behind.newest() is behind.current
    ahead = await crew.start("b", SECOND)

    newest = await behind.newest()

    assert newest.rule_set.hash == ahead.current.rule_set.hash
    assert list(newest.rule_set.connectors) == ["second"]
    assert await behind.newest() is newest
    assert decides(behind) == ["first"]
    await crew.edit(behind, SECOND)
    assert await behind.newest() is behind.current


async def test_a_newest_set_that_cannot_be_used_here_is_asked_for_once_and_not_used(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is of another release, or gone."""
    behind = await crew.start("a", FIRST)
    ahead = await crew.start("b", SECOND)
    async with crew.store.begin() as conn:
        await rule_sets.put_in_force(
            conn, ahead.current.rule_set.hash, {"a.yaml": "connector: ["}, {}, now_ms=2**60
        )
    asked = 0
    find = rule_sets.find

    async def counted(*given: Any) -> MutableMapping[str, Any] | None:
        nonlocal asked
        asked += 1
        return await find(*given)

    monkeypatch.setattr(rule_sets, "find", counted)
    for _ in range(3):
        assert await behind.newest() is behind.current
    assert asked == 1
    await crew.edit(ahead, THIRD)
    async with crew.store.begin() as conn:
        await conn.exec_driver_sql("DELETE FROM rule_sets")
    assert await behind.newest() is behind.current


async def test_without_anything_published_the_newest_are_its_own(crew: Crew) -> None:
    worker = await crew.start("a", FIRST)
    await crew.redis.flushall()

    assert await worker.newest() is worker.current
