"""What is wrong with rule files: problems with a place, a stable code and what to do about them.

Each code has its entry in docs/reference/rule-errors.md. A code keeps its meaning for good; one
that falls out of use is not given to something else.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from rules.suggest import suggest

__all__ = ["CODES", "Problem", "Report", "Severity", "Span", "did_you_mean", "suggest"]

Severity = Literal["error", "warning", "note"]

CODES: Final[dict[str, str]] = {
    # The file
    "R001": "The file cannot be read",
    "R002": "The file is not YAML",
    "R003": "A key is written twice",
    "R004": "YAML that rule files do not use",
    "R005": "The file is empty",
    "R006": "The file is too large or too deep",
    # Its shape
    "R010": "The file is of no kind, or of two",
    "R011": "An unknown key",
    "R012": "A key is missing",
    "R013": "A value of the wrong type",
    "R014": "A value that is not one of the choices",
    "R015": "A value in the wrong form",
    # Names
    "R020": "A name is taken twice",
    "R021": "A name with characters it may not have",
    "R022": "A secret's value where its name belongs",
    "R023": "An unknown name",
    "R024": "The directory contradicts itself",
    "R025": "A client that is not the project's",
    # Connectors
    "R030": "The sender cannot be proven",
    "R031": "A connector without a secret",
    "R032": "Deduplication needs a key",
    "R033": "A secret that is not set",
    "R034": "A contact without an address",
    "R035": "An address that cannot be used",
    "R036": "An address that is signed and not known",
    "R038": "A range of addresses that cannot be used",
    "R039": "Rules beside a task endpoint",
    # Rules and actions
    "R040": "A rule without an action, or with two",
    "R041": "A task without a title",
    "R042": "A policy that needs a key",
    "R043": "Fields that exclude each other",
    "R044": "A task that its destination would refuse",
    "R045": "A destination that cannot delete",
    # Tests
    "R046": "A test that sends or expects nothing",
    "R047": "The event of a test cannot be read",
    "R048": "A test names what is not there",
    "R049": "A test that can never pass",
    # Conditions
    "R050": "A path that cannot be read",
    "R051": "A name that is not there",
    "R052": "An unknown operator",
    "R053": "An operator cannot use its value",
    "R054": "A condition without parts",
    "R055": "A mapping as the expected value",
    "R056": "A pattern that cannot be compiled",
    # Templates
    "R060": "A template that cannot be read",
    "R061": "A template uses a name that is not there",
    "R062": "An unknown filter or test",
    "R063": "A statement that templates may not hold",
    "R064": "Variables that need each other",
    "R065": "A template where none is read",
    # Warnings: right by the letter, and most likely not what was meant
    "R070": "A condition that never holds",
    "R071": "A rule that is never reached",
    "R072": "Two rules, one key, two titles",
    "R073": "A key that no rule opens",
    "R074": "A name that nothing uses",
    "R075": "A secret in a rule file",
    "R076": "Events that nothing is said of",
    "R077": "A comparison written as a text",
    "R078": "A comment that ignores nothing",
    # Notes
    "R090": "Nothing is a duplicate",
}
"""Every code and its title."""

_OF_YAML: Final = frozenset({"R003", "R004"})


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a file: lines and columns count from 1, columns in characters; the end is excluded."""

    file: str
    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    def holds(self, other: Span) -> bool:
        """Tell whether another place starts within this one."""
        start, end = (self.line, self.column), (self.end_line, self.end_column)
        return self.file == other.file and start <= (other.line, other.column) < end


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem.

    `message` says what is wrong in one line. `found` and `expected` are given where they help,
    `hint` says what to do. None of them shows the value of a secret.
    """

    code: str
    message: str
    span: Span
    severity: Severity = "error"
    found: str | None = None
    expected: str | None = None
    hint: str | None = None


class _Places:
    """Where problems start, kept so that a file with thousands of them is read as fast as any."""

    __slots__ = ("_starts",)

    def __init__(self) -> None:
        self._starts: dict[str, list[tuple[int, int]]] = {}

    def add(self, span: Span) -> None:
        insort(self._starts.setdefault(span.file, []), (span.line, span.column))

    def any_in(self, span: Span) -> bool:
        starts = self._starts.get(span.file, [])
        first = bisect_left(starts, (span.line, span.column))
        return first < bisect_left(starts, (span.end_line, span.end_column))


@dataclass(slots=True)
class Report:
    """Collects problems; the same one at the same place is kept once.

    Where the YAML itself has a problem, what is said of the value around it follows from that, and
    is left out.
    """

    _problems: dict[Problem, None] = field(default_factory=dict)
    _all: _Places = field(default_factory=_Places)
    _yaml: _Places = field(default_factory=_Places)

    def add(
        self,
        code: str,
        span: Span,
        message: str,
        *,
        found: str | None = None,
        expected: str | None = None,
        hint: str | None = None,
        severity: Severity = "error",
    ) -> None:
        """Add a problem; see `Problem` for what the texts are.

        Raises:
            KeyError: `code` is not one of `CODES`.
        """
        self.keep(Problem(code, message, span, severity, found, expected, hint))

    def keep(self, problem: Problem) -> None:
        """Add a problem that is made already.

        Raises:
            KeyError: Its code is not one of `CODES`.
        """
        CODES[problem.code]
        if problem.code in _OF_YAML:
            self._yaml.add(problem.span)
        elif self._yaml.any_in(problem.span):
            return
        self._problems.setdefault(problem)
        self._all.add(problem.span)

    def forget(self, problems: Iterable[Problem]) -> None:
        """Leave problems out that were added before."""
        for problem in problems:
            self._problems.pop(problem, None)

    @property
    def problems(self) -> list[Problem]:
        """Errors and warnings, in the order of their places."""
        return _sorted(problem for problem in self._problems if problem.severity != "note")

    @property
    def notes(self) -> list[Problem]:
        """What is worth knowing and wrong in no way, in the order of the places."""
        return _sorted(problem for problem in self._problems if problem.severity == "note")

    def has_inside(self, span: Span) -> bool:
        """Tell whether there is a problem within a place already: its cause may be the same."""
        return self._all.any_in(span)

    @property
    def has_errors(self) -> bool:
        """Whether something must be put right before the rules can be used."""
        return any(problem.severity == "error" for problem in self._problems)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return `did you mean …?` for a near word among `known`, None if none is near."""
    near = suggest(word, known)
    return None if near is None else f"did you mean `{near}`?"


def _sorted(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (problem.span, problem.code, problem.message))
