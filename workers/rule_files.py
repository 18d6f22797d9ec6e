"""The rule files of a worker: read and compiled aside, whole, and not while they are being written."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rules import loader
from rules.catalogues import Catalogues
from rules.compile_kept import Kept
from rules.loader import Loaded, Stamp
from rules.problems import Problem
from rules.ruleset import RuleSet

QUIET_S = 0.3
"""How long nothing may have been written before files are read (decision X12)."""
_TRIES = 10
_TURN_S = 0.0005
_LONGEST_LINE = 500

_alone = threading.Lock()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """What came of the rule files as they were at one moment.

    `rule_set` is None if they cannot be used, and `problems` says why, a line each. `stamp` is that of
    the moment; None if there was no moment at which they stayed as they were.
    """

    rule_set: RuleSet | None
    problems: tuple[str, ...] = ()
    stamp: Stamp | None = None


class RuleFiles:
    """Loads the files of one directory."""

    def __init__(self, directory: Path, catalogues: Catalogues) -> None:
        self.directory = directory
        self._catalogues = catalogues
        self._kept = Kept()

    async def stamp(self) -> Stamp:
        """Return what differs when the files have changed."""
        return await asyncio.to_thread(loader.stamp, self.directory)

    async def load(self, *, after_quiet: bool) -> Found:
        """Load the files; `after_quiet` once nothing was written for a while, else as they are.

        Files that are written while they are read are read again, after a while of quiet: what is
        loaded was in the directory all at one moment.
        """
        stamp = await self.stamp()
        for _ in range(_TRIES):
            before, loaded = stamp, None
            if after_quiet:
                await asyncio.sleep(QUIET_S)
                stamp = await self.stamp()
            if stamp == before:
                loaded = await _aside(
                    lambda: loader.load(
                        self.directory, self._catalogues, kept=self._kept, warn=False
                    )
                )
                stamp = await self.stamp()
            if loaded is not None and stamp == before:
                return Found(loaded.rule_set, _errors(loaded), stamp)
            after_quiet = True
        restless = (
            f"{self.directory.as_posix()}: the files are written again and again; "
            f"they are read once they have stayed as they are for {QUIET_S} s"
        )
        return Found(None, (restless,))

    async def compile(self, texts: Mapping[str, str]) -> Found:
        """Compile files that were read before, by path."""
        loaded = await _aside(lambda: loader.load_texts(texts, self._catalogues))
        return Found(loaded.rule_set, _errors(loaded))


def _errors(loaded: Loaded) -> tuple[str, ...]:
    return tuple(_line(each) for each in loaded.problems if each.severity == "error")


def _line(problem: Problem) -> str:
    hint = f"; {problem.hint}" if problem.hint else ""
    return f"{problem.span}: {problem.code} {problem.message}{hint}"[:_LONGEST_LINE]


async def _aside(compute: Callable[[], T]) -> T:
    """Compute in a thread, so that the event loop goes on."""

    def with_fair_turns() -> T:
        with _fair_turns():
            return compute()

    return await asyncio.to_thread(with_fair_turns)


@contextmanager
def _fair_turns() -> Iterator[None]:
    """Let a thread that computes have its turns of the interpreter beside a loop that is busy.

    A thread asks for its turn after 5 ms in which no other took one. A loop that looks for input each
    millisecond takes one each time, and under load compiling took a hundred times as long.
    """
    with _alone:
        before = sys.getswitchinterval()
        sys.setswitchinterval(_TURN_S)
        try:
            yield
        finally:
            sys.setswitchinterval(before)
