r"""Reads templates as Jinja does, but for backslashes in texts: one that begins no escape stands for itself.

Jinja has Python read the escapes, which does the same with `'\d'` but warns of it, and says that it
will be an error one day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2.lexer import TOKEN_STRING, Lexer

_BACKSLASH = re.compile(
    r"""\\(?:
        (?P<octal>[4-7][0-7]{2})           # beyond one byte: Python warns of it, too
      | (?P<escape>[\\'"abfnrtvxuUN0-7\r\n])
      | .
    )""",
    re.VERBOSE | re.DOTALL,
)


class RulesLexer(Lexer):
    """See the module."""

    def tokeniter(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> Iterator[tuple[int, str, str]]:
        """Yield the tokens, as Jinja's does."""
        for line, token, words in super().tokeniter(source, name, filename, state):
            yield line, token, _BACKSLASH.sub(_plain, words) if token == TOKEN_STRING else words


def _plain(found: re.Match[str]) -> str:
    """Return an escape that Python reads without a word."""
    if found["octal"]:
        return f"\\u{int(found['octal'], 8):04x}"
    return found[0] if found["escape"] else f"\\{found[0]}"
