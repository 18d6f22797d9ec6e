"""Follows `docs/web-form.md` as somebody at a terminal; `python -m tests.support.web_form` writes its outputs anew.

The page's `console` blocks hold commands and what they print. A command that serves runs on, in a terminal
of its own. Ports are taken that are free, and shown as the page has them.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Self

from router.core.settings import environment
from tests.support.programs import free_port
from tests.support.waiting import wait_until_sync

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "web-form.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
_SERVES = ("hookyard up", "python -m examples")
_NEW_EACH_TIME = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"hky_(?:[\w-]{10,}|…)"), "KEY"),
    (re.compile(r"\d{4}-\d\d-\d\d(T[\d:.]+Z)?"), "WHEN"),
    # Asked until the key is known.
    (re.compile(r"\d+ (?:connector-not-ready, |(?=credentials-mismatch))"), ""),
    (re.compile(r" +"), " "),
)
_PAUSE_S = 0.2
_SETTLES_WITHIN_S = 20


class Step(NamedTuple):
    """A command of the page: what the page shows of it, what it printed, and where that stands."""

    command: str
    shown: str
    came: str
    start: int
    end: int

    @property
    def is_as_shown(self) -> bool:
        """Whether what came is what the page shows, but for what is new each time."""
        return bool(re.fullmatch(_pattern(self.shown), _plain(self.came)))


class Terminals:
    """The terminals of whoever follows the page, in an empty directory that has `examples/`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ports = {"8080": str(free_port()), "8000": str(free_port())}
        self._state = directory / ".exported"
        self._has_new_key = False
        self._running: list[subprocess.Popen[bytes]] = []
        (directory / "examples").symlink_to(ROOT / "examples")

    def __enter__(self) -> Self:
        self._state.write_text("")
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._running):
            process.send_signal(signal.SIGINT)
        for process in self._running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()

    def follow(self) -> Iterator[Step]:
        """Do what the page says, from top to bottom."""
        for block in _BLOCK.finditer(PAGE.read_text("utf-8")):
            for found in _COMMAND.finditer(block[1]):
                command, shown = found[1], found[2]
                start = block.start(1) + found.start(2)
                yield Step(command, shown, self._do(command, shown), start, start + len(shown))

    def _do(self, command: str, shown: str) -> str:
        if command.startswith(_SERVES):
            return self._serve(command, shown)
        until = time.monotonic() + _SETTLES_WITHIN_S
        while True:
            came = self._run(command)
            if time.monotonic() > until or not self._is_early(command, shown, came):
                break
            time.sleep(_PAUSE_S)
        self._has_new_key = "hookyard keys" in command or self._is_locked_out(came)
        return came

    def _is_early(self, command: str, shown: str, came: str) -> bool:
        """Tell whether what was said will be said otherwise in a moment."""
        if "activity" in command:  # a refusal is written down soon after it was said
            return re.fullmatch(_pattern(shown), _plain(came)) is None
        return self._is_locked_out(came)

    def _is_locked_out(self, came: str) -> bool:
        """Tell whether a new key is not known yet; it is within seconds."""
        return self._has_new_key and (not came or "returned error: 401" in came)

    def _run(self, command: str) -> str:
        """Run a command in the terminal in which the ones before were run: what they exported is there."""
        script = f". {self._state}\n{self._here(command)}\nexport -p > {self._state}"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._directory,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return self._as_in_the_page(done.stdout)

    def _serve(self, command: str, shown: str) -> str:
        """Start what serves, and return those of its lines that the page shows, once it has said them."""
        log = self._directory / f"terminal-{len(self._running)}"
        with log.open("wb") as out:
            script = f". {self._state}\nexec {self._here(command.removesuffix(' &'))}"
            self._running.append(
                subprocess.Popen(
                    ["bash", "-c", script],
                    cwd=self._directory,
                    env=self._environment(),
                    stdout=out,
                    stderr=out,
                )
            )
        wanted = [re.compile(_pattern(f"{line}\n")) for line in shown.splitlines()]

        def said() -> list[str]:
            assert self._running[-1].poll() is None, log.read_text("utf-8", "replace")
            lines = self._as_in_the_page(log.read_text("utf-8", "replace")).splitlines(
                keepends=True
            )
            found = [next((x for x in lines if each.fullmatch(_plain(x))), "") for each in wanted]
            return found if all(found) else []

        return "".join(wait_until_sync(said, f"{command} says what the page says", within_s=60))

    def _environment(self) -> Mapping[str, str]:
        outside = environment()
        return {
            **{name: outside[name] for name in ("HOME", "LANG") if name in outside},
            "PATH": f"{Path(sys.executable).parent}:{outside['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOOKYARD_PORT": self._ports["8080"],
            "PORT": self._ports["8000"],
            "TASK_URL": f"http://127.0.0.1:{self._ports['8080']}/hooks/support-form",
        }

    def _here(self, text: str) -> str:
        for shown, port in self._ports.items():
            text = text.replace(f"127.0.0.1:{shown}", f"127.0.0.1:{port}")
        return text

    def _as_in_the_page(self, text: str) -> str:
        for shown, port in self._ports.items():
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{shown}")
        return text


def _plain(text: str) -> str:
    for pattern, instead in _NEW_EACH_TIME:
        text = pattern.sub(instead, text)
    return text


def _pattern(shown: str) -> str:
    """Return what an output has to look like; `…` stands for anything."""
    return re.escape(_plain(shown)).replace("…", ".*")


def main() -> None:
    """Write the outputs of the page anew, where they differ in more than what is new each time."""
    page = PAGE.read_text("utf-8")
    directory = Path(tempfile.mkdtemp())
    try:
        with Terminals(directory) as terminals:
            steps = list(terminals.follow())
    finally:
        shutil.rmtree(directory)
    for step in reversed(steps):
        if not step.is_as_shown:
            came = re.sub(r"hky_[\w-]{10,}", "hky_…", step.came)
            came = re.sub(r"(\d+ connector-not-ready, )?\d+ credentials", "1 credentials", came)
            page = page[: step.start] + came + page[step.end :]
            sys.stderr.write(f"written anew: {step.command}\n")
    PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
