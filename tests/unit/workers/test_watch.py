"""What the operating system tells of changes below a directory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.routes import OPEN_DOOR, write_routes
from tests.support.waiting import wait_until
from workers import watch as module
from workers.watch import watch


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    return write_routes(tmp_path / "routes", open=OPEN_DOOR)


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STEP_MS", 5)
    monkeypatch.setattr(module, "_SAME_DIRECTORY_MS", 20)


@asynccontextmanager
async def watching(directory: Path) -> AsyncIterator[tuple[asyncio.Event, asyncio.Task[None]]]:
    """Give an event that is set when a change is told of, and the task that watches."""
    told = asyncio.Event()

    async def listen() -> None:
        async for _ in watch(directory):
            told.set()

    task = asyncio.create_task(listen())
    probe = directory / "probe"

    def is_heard() -> bool:
        probe.write_text("x")
        return told.is_set()

    try:
        await wait_until(is_heard, "the system tells of changes")
        told.clear()
        yield told, task
    finally:
        task.cancel()
        await asyncio.wait([task])


def _swap_hidden_link(routes: Path) -> None:
    (routes / "..next").symlink_to("..2")
    (routes / "..next").rename(routes / "..data")


@pytest.mark.parametrize(
    "change",
    [
        lambda routes: write_routes(routes, open=OPEN_DOOR + "# x\n"),
        lambda routes: write_routes(routes / "team", new=OPEN_DOOR),
        lambda routes: (routes / "open.yaml").unlink(),
        lambda routes: (routes / "open.yaml").rename(routes / "other.yaml"),
        _swap_hidden_link,
    ],
    ids=["written", "below", "gone", "renamed", "a mounted volume's link"],
)
async def test_changes_are_told_of(routes: Path, change: Callable[[Path], object]) -> None:
    async with watching(routes) as (told, _):
        change(routes)
        await wait_until(told.is_set, "the change is told of")


async def test_it_ends_when_another_directory_has_taken_the_place(
    routes: Path, tmp_path: Path
) -> None:
    async with watching(routes) as (_, task):
        await asyncio.to_thread(routes.rename, tmp_path / "away")
        write_routes(routes, open=OPEN_DOOR)
        await asyncio.wait_for(asyncio.shield(task), 10)


async def test_it_ends_when_the_directory_is_gone(routes: Path, tmp_path: Path) -> None:
    async with watching(routes) as (_, task):
        await asyncio.to_thread(routes.rename, tmp_path / "away")
        await asyncio.wait_for(asyncio.shield(task), 10)


async def test_a_directory_that_is_not_there_cannot_be_watched(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await anext(watch(tmp_path / "nowhere"))
