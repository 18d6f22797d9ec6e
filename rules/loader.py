"""Loads a routes directory: all of it or nothing (decisions X4, X10, X12)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rules.catalogues import Catalogues
from rules.compile import compile_files
from rules.compile_kept import Kept
from rules.event_files import EventFiles
from rules.problems import Problem, Report, Span
from rules.ruleset import RuleSet
from rules.source_text import MAX_BYTES, decode

_ENDINGS: Final = (".yaml", ".yml")
_PASSED_OVER: Final = (".", "#")

Stamp = frozenset[tuple[str | int, ...]]
"""Which files there are and how each was last written; see `stamp`."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of loading.

    `rule_set` is None if there is an error among `problems`. `files` lists the paths of all
    files that were read. `notes` are worth knowing and wrong in no way.
    """

    rule_set: RuleSet | None
    problems: list[Problem] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)


def load(
    directory: Path,
    catalogues: Catalogues,
    *,
    display: Path | None = None,
    kept: Kept | None = None,
    warn: bool = True,
) -> Loaded:
    """Load the rule files of a directory and its sub-directories.

    `display` is how problems name the directory; as given, by default. `kept` makes loading it again
    with the same catalogues faster, where little has changed. `warn`: whether to look for what
    `rules.lint` warns of. Nothing is raised for
    whatever the files hold or however they cannot be read: that is a problem of the result.
    """
    report = Report()
    shown = (directory if display is None else display).as_posix()
    texts: dict[str, str] = {}
    found = sorted(_files(directory, report, shown)) if _is_there(directory, report, shown) else []
    for inner in found:
        file = _named(shown, inner)
        text = _read(directory / inner, file, report)
        if text is not None:
            texts[file] = text
    if not found and not report.has_errors:
        report.add(
            "R005",
            Span(shown),
            "there is no rule file in this directory",
            expected="files that end in .yaml or .yml",
            hint="`hookyard init` writes some",
        )
    places = {_named(shown, inner): directory / inner for inner in found}
    return _loaded(texts, catalogues, report, list(places), EventFiles(places), kept, warn=warn)


def stamp(directory: Path) -> Stamp:
    """Return what differs whenever `load` might come to another result; no file is read for it.

    Files are told apart by identity, size and times, the time of the last change of their rights and
    names among them, so that a file that took another's place is seen even if it looks the same.
    """
    report = Report()
    marks: set[tuple[str | int, ...]] = set()
    for inner in _files(directory, report, "."):
        try:
            found = (directory / inner).stat()
        except OSError as error:
            marks.add((inner, error.errno or 0))
            continue
        times = (found.st_mtime_ns, found.st_ctime_ns)
        marks.add((inner, found.st_dev, found.st_ino, found.st_size, *times))
    marks.update((problem.span.file, problem.message) for problem in report.problems)
    return frozenset(marks)


def load_texts(files: Mapping[str, str], catalogues: Catalogues, *, warn: bool = True) -> Loaded:
    """Compile texts that were read before, by path: a `RuleSet`'s `files`, say."""
    return _loaded(files, catalogues, Report(), sorted(files), warn=warn)


def _loaded(
    texts: Mapping[str, str],
    catalogues: Catalogues,
    report: Report,
    files: list[str],
    event_files: EventFiles | None = None,
    kept: Kept | None = None,
    *,
    warn: bool,
) -> Loaded:
    in_order = {file: texts[file] for file in files if file in texts}
    rule_set = compile_files(in_order, catalogues, report, event_files, kept, warn=warn)
    return Loaded(rule_set, report.problems, files, report.notes)


def _is_there(directory: Path, report: Report, shown: str) -> bool:
    try:
        if directory.is_dir():
            return True
    except OSError as error:
        report.add("R001", Span(shown), f"the directory cannot be read: {error.strerror}")
        return False
    report.add("R001", Span(shown), "there is no such directory", hint="`hookyard init` makes one")
    return False


def _files(directory: Path, report: Report, shown: str) -> Iterator[str]:
    """Give the paths of rule files below a directory; hidden files and editors' backups are none."""

    def unreadable(error: OSError) -> None:
        inner = os.path.relpath(error.filename, directory) if error.filename else ""
        place = shown if inner in {"", "."} else _named(shown, inner)
        report.add("R001", Span(place), f"the directory cannot be read: {error.strerror}")

    for folder, folders, names in os.walk(directory, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(_PASSED_OVER)]
        for name in names:
            if name.endswith(_ENDINGS) and not name.startswith(_PASSED_OVER):
                yield Path(folder, name).relative_to(directory).as_posix()


def _named(shown: str, inner: str) -> str:
    path = inner if shown in {"", "."} else f"{shown.rstrip('/')}/{inner}"
    return path.encode("utf-8", "replace").decode()


def _read(path: Path, file: str, report: Report) -> str | None:
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            report.add("R001", Span(file), "this is no file")
            return None
        with path.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    except OSError as error:
        report.add("R001", Span(file), f"the file cannot be read: {error.strerror}")
        return None
    return decode(raw, file, report)
