"""The walk from a web form to a task can be followed to the letter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.web_form import Terminals


@pytest.mark.e2e
@pytest.mark.redis
@pytest.mark.timeout(240)
def test_the_walk_from_a_web_form_to_a_task_comes_true_step_by_step(
    tmp_path: Path, interpreter_of: Callable[[str], Path]
) -> None:
    interpreter_of("curl")
    commands = []

    with Terminals(tmp_path) as terminals:
        for step in terminals.follow():
            assert step.is_as_shown, (
                f"{step.command}\n{step.came}\n"
                "`python -m tests.support.web_form` writes the page anew"
            )
            commands.append(step.command)

    assert sum(command.startswith("hookyard up") for command in commands) == 1
    assert sum("curl" in command for command in commands) >= 4
    assert sum("hookyard keys" in command for command in commands) == 2
