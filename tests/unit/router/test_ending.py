from __future__ import annotations

import asyncio
import contextlib

import pytest

from router.core import ending
from router.core.ending import end


async def test_tasks_have_ended_when_it_returns() -> None:
    tasks = [asyncio.create_task(asyncio.Event().wait()) for _ in range(3)]

    await end(*tasks)

    assert [task.cancelled() for task in tasks] == [True] * 3


async def test_a_task_that_loses_a_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ending, "_AGAIN_S", 0.01)
    begun = asyncio.Event()

    async def lose_the_first() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            begun.set()
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    task = asyncio.create_task(lose_the_first())
    await begun.wait()
    async with asyncio.timeout(5):
        await end(task)

    assert task.cancelled()


async def test_what_has_ended_already_is_left_alone() -> None:
    task = asyncio.create_task(asyncio.sleep(0, "done"))
    await asyncio.wait([task])

    await end(task)
    await end()

    assert task.result() == "done"
