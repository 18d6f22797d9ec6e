"""`make demo` ends well, needs nothing of its surroundings and leaves nothing behind."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo import STEPS, Outcome, surprises
from router.core.settings import environment
from tests.support.servers import temporary_directory
from tests.support.waiting import wait_until_sync

pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.timeout(120)]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory whose path is short enough for a socket, as that of a user's temporary files is."""
    made = temporary_directory("demo")
    yield made
    shutil.rmtree(made)


def _env(folder: Path) -> dict[str, str]:
    """Return an environment whose settings would ruin the demo if it heard of them."""
    temporary = folder / "tmp"
    temporary.mkdir()
    (folder / ".env").write_text("HOOKYARD_REDIS_URL=redis://127.0.0.1:1\n")
    return environment(folder / "tmp") | {
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(temporary),
        "HOOKYARD_DATABASE_URL": "postgresql://127.0.0.1:1/nothing",
        "HOOKYARD_PORT": "not a port",
    }


def test_every_webhook_of_the_demo_ends_as_it_should(folder: Path) -> None:
    env = _env(folder)

    done = subprocess.run(
        [sys.executable, "-m", "examples.demo"],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"All {len(STEPS)} webhooks ended as they should." in done.stdout
    assert "Fulfil order #9999" in done.stdout
    assert list((folder / "tmp").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_kept_running_it_prints_where_and_stops_when_it_is_told(
    folder: Path, number: signal.Signals
) -> None:
    env = _env(folder)
    out = folder / "out"
    with (
        out.open("wb") as stdout,
        subprocess.Popen(
            [sys.executable, "-m", "examples.demo", "--keep"],
            cwd=folder,
            env=env,
            stdout=stdout,
            start_new_session=True,
        ) as process,
    ):
        wait_until_sync(lambda: "Ctrl-C stops it" in out.read_text(), "it runs on", within_s=60)
        process.send_signal(number)
        assert process.wait(60) == 0

    assert "Still running at http://127.0.0.1:" in out.read_text()
    assert list((folder / "tmp").iterdir()) == []


def test_an_outcome_that_is_not_as_it_should_be_is_named() -> None:
    outcomes = [Outcome(200, "dropped", text="why") for _ in STEPS]

    lines = surprises(outcomes)

    assert len(lines) >= len(STEPS) - 1
    assert "expected a 401, found 200" in "\n".join(lines)
