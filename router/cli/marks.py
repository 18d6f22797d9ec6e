"""Marks of the processes that `hookyard up` started, so that a later one finds what was left behind.

A mark is a file `run/<name>.json` with the process's id, its start time and its program. A number
alone proves nothing (it may be another program's by now): a process is ours only if its start time
and its program are those of the mark.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from router.cli.failures import CommandError

_CLOCK_SLACK_S = 2.0
"""Start times are counted from the boot time, which moves a little when the clock is set."""

_POLL_S = 0.02


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the data directory for this process; the hold ends with the process, however it ends.

    Raises:
        CommandError: Another `hookyard up` holds it.
    """
    path = run_directory(data) / "up.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                f"another `hookyard up` is using {data}; stop it, or choose another --data"
            ) from None
        yield


def run_directory(data: Path) -> Path:
    """Return the directory of marks and sockets, made if need be, for this user alone."""
    directory = data / "run"
    try:
        for folder in (data, directory):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CommandError(
            f"{data} cannot be written: {error.strerror}; choose another --data"
        ) from error
    return directory


def put(data: Path, name: str, pid: int) -> None:
    """Mark a process that was just started; one that has ended already gets no mark."""
    try:
        process = psutil.Process(pid)
        mark = {"pid": pid, "started": process.create_time(), "program": process.name()}
    except psutil.NoSuchProcess:
        return
    path = run_directory(data) / f"{name}.json"
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(mark), "utf-8")
    draft.replace(path)


def remove(data: Path, name: str) -> None:
    """Take a mark away: its process has ended."""
    (run_directory(data) / f"{name}.json").unlink(missing_ok=True)


def find(data: Path, name: str) -> psutil.Process | None:
    """Return the running process of a mark; None if it ended or the number is another's now."""
    path = data / "run" / f"{name}.json"
    try:
        mark = json.loads(path.read_text("utf-8"))
        process = psutil.Process(int(mark["pid"]))
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        same_start = abs(process.create_time() - float(mark["started"])) <= _CLOCK_SLACK_S
        same_program = process.name() == mark["program"]
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None
    return process if same_start and same_program else None


def end_left_behind(data: Path, names: Sequence[str], *, grace_s: float = 30.0) -> list[str]:
    """End the marked processes that still run, in the order of names; return what was ended."""
    ended = []
    for name in names:
        process = find(data, name)
        if process is not None:
            end(process, grace_s=grace_s)
            ended.append(name)
        remove(data, name)
    return ended


def end(process: psutil.Process, *, grace_s: float) -> None:
    """Ask a process to stop, wait, and kill it when it has not stopped by then."""
    try:
        process.terminate()
        if not _has_ended(process, within_s=grace_s):
            process.kill()
            _has_ended(process, within_s=grace_s)
    except psutil.NoSuchProcess:
        return


def _has_ended(process: psutil.Process, *, within_s: float) -> bool:
    """Tell whether a process ends in time; one that nobody has buried yet has ended too."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(_POLL_S)
    return False
