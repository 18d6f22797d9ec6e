"""The tutorial can be followed to the letter: its edits are made, its commands are run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.tutorial import follow, lines


def test_the_tutorial_comes_true_step_by_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = []

    for step in follow():
        assert lines(step.came) == lines(step.shown), (
            f"hookyard {step.command}: `python -m tests.support.tutorial` writes the page anew"
        )
        commands.append(step.command.split()[0])

    assert commands.count("rules") >= 5
