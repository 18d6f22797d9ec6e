"""Problems as people, programs and GitHub's annotations read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from rules.problems import Problem

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_LEVELS = {"error": "error", "warning": "warning", "note": "notice"}


def as_text(problems: Iterable[Problem]) -> str:
    """Return problems for people: the place, what is wrong, and below it what helps."""
    return "".join(_one_text(problem) for problem in problems)


def _one_text(problem: Problem) -> str:
    lines = [f"{problem.span}: {problem.severity} {problem.code}: {problem.message}"]
    for name in ("found", "expected", "hint"):
        words = getattr(problem, name)
        if words is not None:
            lines.append(f"    {name + ':':<10}{words}")
    return "".join(f"{_plain(line)}\n" for line in lines)


def as_json(
    problems: Sequence[Problem], files: Sequence[str], notes: Sequence[Problem] = ()
) -> dict[str, Any]:
    """Return problems for programs, in the shape of decision X1; `notes` have the same shape."""
    return {
        "problems": [_one_json(problem) for problem in problems],
        "files": list(files),
        "errors": sum(problem.severity == "error" for problem in problems),
        "warnings": sum(problem.severity == "warning" for problem in problems),
        "notes": [_one_json(note) for note in notes],
    }


def _one_json(problem: Problem) -> dict[str, Any]:
    span = problem.span
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "found": problem.found,
        "expected": problem.expected,
        "hint": problem.hint,
    }


def as_github(problems: Iterable[Problem]) -> str:
    """Return problems as workflow commands: GitHub shows each at its line of a pull request."""
    return "".join(f"{_one_github(problem)}\n" for problem in problems)


def _one_github(problem: Problem) -> str:
    span = problem.span
    places = {
        "file": span.file,
        "line": span.line,
        "endLine": span.end_line,
        "col": span.column,
        "endColumn": span.end_column,
        "title": f"{problem.code}: {problem.message}",
    }
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in places.items())
    details = [
        f"{name}: {words}"
        for name in ("found", "expected", "hint")
        if (words := getattr(problem, name)) is not None
    ]
    message = "\n".join([problem.message, *details])
    return f"::{_LEVELS[problem.severity]} {properties}::{_data(message)}"


def _data(text: str) -> str:
    lines = "\n".join(_plain(line) for line in text.split("\n"))
    return lines.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(_plain(text)).replace(":", "%3A").replace(",", "%2C")


def _plain(line: str) -> str:
    """Return a line without characters that steer a terminal; files may hold any."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), line)
