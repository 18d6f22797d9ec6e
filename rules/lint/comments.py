"""`# hookyard: ignore R071` at the end of a line: the warnings of that line that are meant so.

Errors cannot be ignored. A comment that ignores nothing is a warning itself, so that none outlives its
reason; that is said only if no file has an error, since then some checks were not made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rules.document import Node
from rules.lint.files import Stretches, scalars
from rules.problems import CODES, Problem, Span

CODE: Final = "R078"
IGNORABLE: Final = frozenset(
    {"R065", "R070", "R071", "R072", "R073", "R074", "R075", "R076", "R077"}
)
"""The warnings that files can have; what can be ignored."""

_MARK: Final = "hookyard:"
_COMMENT: Final = re.compile(
    r"(?:^|(?<=[ \t\r\n]))#[ \t]*hookyard:[ \t]*ignore\b([^\r\n]*)", re.MULTILINE
)
_WORD: Final = re.compile(r"[^\s,]+")
_EXAMPLE: Final = "# hookyard: ignore R071"


Comments = Mapping[tuple[str, int], "Comment"]
"""The comments of files by file and line."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment: its place, and the codes it names with theirs."""

    span: Span
    codes: Mapping[str, Span]


def comments_in(roots: Iterable[Node]) -> Comments:
    """Return the comments of files; what stands inside a text is none."""
    found: dict[tuple[str, int], Comment] = {}
    for root in roots:
        source = root.source
        if _MARK not in source.text:
            continue
        texts = Stretches((node.start, node.end) for node in scalars(root))
        for match in _COMMENT.finditer(source.text):
            if texts.meet(match.start(), match.start() + 1):
                continue
            span = source.span(match.start(), match.end())
            codes = {
                word[0]: source.span(match.start(1) + word.start(), match.start(1) + word.end())
                for word in _WORD.finditer(match[1])
            }
            found[span.file, span.line] = Comment(span, codes)
    return found


def is_ignored(problem: Problem, comments: Comments) -> bool:
    """Tell whether a comment on a problem's line says that it is meant so."""
    comment = comments.get(_line(problem.span))
    return comment is not None and problem.code in IGNORABLE and problem.code in comment.codes


def _line(span: Span) -> tuple[str, int]:
    return span.file, span.line


def ignoring_nothing(
    comments: Comments, warnings: Sequence[Problem], *, complete: bool
) -> Iterator[Problem]:
    """Give a problem for each code of a comment that ignores none of the warnings."""
    there = {(_line(problem.span), problem.code) for problem in warnings}
    for line, comment in comments.items():
        if not comment.codes:
            yield Problem(
                CODE, "this comment names no code", comment.span, "warning", expected=_EXAMPLE
            )
        for code, span in comment.codes.items():
            if code not in IGNORABLE:
                what = "cannot be ignored" if code in CODES else "is no code"
                expected = ", ".join(sorted(IGNORABLE))
                yield Problem(CODE, f"{code[:40]} {what}", span, "warning", expected=expected)
            elif complete and (line, code) not in there:
                message = f"there is no {code} on this line"
                yield Problem(CODE, message, span, "warning", hint="remove it from the comment")
