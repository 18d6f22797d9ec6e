"""Which known word somebody may have meant."""

from __future__ import annotations

from collections.abc import Iterable

_MAX_LENGTH = 64


def suggest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word nearest to `word`, None if none is near.

    Near is: the same but for case, `-`, `_` and blanks; or at most one letter in three is
    wrong, missing, too many or swapped with its neighbour.
    """
    best: str | None = None
    folded = _fold(word)
    if not folded or len(folded) > _MAX_LENGTH:
        return None
    limit = min(max(1, len(folded) // 3), len(folded) - 1)
    for candidate in known:
        distance = _distance(folded, _fold(candidate), limit)
        if distance is not None and (best is None or distance < limit):
            best, limit = candidate, distance
            if distance == 0:
                break
    return best


def _fold(word: str) -> str:
    return word.casefold().replace("-", "_").replace(" ", "_")


def _distance(left: str, right: str, limit: int) -> int | None:
    """Count the slips of the pen between two words (optimal string alignment); None above `limit`."""
    if abs(len(left) - len(right)) > limit:
        return None
    if left == right:
        return 0
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if last and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return None
    return row[-1] if row[-1] <= limit else None
