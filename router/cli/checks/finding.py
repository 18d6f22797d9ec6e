"""What a check found: fine, worth knowing, or to be put right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `hookyard doctor`; `advice` says what to do where it is not `ok`."""

    subject: str
    level: Level
    text: str
    advice: str = ""
    reachable: bool = True
    """False: the subject did not answer at all."""


def ok(subject: str, text: str) -> Finding:
    """Return the finding that all is well."""
    return Finding(subject, "ok", text)


def warning(subject: str, text: str, advice: str) -> Finding:
    """Return a finding that is worth knowing and stops nothing."""
    return Finding(subject, "warning", text, advice)


def problem(subject: str, text: str, advice: str, *, reachable: bool = True) -> Finding:
    """Return a finding that has to be put right."""
    return Finding(subject, "problem", text, advice, reachable)
