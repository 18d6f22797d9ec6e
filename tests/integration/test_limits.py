"""What a destination is spared: no window with more than its rate, and nothing while it is in trouble."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from router.core.standing import let_go_on, standings
from router.core.store.engine import Store, open_store
from router.core.store.migrate import upgrade
from tests.support.batches import put_batch, webhook
from tests.support.downstream import Answer, Call, Downstream
from tests.support.routes import destinations, write_routes
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until
from tests.support.working import Workplace, rows

pytestmark = pytest.mark.redis

DESK = """\
version: 1
connector: desk
source: none
deliver: [downstream]
rules:
  - name: open
    task: {key: "{{ body.key }}", title: "{{ body.title }}"}
"""
RATE, TASKS = 25, 200


@pytest.fixture
async def downstream() -> AsyncIterator[Downstream]:
    async with Downstream() as server:
        yield server


def workplace(folder: Path, redis_server: RedisServer, url: str, *settings: str) -> Workplace:
    """Return a place whose destination has more settings, a line each."""
    configuration = destinations(url) + "".join(f"    {line}\n" for line in settings)
    routes = write_routes(folder / "routes", desk=DESK, destinations=configuration)
    return Workplace(routes, redis_server.url, f"sqlite:///{folder / 'limits.db'}")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """The database of `workplace`."""
    url = f"sqlite:///{tmp_path / 'limits.db'}"
    await upgrade(url)
    opened = await open_store(url)
    yield opened
    await opened.close()


async def open_tasks(redis: Redis, count: int, title: str = "First") -> None:
    bodies = [{"key": f"t{number}", "title": title} for number in range(count)]
    await put_batch(redis, *(webhook("desk", body) for body in bodies))


async def states(store: Store) -> list[str]:
    return [row["state"] for row in await rows(store, "deliveries")]


async def all_current(store: Store, count: int, *, within_s: float = 30) -> None:
    async def are_there() -> bool:
        return await states(store) == ["current"] * count

    await wait_until(are_there, f"all {count} copies are current", within_s=within_s)


def noting(downstream: Downstream, answer: Any = None) -> list[float]:
    """Note when requests arrive; `answer` says what they are answered, None as ever."""
    arrivals: list[float] = []

    def note(_: Call) -> Answer | None:
        arrivals.append(time.monotonic())
        made: Answer | None = answer() if answer else None
        return made

    downstream.decide = note
    return arrivals


@pytest.mark.parametrize("workers", [1, 2])
async def test_no_window_holds_more_than_the_rate_and_no_more_time_is_taken_than_it_needs(
    tmp_path: Path,
    redis_server: RedisServer,
    redis: Redis,
    store: Store,
    downstream: Downstream,
    workers: int,
) -> None:
    place = workplace(tmp_path, redis_server, downstream.url, f"rate: {RATE}/s", "concurrency: 16")
    arrivals = noting(downstream)

    async with place.worker(), place.worker(at_work=workers == 2):
        await open_tasks(redis, TASKS)
        await all_current(store, TASKS)

    assert len(arrivals) == len(downstream.tasks) == TASKS
    spans = [later - earlier for earlier, later in zip(arrivals, arrivals[RATE:], strict=False)]
    assert min(spans) >= 0.999, "26 requests in less than a second"
    needed = TASKS / RATE - 1
    assert needed - 0.1 <= arrivals[-1] - arrivals[0] < 3 * needed


async def test_updates_and_completions_count_for_the_rate_too(
    tmp_path: Path, redis_server: RedisServer, redis: Redis, store: Store, downstream: Downstream
) -> None:
    place = workplace(tmp_path, redis_server, downstream.url, "rate: 5/500ms")
    arrivals = noting(downstream)

    async with place.worker():
        await open_tasks(redis, 6)
        await all_current(store, 6)
        await open_tasks(redis, 6, "Second")
        await wait_until(lambda: len(arrivals) == 12, "all changes have arrived")

    assert [call.method for call in downstream.calls] == ["POST"] * 6 + ["PUT"] * 6
    spans = [later - earlier for earlier, later in zip(arrivals, arrivals[5:], strict=False)]
    assert min(spans) >= 0.4995


async def test_no_more_requests_are_under_way_than_allowed_over_all_workers(
    tmp_path: Path, redis_server: RedisServer, redis: Redis, store: Store, downstream: Downstream
) -> None:
    place = workplace(tmp_path, redis_server, downstream.url, "concurrency: 3", "timeout: 2s")
    downstream.decide = lambda _: Answer(how="late")

    async with place.worker(), place.worker():
        await open_tasks(redis, 12)
        await wait_until(lambda: len(downstream.calls) >= 3, "as many as are allowed are under way")
        assert len(downstream.calls) == 3
        downstream.decide = lambda _: None
        downstream.release()
        await all_current(store, 12)


async def test_a_breaker_opens_probes_and_closes_and_then_the_backlog_drains(
    tmp_path: Path, redis_server: RedisServer, redis: Redis, store: Store, downstream: Downstream
) -> None:
    place = workplace(
        tmp_path,
        redis_server,
        downstream.url,
        "breaker: {after: 3, for: 400ms, max: 800ms}",
        "concurrency: 2",
    )
    is_down = True
    arrivals = noting(downstream, lambda: Answer(503, b"{}") if is_down else None)

    async with place.worker(), place.worker():
        await open_tasks(redis, 40)
        await wait_until(lambda: len(arrivals) >= 8, "it is probed", within_s=30)
        standing = (await standings(redis, ["downstream"]))["downstream"]
        assert (standing.state, standing.code) == ("open", "breaker-open")
        assert "503" in (standing.message or "")
        assert (await states(store)).count("pending") > 20, "what was not tried waits"

        is_down = False
        await all_current(store, 40)

    opened = arrivals[:4]  # three failures, and one that was under way
    probes = arrivals[4:8]
    pauses = [later - earlier for earlier, later in pairwise(probes)]
    assert opened[-1] - opened[0] < 0.4
    assert min(pauses) >= 0.75, "each probe waits as long as the longest time"
    assert (await standings(redis, ["downstream"]))["downstream"].state == "ok"
    assert len(downstream.created) == 40


async def test_somebody_who_retries_lets_a_probe_through_at_once(
    tmp_path: Path, redis_server: RedisServer, redis: Redis, store: Store, downstream: Downstream
) -> None:
    place = workplace(
        tmp_path, redis_server, downstream.url, "breaker: {after: 1, for: 1h, max: 1h}"
    )
    downstream.script.append(Answer(503, b"{}"))

    async with place.worker():
        await open_tasks(redis, 1)
        await wait_until(lambda: states_are(redis, "open"), "the breaker is open")
        assert not await let_go_on(redis, "downstream")
        await all_current(store, 1)

    assert (await standings(redis, ["downstream"]))["downstream"].state == "ok"


async def states_are(redis: Redis, state: str) -> bool:
    return (await standings(redis, ["downstream"]))["downstream"].state == state
