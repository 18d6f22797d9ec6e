from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from router.cli import marks
from router.cli.failures import CommandError

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with _start(SLEEP) as process:
        yield process
        process.kill()


def _start(code: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_a_marked_process_is_found_while_it_runs(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    marks.put(tmp_path, "worker", sleeper.pid)

    found = marks.find(tmp_path, "worker")

    assert found is not None
    assert found.pid == sleeper.pid


def test_a_process_that_ended_is_not_found(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    marks.put(tmp_path, "worker", sleeper.pid)
    sleeper.kill()

    assert _zombie_or_gone(sleeper.pid)
    assert marks.find(tmp_path, "worker") is None
    sleeper.wait()
    assert marks.find(tmp_path, "worker") is None


def _zombie_or_gone(pid: int) -> bool:
    process = psutil.Process(pid)
    for _ in range(1000):
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
        process.cpu_times()
    return False


@pytest.mark.parametrize(
    "changed", [{"started": 12345.0}, {"program": "another"}, {"pid": 2**30}, {"pid": "x"}]
)
def test_a_number_that_is_another_programs_by_now_is_not_ours(
    tmp_path: Path, sleeper: subprocess.Popen[bytes], changed: dict[str, object]
) -> None:
    marks.put(tmp_path, "worker", sleeper.pid)
    path = tmp_path / "run" / "worker.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))

    assert marks.find(tmp_path, "worker") is None
    assert marks.end_left_behind(tmp_path, ["worker"]) == []
    assert sleeper.poll() is None


@pytest.mark.parametrize("text", ["", "[]", "{}", "not json"])
def test_a_mark_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "worker.json").write_text(text)

    assert marks.find(tmp_path, "worker") is None


def test_what_was_left_behind_is_ended_and_its_mark_removed(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    marks.put(tmp_path, "worker", sleeper.pid)

    assert marks.end_left_behind(tmp_path, ["receiver", "worker"]) == ["worker"]

    assert sleeper.wait(5) == -signal.SIGTERM
    assert not (tmp_path / "run" / "worker.json").exists()


def test_what_does_not_stop_is_killed(tmp_path: Path) -> None:
    with _start(STUBBORN) as process:
        marks.put(tmp_path, "worker", process.pid)

        assert marks.end_left_behind(tmp_path, ["worker"], grace_s=0.2) == ["worker"]

        assert process.wait(5) == -signal.SIGKILL


def test_a_process_that_is_gone_already_gets_no_mark(tmp_path: Path) -> None:
    marks.put(tmp_path, "worker", 2**30)

    assert not (tmp_path / "run" / "worker.json").exists()


def test_ending_one_that_just_ended_is_no_error(sleeper: subprocess.Popen[bytes]) -> None:
    process = psutil.Process(sleeper.pid)
    sleeper.kill()
    sleeper.wait()

    marks.end(process, grace_s=1)


def test_only_one_holds_a_data_directory(tmp_path: Path) -> None:
    taken = pytest.raises(CommandError, match="another `hookyard up` is using")
    with marks.only_one(tmp_path), taken, marks.only_one(tmp_path):
        pytest.fail("two hold it")

    with marks.only_one(tmp_path):
        pass


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CommandError, match="file cannot be written"):
        marks.run_directory(tmp_path / "file")
