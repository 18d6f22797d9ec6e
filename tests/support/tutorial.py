"""Follows `docs/tutorial.md` to the letter; `python -m tests.support.tutorial` writes its outputs anew.

The page's `yaml` blocks are put into the rule file, its `diff` blocks correct it, and its `console` blocks
hold a command each and what it prints. Read the diff of the page before keeping it.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from router.cli.main import run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
FILE = Path("routes/shopify.yaml")
_BLOCK = re.compile(r"^```(yaml|diff|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Step(NamedTuple):
    """A command of the page: what the page shows of it, what it printed, and where that stands."""

    command: str
    shown: str
    came: str
    start: int
    end: int


def follow() -> Iterator[Step]:
    """Do what the page says in the working directory, which is empty at first."""
    for block in _BLOCK.finditer(PAGE.read_text("utf-8")):
        kind, text = block.groups()
        if kind == "yaml":
            _add(text)
        elif kind == "diff":
            _correct(text)
        else:
            command, _, shown = text.removeprefix("$ hookyard ").partition("\n")
            yield Step(command, shown, _run(command), block.end(2) - len(shown), block.end(2))


def lines(text: str) -> list[str]:
    """Return the lines of an output to compare: two streams may come in any order, ids are new each time."""
    return sorted(_ID.sub("…", line) for line in text.splitlines() if line)


def _run(command: str) -> str:
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        run(shlex.split(command))
    return out.getvalue() + err.getvalue()


def _add(part: str) -> None:
    """Put a rule above `otherwise`, tests at the end, as the page says."""
    text = FILE.read_text("utf-8")
    if "expect:" in part:
        FILE.write_text(f"{text}\n{part}", "utf-8")
    else:
        above, otherwise, below = text.partition("otherwise:")
        FILE.write_text(f"{above}{part}\n{otherwise}{below}", "utf-8")


def _correct(diff: str) -> None:
    text = FILE.read_text("utf-8")
    changes = diff.splitlines()
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        if (old[:1], new[:1]) != ("-", "+") or text.count(f"{old[1:]}\n") != 1:
            raise ValueError(f"the page corrects a line that is not there: {old}")
        text = text.replace(f"{old[1:]}\n", f"{new[1:]}\n")
    FILE.write_text(text, "utf-8")


def main() -> None:
    """Write the outputs of the page anew, where they differ in more than ids."""
    page = PAGE.read_text("utf-8")
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        steps = list(follow())
    for step in reversed(steps):
        if lines(step.came) != lines(step.shown):
            page = page[: step.start] + step.came + page[step.end :]
            sys.stderr.write(f"written anew: hookyard {step.command}\n")
    PAGE.write_text(page, "utf-8")


if __name__ == "__main__":
    main()
