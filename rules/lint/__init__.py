"""Warnings: what is right by the letter, and most likely not what was meant.

`CHECKS` lists all of them. A check is a pure function from the files to the problems it finds, in a
module of its own, which says why it is never wrong. Warnings stop nothing: rules that have some are
used. A new check needs its code in `rules.problems.CODES` and in `comments.IGNORABLE`, an entry
in docs/reference/rule-errors.md, and a file in tests/rules_errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from rules.lint.catch_all import no_catch_all
from rules.lint.comments import comments_in, ignoring_nothing, is_ignored
from rules.lint.credentials import hidden
from rules.lint.files import Files, LintedConnector
from rules.lint.never import never_matches
from rules.lint.overlaps import one_key_for_two
from rules.lint.routing import routing_in_vain
from rules.lint.secrets import pasted_secrets
from rules.lint.signs import looks_like_a_comparison
from rules.lint.unopened import closes_nothing
from rules.lint.unreached import never_reached
from rules.lint.unused import nothing_uses
from rules.problems import Problem, Report, Span

__all__ = ["CHECKS", "Files", "LintedConnector", "lint"]

_SECRET: Final = "R022"  # noqa: S105  a problem's code

Check = Callable[[Files], Iterator[Problem]]

CHECKS: Final[tuple[Check, ...]] = (
    never_matches,
    never_reached,
    routing_in_vain,
    one_key_for_two,
    closes_nothing,
    nothing_uses,
    pasted_secrets,
    no_catch_all,
    looks_like_a_comparison,
)


def lint(files: Files, report: Report) -> None:
    """Add the warnings about files to a report, and take out those that a comment in them ignores."""
    found = [problem for check in CHECKS for problem in check(files)]
    for problem in _untold(found, report):
        report.keep(_without_secrets(problem))
    comments = comments_in(files.roots)
    if comments:
        warnings = [problem for problem in report.problems if problem.severity == "warning"]
        for problem in ignoring_nothing(comments, warnings, complete=files.complete):
            report.keep(problem)
        report.forget(problem for problem in warnings if is_ignored(problem, comments))


def _untold(found: Sequence[Problem], report: Report) -> list[Problem]:
    """Return the warnings at places of which nothing is said yet, and about no secret that is told."""
    secrets: dict[tuple[str, int], list[Span]] = {}
    for told in report.problems:
        if told.code == _SECRET:
            secrets.setdefault((told.span.file, told.span.line), []).append(told.span)
    return [
        each
        for each in found
        if not report.has_inside(each.span)
        and not any(
            span.holds(each.span) for span in secrets.get((each.span.file, each.span.line), ())
        )
    ]


def _without_secrets(problem: Problem) -> Problem:
    """Return a problem that shows no secret, whatever of a rule it shows."""
    return replace(
        problem,
        message=hidden(problem.message),
        found=problem.found and hidden(problem.found),
        expected=problem.expected and hidden(problem.expected),
        hint=problem.hint and hidden(problem.hint),
    )
