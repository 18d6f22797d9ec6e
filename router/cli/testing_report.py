"""The results of rule tests as people and programs read them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import click

from router.cli.output import plain
from router.cli.rule_tests import Result, Unmet
from router.core.settings import environment
from rules.problems import Problem
from rules.rendering import as_json as problems_as_json

_MARKS = {"passed": ("✓", "green"), "failed": ("✗", "red"), "error": ("!", "red")}


def as_text(results: Iterable[Result]) -> str:
    """Return a line a test, and below one that failed what was expected, what was found, and why."""
    lines: list[str] = []
    for result in results:
        mark, colour = _MARKS[result.outcome]
        title = f"{result.test.connector}: {result.test.name}"
        place = "" if result.outcome == "passed" else f"  ({_place(result)})"
        lines.append(f"{_painted(mark, colour)} {plain(title)}{place}")
        lines += (f"    {line}" for line in details(result))
    return "".join(f"{line}\n" for line in lines)


def details(result: Result) -> Iterator[str]:
    """Give what there is to say of a test that did not pass, without control characters."""
    if result.outcome == "passed":
        return
    several = len(result.test.events) > 1
    for number, words in enumerate(result.came, 1):
        yield plain(f"event {number}: {words}" if several else f"event: {words}")
    if result.trouble is not None:
        number = len(result.came) + 1
        which = f"event {number}" if several else "the event"
        yield plain(f"{which} could not be sent: {result.trouble}")
    for each in result.unmet:
        yield from _of(each, several=several)


def headline(result: Result) -> str:
    """Return in one line why a test did not pass."""
    if result.trouble is not None:
        return plain(result.trouble)
    first = result.unmet[0].difference
    return plain(f"{first.path}: expected {first.expected}, found {first.found}")


def _of(each: Unmet, *, several: bool) -> Iterator[str]:
    difference = each.difference
    of = f" of event {each.event}" if several and each.event is not None else ""
    yield plain(f"{difference.span}: {difference.path}{of}")
    yield plain(f"    expected  {difference.expected}")
    yield plain(f"    found     {difference.found}")
    for line in each.why:
        yield plain(f"    why       {line}")
    if difference.hint is not None:
        yield plain(f"    hint      {difference.hint}")


def _place(result: Result) -> str:
    span = result.test.span
    return f"{span.file}:{span.line}"


def _painted(mark: str, colour: str) -> str:
    """Return a mark in colour where a terminal shows it and NO_COLOR does not forbid it."""
    if sys.stdout.isatty() and "NO_COLOR" not in environment():
        return click.style(mark, fg=colour)
    return mark


def as_json(
    results: Sequence[Result], problems: Sequence[Problem], untested: Sequence[str]
) -> dict[str, Any]:
    """Return results for programs; `problems` as `rules check` gives them."""
    outcomes = [result.outcome for result in results]
    return {
        "tests": [_one(result) for result in results],
        "passed": outcomes.count("passed"),
        "failed": outcomes.count("failed"),
        "errors": outcomes.count("error"),
        "untested": list(untested),
        "problems": problems_as_json(problems, [])["problems"],
    }


def _one(result: Result) -> dict[str, Any]:
    test = result.test
    return {
        "connector": test.connector,
        "name": test.name,
        "file": test.span.file,
        "line": test.span.line,
        "column": test.span.column,
        "outcome": result.outcome,
        "seconds": round(result.seconds, 6),
        "events": list(result.came),
        "trouble": result.trouble,
        "differences": [
            {
                "event": each.event,
                "path": each.difference.path,
                "file": each.difference.span.file,
                "line": each.difference.span.line,
                "column": each.difference.span.column,
                "expected": each.difference.expected,
                "found": each.difference.found,
                "hint": each.difference.hint,
                "why": list(each.why),
            }
            for each in result.unmet
        ],
    }
