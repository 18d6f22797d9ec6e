"""The tutorial can be followed to the letter: its edits are made, its commands are run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.cli.main import run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
_BLOCK = re.compile(r"^```(yaml|diff|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FILE = Path("routes/shopify.yaml")


def blocks() -> Iterator[tuple[str, str]]:
    for block in _BLOCK.finditer(PAGE.read_text("utf-8")):
        yield block[1], block[2]


def add(part: str) -> None:
    """Put a rule above `otherwise`, tests at the end, as the page says."""
    text = FILE.read_text("utf-8")
    if "expect:" in part:
        FILE.write_text(f"{text}\n{part}", "utf-8")
    else:
        above, otherwise, below = text.partition("otherwise:")
        FILE.write_text(f"{above}{part}\n{otherwise}{below}", "utf-8")


def correct(diff: str) -> None:
    lines = diff.splitlines()
    text = FILE.read_text("utf-8")
    for old, new in zip(lines[::2], lines[1::2], strict=True):
        assert (old[0], new[0]) == ("-", "+")
        assert text.count(f"{old[1:]}\n") == 1, old
        text = text.replace(f"{old[1:]}\n", f"{new[1:]}\n")
    FILE.write_text(text, "utf-8")


def without_ids(text: str) -> list[str]:
    """Return the lines of an output; two streams may come in any order, ids are new each time."""
    return sorted(_ID.sub("…", line) for line in text.splitlines() if line)


def test_the_tutorial_comes_true_step_by_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = 0

    for kind, text in blocks():
        if kind == "yaml":
            add(text)
        elif kind == "diff":
            correct(text)
        else:
            command, _, shown = text.removeprefix("$ hookyard ").partition("\n")
            run(shlex.split(command))
            came = capsys.readouterr()
            assert without_ids(came.out + came.err) == without_ids(shown), command
            commands += 1

    assert commands > 4
