"""Going on when something is away: waiting, a little longer each time, until the stop."""

from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from router.core.errors import StoreError, StoreUnavailableError
from workers import patience
from workers.patience import Backoff, StoppedError, insist


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_FIRST_S", 0.001)
    monkeypatch.setattr(patience, "_LONGEST_S", 0.004)


class Flaky:
    """Fails with each of the errors in turn, then works."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


async def test_what_works_is_done_once_and_nothing_is_said() -> None:
    operation = Flaky()
    with capture_logs() as logs:
        assert await insist("it", operation, asyncio.Event()) == "done"

    assert operation.calls == 1
    assert logs == []


async def test_what_is_away_is_tried_until_it_is_there_and_that_is_said_once() -> None:
    operation = Flaky(RedisConnectionError("gone"), OSError("gone"), StoreUnavailableError("gone"))
    with capture_logs() as logs:
        assert await insist("it", operation, asyncio.Event()) == "done"

    assert operation.calls == 4
    assert [(entry["event"], entry["what"]) for entry in logs] == [
        ("waiting", "it"),
        ("going_on", "it"),
    ]
    assert logs[0]["reason"] == "ConnectionError: gone"


async def test_an_error_that_waiting_does_not_mend_is_raised() -> None:
    operation = Flaky(StoreError("no such table"))

    with pytest.raises(StoreError):
        await insist("it", operation, asyncio.Event())

    assert operation.calls == 1


async def test_a_stop_ends_the_waiting_but_not_the_first_attempt() -> None:
    stop = asyncio.Event()
    stop.set()
    operation = Flaky(OSError("gone"))

    with pytest.raises(StoppedError):
        await insist("it", operation, stop)

    assert operation.calls == 1
    assert await insist("it", Flaky(), stop) == "done"


async def test_waits_double_up_to_the_longest_and_start_again_after_a_reset() -> None:
    backoff = Backoff(asyncio.Event())
    seen = []
    for _ in range(4):
        seen.append(backoff._next_s)
        await backoff.wait()
    backoff.reset()

    assert seen == [0.001, 0.002, 0.004, 0.004]
    assert backoff._next_s == 0.001
