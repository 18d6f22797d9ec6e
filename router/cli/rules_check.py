"""What `rules check` finds in the files that a person names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from router.cli.rules_read import Reading, is_in
from router.cli.rules_report import missing_secrets, unknown_addresses
from router.core.settings import Secrets
from rules.loader import Loaded
from rules.problems import Problem


@dataclass(slots=True)
class Checked:
    """What was found in files: problems, notes, and the files that were read.

    `elsewhere` counts the errors of files that were read only for their names, by directory.
    """

    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    elsewhere: dict[Path, int] = field(default_factory=dict)

    @property
    def errors(self) -> int:
        """How many problems stop the rules from being used."""
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def warnings(self) -> int:
        """How many problems stop nothing."""
        return len(self.problems) - self.errors


def check_paths(
    paths: Sequence[Path], routes: Path, secrets: Secrets, *, public_url: str | None = None
) -> Checked:
    """Check directories and files, each within what else its directory holds (decision X9).

    Raises:
        CommandError: A path is not there, or is no rule file.
    """
    checked = Checked()
    reading = Reading(routes)
    judged: dict[Path, list[Problem]] = {}
    for path in dict.fromkeys(paths):
        named = reading.named(path)
        if named.directory not in judged:
            judged[named.directory] = _problems(named.loaded, secrets, public_url)
        checked.problems += _in(path, judged[named.directory])
        checked.notes += _in(path, named.loaded.notes)
        checked.files += named.files
    shown = set(checked.problems)
    for directory, problems in judged.items():
        errors = sum(one.severity == "error" and one not in shown for one in problems)
        if errors:
            checked.elsewhere[directory] = errors
    return checked


def _problems(loaded: Loaded, secrets: Secrets, public_url: str | None) -> list[Problem]:
    problems = list(loaded.problems)
    if loaded.rule_set is not None:
        problems += missing_secrets(loaded.rule_set, secrets)
        problems += unknown_addresses(loaded.rule_set, public_url)
    return sorted(problems, key=lambda each: each.span)


def _in(path: Path, problems: Iterable[Problem]) -> list[Problem]:
    return [problem for problem in problems if is_in(path, problem.span.file)]
