"""Closings of keys without a task, and the board on a real store: K5, K9, two workers at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import fakeredis
import pytest
from sqlalchemy import func, select

from router.core.store.engine import Store, open_store
from router.core.store.retention import trim
from router.core.store.routing import Writes, closings_of, tasks_of_keys, write
from router.core.store.schema import Row, closings, history, tasks
from rules.decision import Action
from rules.ruleset import RuleSet
from tests.support.judging import NOW_MS, cancel, complete, judged, open_task
from tests.support.manual_clock import ManualClock
from tests.support.memory import Memory
from tests.support.rows import closed, task_row
from tests.support.rule_files import HEAD, rule_set
from workers.apply import Judged
from workers.in_force import InForce
from workers.route import Routing


def closing_row(key: str, **given: object) -> Row:
    """Return a closing of an hour from now on."""
    return {
        "scope": "shop",
        "key": key,
        "version": "1",
        "closed_ms": NOW_MS,
        "until_ms": NOW_MS + 3_600_000,
        **given,
    }


async def _write(store: Store, **rows: list[Row]) -> None:
    async with store.begin() as conn:
        await write(conn, Writes(**rows))


async def test_a_closing_is_found_by_scope_and_key_and_gives_way_to_the_next(
    store: Store,
) -> None:
    first, other = closing_row("a"), closing_row("a", scope="shared:", version="\x00")
    await _write(store, closings=[first, other])
    next_one = closing_row("a", version="2", closed_ms=NOW_MS + 1, until_ms=NOW_MS + 2)
    await _write(store, closings=[next_one])
    await _write(store, closings=[next_one])

    async with store.begin() as conn:
        assert await closings_of(conn, []) == {}
        found = await closings_of(conn, [("shop", "a"), ("shared:", "a"), ("shop", "b")])
    assert found == {
        ("shop", "a"): next_one,
        ("shared:", "a"): other | {"version": "\ufffd"},
    }


async def test_closings_are_trimmed_by_their_end(store: Store) -> None:
    await _write(store, closings=[closing_row(f"k{at}", until_ms=at) for at in (3, 4, 5)])
    async with store.begin() as conn:
        assert await trim(conn, 4) == 1
        assert sorted(await conn.scalars(select(closings.c.key))) == ["k4", "k5"]


async def test_of_tasks_closed_in_one_millisecond_the_last_made_counts(store: Store) -> None:
    rows = [closed(task_row(key="k", number=number), NOW_MS) for number in (2, 3, 1)]
    await _write(store, new_tasks=rows)
    async with store.begin() as conn:
        assert (await tasks_of_keys(conn, [("shop", "k")]))["shop", "k"]["number"] == 3


@pytest.fixture
def in_force() -> InForce:
    found: RuleSet = rule_set(f"{HEAD}otherwise: {{drop: nothing to do}}\n")
    return InForce(found)


def worker(store: Store, name: str = "w1") -> Routing:
    """Return what routes for a worker; Redis is not asked by what is tested here."""
    return Routing(
        redis=fakeredis.FakeAsyncRedis(),
        store=store,
        rules=None,  # type: ignore[arg-type]  # asked for when a batch is judged, which ours are
        worker_id=name,
        clock=ManualClock(),
        stop=asyncio.Event(),
    )


@pytest.fixture
async def other_store(store: Store, database_url: str) -> AsyncIterator[Store]:
    """The same database, as another process has it."""
    opened = await open_store(database_url)
    yield opened
    await opened.close()


def sent(actions: list[Action], **given: Any) -> Judged:
    """Return an event that can be stored, with what is decided about it."""
    return judged(actions, headers={}, query={}, **given)


async def _all_tasks(store: Store) -> list[Row]:
    async with store.connect() as conn:
        found = await conn.execute(select(tasks).order_by(tasks.c.number))
        return [dict(row) for row in found.mappings()]


def _some_action(random: Random) -> Action:
    key, version = random.choice("ab"), random.choice([None, "1", "2", "3"])
    shared = random.choice([None, "", None])
    if random.random() < 0.5:
        how = random.choice([complete, cancel])
        return how(key, shared=shared, version=version, reopen_within_s=random.choice([60, 600]))
    return open_task(
        key,
        shared=shared,
        version=version,
        fields={"title": random.choice(["x", "y"]), "custom": {random.choice("ab"): 1}},
        on_open=random.choice(["update", "count", "ignore"]),
        on_closed=random.choice(["reopen", "new", "ignore"]),
        reopen_within_s=random.choice([60, 600]),
        deliver=random.choice([(), ("crm",)]),
        update=random.choice(["unless_edited", "always"]),
    )


def _some_event(random: Random) -> Judged:
    actions = [_some_action(random) for _ in range(random.randint(1, 3))]
    received_ms = NOW_MS + random.choice([0, 1, 60_000, 60_001, 600_000])
    return sent(actions, connector=random.choice(["shop", "store"]), received_ms=received_ms)


@pytest.mark.parametrize("seed", range(6))
async def test_the_store_ends_as_the_memory_of_the_property_tests_does(
    store: Store, in_force: InForce, seed: int
) -> None:
    random = Random(seed)  # noqa: S311  the same events at each run
    work, memory = worker(store), Memory(NOW_MS)
    for _ in range(12):
        batch = [_some_event(random) for _ in range(random.randint(1, 4))]
        memory.route(*batch)
        await work._settle(batch, in_force)

    at = {"updated_ms": NOW_MS}
    expected = sorted(memory.tasks.values(), key=lambda row: row["number"])
    assert [row | at for row in await _all_tasks(store)] == expected
    async with store.connect() as conn:
        found = await conn.execute(select(closings))
        kept = {(row["scope"], row["key"]): dict(row) for row in found.mappings()}
        changes = set(await conn.scalars(select(history.c.id)))
    assert kept == memory.closings
    assert changes == memory.history.keys()
    assert len(expected) > 4
    assert kept


async def test_two_workers_with_an_opening_and_its_closing_leave_nothing_open(
    store: Store, other_store: Store, in_force: InForce
) -> None:
    """Whichever comes first: 24 keys, each opened by one worker and closed by the other at once."""
    one, other = worker(store), worker(other_store, "w2")
    keys = [f"k{number}" for number in range(24)]
    openings = [sent([open_task(key, version="1", on_closed="reopen")]) for key in keys]
    closings_ = [sent([complete(key, version="1")]) for key in keys]

    async with asyncio.TaskGroup() as group:
        for start in range(0, len(keys), 3):
            group.create_task(one._settle(openings[start : start + 3], in_force))
            group.create_task(other._settle(closings_[start : start + 3], in_force))

    async with store.connect() as conn:
        remembered = set(await conn.scalars(select(closings.c.key)))
        found = (await conn.execute(select(tasks.c.key, tasks.c.status_kind))).all()
    assert {kind for _, kind in found} <= {"done"}
    assert sorted([*remembered, *(key for key, _ in found)]) == sorted(keys)


async def test_two_workers_that_open_one_key_at_once_make_one_task(
    store: Store, other_store: Store, in_force: InForce
) -> None:
    works = [worker(store), worker(other_store, "w2")]
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            opening = sent([open_task("k", on_open="count", shared="")])
            group.create_task(works[number % 2]._settle([opening], in_force))

    (row,) = await _all_tasks(store)
    assert (row["occurrences"], row["scope"]) == (20, "shared:")
    async with store.connect() as conn:
        assert await conn.scalar(select(func.count()).select_from(history)) == 20
