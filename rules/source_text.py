"""The text of a rule file and its places: from positions in the text to lines and columns."""

from __future__ import annotations

import re
from bisect import bisect_right

from rules.problems import Report, Span

MAX_BYTES = 1024 * 1024
"""The most a rule file may hold (decision X4)."""

_LAST_OF_FOUR_DIGITS = 0xFFFF
_BOM = "\ufeff"
_LINE_END = re.compile(r"\r\n|\r|\n")
# Beyond what YAML refuses: the line separators that YAML 1.1 and 1.2 read differently, and a BOM within.
_UNPRINTABLE = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


class SourceText:
    """A text with the name of its file; positions count characters from 0."""

    __slots__ = ("_starts", "file", "text")

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self._starts = [0, *(end.end() for end in _LINE_END.finditer(text))]

    def span(self, start: int, end: int) -> Span:
        """Return the stretch from one position up to another."""
        line, column = self._place(start)
        return Span(self.file, line, column, *self._place(end))

    def line_of(self, position: int) -> int:
        """Return the number of the line a position is in, from 1."""
        return bisect_right(self._starts, position)

    def _place(self, position: int) -> tuple[int, int]:
        line = bisect_right(self._starts, position)
        return line, position - self._starts[line - 1] + 1


def decode(raw: bytes, file: str, report: Report) -> str | None:
    """Return the text of a file's bytes; None, with a problem, if they are no UTF-8 text of bounded size."""
    if len(raw) > MAX_BYTES:
        report.add(
            "R006",
            Span(file),
            "the file is too large",
            expected=f"at most {MAX_BYTES:,} bytes",
            hint="split it: a directory may hold any number of files",
        )
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8").removeprefix(_BOM)
        start = SourceText(file, before)
        end = len(start.text)
        report.add(
            "R001",
            start.span(end, end),
            "the file is not UTF-8 text",
            found=f"the byte 0x{raw[error.start]:02x}",
            hint="save it as UTF-8 in your editor",
        )
        return None


def readable(text: str, file: str, report: Report) -> SourceText | None:
    """Return the text ready for reading, without its BOM; None, with a problem, if it may not be read."""
    source = SourceText(file, text.removeprefix(_BOM))
    bad = _UNPRINTABLE.search(source.text)
    if bad is None:
        return source
    report.add(
        "R001",
        source.span(bad.start(), bad.end()),
        "the file holds a character that does not belong in a text file",
        found=f"U+{ord(bad[0]):04X}",
        hint=f'remove it, or write it as "{_escaped(bad[0])}" in double quotes',
    )
    return None


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04X}" if code <= _LAST_OF_FOUR_DIGITS else f"\\U{code:08X}"
