from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from router.cli import supervise
from router.cli.failures import CommandError
from router.cli.supervise import Part, Supervisor
from tests.support.waiting import wait_until

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


class _Watched:
    """A supervisor that writes down what it starts and what ended."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.ended: list[int] = []
        self.supervisor = Supervisor(
            started=lambda _name, pid: self.started.append(pid),
            ended=lambda _name, pid: self.ended.append(pid),
        )


@pytest.fixture
async def watched() -> AsyncIterator[_Watched]:
    watched = _Watched()
    yield watched
    await watched.supervisor.stop()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "_FIRST_WAIT_S", 0.01)


def _part(code: str, tmp_path: Path, grace_s: float = 10) -> Part:
    return Part("worker", [sys.executable, "-c", code], {}, grace_s, tmp_path / "log")


async def _until(condition: Callable[[], bool]) -> None:
    await wait_until(condition, "the part is as expected", within_s=20)


def _up(tmp_path: Path, times: int = 1) -> Callable[[], bool]:
    log = tmp_path / "log"
    return lambda: log.exists() and log.read_text().count("up") >= times


async def test_a_part_runs_until_it_is_stopped(watched: _Watched, tmp_path: Path) -> None:
    await watched.supervisor.start(_part(SLEEP, tmp_path))
    await _until(_up(tmp_path))
    assert watched.supervisor.running("worker")

    await watched.supervisor.stop("worker")

    assert not watched.supervisor.running("worker")
    assert watched.ended == watched.started
    assert not psutil.pid_exists(watched.started[0])


async def test_a_part_that_dies_is_started_again(watched: _Watched, tmp_path: Path) -> None:
    await watched.supervisor.start(_part(SLEEP, tmp_path))
    for times in (1, 2, 3):
        await _until(_up(tmp_path, times))
        psutil.Process(watched.started[-1]).send_signal(signal.SIGKILL)
    await _until(_up(tmp_path, 4))

    await watched.supervisor.stop()

    assert len(set(watched.started)) == 4
    assert watched.ended == watched.started


async def test_it_waits_longer_each_time_and_can_be_stopped_meanwhile(
    watched: _Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "_FIRST_WAIT_S", 60.0)
    await watched.supervisor.start(_part("raise SystemExit(1)", tmp_path))
    await _until(lambda: len(watched.ended) == 1)

    await watched.supervisor.stop()

    assert len(watched.started) == 1


async def test_a_part_that_cannot_run_is_given_up(watched: _Watched, tmp_path: Path) -> None:
    await watched.supervisor.start(_part("raise SystemExit(2)", tmp_path))

    async with asyncio.timeout(20):
        await watched.supervisor.gave_up.wait()

    assert watched.supervisor.reason == "worker could not run"
    assert len(watched.started) == 1


async def test_a_part_that_does_not_stop_in_time_is_killed(
    watched: _Watched, tmp_path: Path
) -> None:
    await watched.supervisor.start(_part(STUBBORN, tmp_path, grace_s=0.1))
    await _until(_up(tmp_path))

    await watched.supervisor.stop()

    assert not psutil.pid_exists(watched.started[0])


async def test_a_part_leads_its_own_session_so_that_ctrl_c_does_not_reach_it(
    watched: _Watched, tmp_path: Path
) -> None:
    code = "import os; print('up', os.getsid(0) == os.getpid(), flush=True); import time; time.sleep(60)"
    await watched.supervisor.start(_part(code, tmp_path))

    await _until(_up(tmp_path))

    assert (tmp_path / "log").read_text() == "up True\n"


async def test_a_program_that_is_not_there_is_named(watched: _Watched) -> None:
    with pytest.raises(CommandError, match="redis: /no/such/program cannot be started"):
        await watched.supervisor.start(Part("redis", ["/no/such/program"], {}))

    await watched.supervisor.stop("redis")


async def test_a_signal_reaches_the_part_that_runs_and_nobody_else(
    watched: _Watched, tmp_path: Path
) -> None:
    heard = "import signal; signal.signal(signal.SIGHUP, lambda *_: print('heard', flush=True)); "
    await watched.supervisor.start(_part(heard + SLEEP, tmp_path))
    await _until(_up(tmp_path))

    watched.supervisor.send("worker", signal.SIGHUP)
    watched.supervisor.send("receiver", signal.SIGHUP)

    await _until(lambda: "heard" in (tmp_path / "log").read_text())
    await watched.supervisor.stop()
    watched.supervisor.send("worker", signal.SIGHUP)
