"""How wide the columns of a table are: words stay whole where the terminal has room for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

GAP: Final = 2
"""Blanks between two columns."""

_LONGEST_WORD: Final = 19
"""A longer word may be folded: an id is still readable on two lines, the second from its last `-` but one."""
_TEXT: Final = 32
"""So wide is the column with most to say before another one is spared a fold."""
_NARROWEST: Final = 3


def widths(cells: Sequence[Sequence[str]], available: int) -> list[int]:
    """Return the width of each column, given what stands in it; together they fit, where anything can.

    What is left over when all have the room that their words need goes to columns that it spares a
    fold altogether, the smallest need first, and the rest to the one with most to say.
    """
    room = available - GAP * (len(cells) - 1)
    natural = [max(map(cell_len, column), default=1) for column in cells]
    if sum(natural) <= room:
        return natural
    found = [min(_longest_word(column), _LONGEST_WORD) for column in cells]
    while sum(found) > room and max(found) > _NARROWEST:
        found[found.index(max(found))] -= 1
    *others, widest = sorted(range(len(cells)), key=lambda at: natural[at] - found[at])
    for at in others:
        need = natural[at] - found[at]
        kept = max(0, min(_TEXT, natural[widest]) - found[widest])
        if need <= room - sum(found) - kept:
            found[at] += need
    found[widest] += min(max(0, room - sum(found)), natural[widest] - found[widest])
    return found


def _longest_word(column: Sequence[str]) -> int:
    return max((cell_len(word) for cell in column for word in cell.split()), default=1)
