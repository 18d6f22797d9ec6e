"""Texts for APIs that take only so much: cut where they must be, with a mark that shows it (V22)."""

from __future__ import annotations

_CUT = "…"


def fit(text: str, limit: int | None, *, tail: str = "") -> str:
    """Return a text of at most `limit` characters, cut ones with `…` at their end; None: no limit.

    `tail` is kept whole whatever is cut, on lines of its own (the marker of a copy, say).
    """
    end = "" if not tail else f"\n\n{tail}" if text else tail
    if limit is None or len(text) + len(end) <= limit:
        return text + end
    room = limit - len(end) - len(_CUT)
    return text[: max(room, 0)].rstrip() + _CUT + end if room > 0 else tail[:limit]
