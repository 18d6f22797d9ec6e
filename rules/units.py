"""Spans of time, sizes and rates as rule files write them (decision E25)."""

from __future__ import annotations

import re
from typing import Final

_UNIT_MS: Final = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}
_UNIT_BYTES: Final = {"B": 1, "KiB": 1024, "MiB": 1024 * 1024}
SPAN_PATTERN: Final = "([0-9]{1,12}) ?(ms|s|m|h|d|w)"
RATE_PATTERN: Final = "([0-9]{1,9}) ?/ ?((?:[0-9]{1,9} ?)?(?:ms|s|m|h|d|w))"
SIZE_PATTERN: Final = "([0-9]{1,12}) ?(B|KiB|MiB)"
_SPAN = re.compile(SPAN_PATTERN, re.ASCII)
_RATE = re.compile(RATE_PATTERN, re.ASCII)
_SIZE = re.compile(SIZE_PATTERN, re.ASCII)

SPAN_EXAMPLE: Final = "a number with ms, s, m, h, d or w, such as 48h"
RATE_EXAMPLE: Final = "a number, a slash and a span, such as 50/s, 10/5s or 1/30h"
SIZE_EXAMPLE: Final = "a number with B, KiB or MiB, such as 1MiB"


def span_ms(text: str) -> int | None:
    """Return the milliseconds of a span such as `48h`; None if it is none."""
    found = _SPAN.fullmatch(text.strip())
    return None if found is None else int(found[1]) * _UNIT_MS[found[2]]


def rate_per_ms(text: str) -> tuple[int, int] | None:
    """Return how many in how many milliseconds a rate such as `10/5s` allows; None if it is none."""
    found = _RATE.fullmatch(text.strip())
    if found is None:
        return None
    span = span_ms(found[2] if found[2][0].isdigit() else f"1{found[2]}")
    return None if span is None else (int(found[1]), span)


def size_bytes(text: str) -> int | None:
    """Return the bytes of a size such as `1MiB`; None if it is none."""
    found = _SIZE.fullmatch(text.strip())
    return None if found is None else int(found[1]) * _UNIT_BYTES[found[2]]
