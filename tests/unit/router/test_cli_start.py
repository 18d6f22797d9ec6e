"""SIGHUP: a terminal that is closed stops what it ran; without one it asks for the rules anew."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from router.cli import start
from router.cli.start import on_hangup, stop_on_signals

ROOT = Path(__file__).resolve().parents[3]
ASK = "from router.cli.start import _has_terminal; print(_has_terminal())"
TAKE = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"


@pytest.mark.parametrize("has_terminal", [False, True])
async def test_what_a_hangup_means_depends_on_the_terminal(
    monkeypatch: pytest.MonkeyPatch, *, has_terminal: bool
) -> None:
    monkeypatch.setattr(start, "_has_terminal", lambda: has_terminal)
    stop, reload = stop_on_signals(), asyncio.Event()
    try:
        on_hangup(reload.set)

        os.kill(os.getpid(), signal.SIGHUP)

        expected = stop if has_terminal else reload
        await asyncio.wait_for(expected.wait(), 10)
        assert (stop.is_set(), reload.is_set()) == (has_terminal, not has_terminal)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().remove_signal_handler(number)


@pytest.mark.parametrize(("code", "answer"), [(ASK, "False"), (TAKE + ASK, "True")])
def test_a_process_knows_whether_a_terminal_controls_it(code: str, answer: str) -> None:
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": str(ROOT)},
            stdin=theirs,
            stdout=subprocess.PIPE,
            start_new_session=True,
            check=True,
            timeout=60,
        )
    finally:
        os.close(ours)
        os.close(theirs)

    assert done.stdout.decode().strip() == answer
