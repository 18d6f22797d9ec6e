"""The files that tests name: where they are looked for, and what is said of those that are not there."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from rules.document import Node
from rules.problems import Report, did_you_mean


def event_file(rule_file: str, name: str) -> Path:
    """Return where the file is that a test of a rule file names: beside the rule file (decision X5)."""
    return Path(os.path.normpath(Path(rule_file).parent / name))


class EventFiles:
    """Looks for the files of tests; `places` says where the rule files are, by the names they go by.

    A file that is not there is a warning: rules may well be used where their tests are not run.
    """

    def __init__(self, places: Mapping[str, Path] | None = None) -> None:
        self._places = places or {}

    def check(self, node: Node, report: Report) -> None:
        """Report the name of a file that cannot be read."""
        rule_file, name = node.span.file, str(node.value)
        place = self._places.get(rule_file)
        if place is None:  # a text that was read before, elsewhere
            return
        path = event_file(str(place), name)
        words = _trouble(path)
        if words is not None:
            report.add(
                "R047",
                node.span,
                f"the event of this test cannot be read: {words}",
                found=event_file(rule_file, name).as_posix(),
                hint=_hint(place, path, name),
                severity="warning",
            )


def _trouble(path: Path) -> str | None:
    """Return why a file cannot be read; it is not opened, because a pipe would be waited for."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "there is no such file"
    except OSError as error:
        return error.strerror or type(error).__name__
    if not stat.S_ISREG(mode):
        return "it is a directory" if stat.S_ISDIR(mode) else "it is no file"
    return None if os.access(path, os.R_OK) else "it may not be read by this user"


def _hint(rule_file: Path, path: Path, name: str) -> str | None:
    """Return what may have been meant: a path from elsewhere, or a file of nearly that name."""
    if Path(name).is_file():
        right = Path(os.path.relpath(name, rule_file.parent)).as_posix()
        return f"paths start at the rule file: write `{right}`"
    if not path.parent.is_dir():
        return "paths start at the rule file; there is no such directory from there"
    names = sorted(each.name for each in path.parent.iterdir() if each.is_file())
    near = did_you_mean(path.name, names)
    return near if near is None else f"in that directory, {near}"
