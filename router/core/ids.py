"""Identifiers: time-ordered UUIDs (RFC 9562, version 7), new ones and derived ones.

A new id sorts by the millisecond it was made in and, within a process, by the order
of making. A derived id is the same each time it is derived from the same parts: it is
how a batch that runs twice writes each task once.
"""

from __future__ import annotations

import hashlib
import os
import struct
import uuid
from collections.abc import Callable

from router.core.clock import Clock, epoch_ms, utc_now

_VERSION = 0x7 << 76
_VARIANT = 0x2 << 62
_RANDOM_LOW = (1 << 62) - 1
_NUMBER = struct.Struct(">Q")
_DRAWN_AT_ONCE = 256
"""Asking the system for random bytes takes longer than all the rest of an id."""

IdSource = Callable[[], str]


def _compose(milliseconds: int, high12: int, low62: int) -> str:
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | _VERSION | (high12 & 0xFFF) << 64
    digits = f"{value | _VARIANT | (low62 & _RANDOM_LOW):032x}"
    # As str(uuid.UUID(int=…)) writes it, in a third of the time: each webhook gets an id.
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def id_source(
    clock: Clock = utc_now, random_bytes: Callable[[int], bytes] = os.urandom
) -> IdSource:
    """Return a function that makes a new id at each call.

    Ids of one source never repeat and never go back, also when the clock does: the
    12 bits after the milliseconds count within one millisecond and, when they are
    spent, borrow the next (RFC 9562, section 6.2, method 1).
    """
    last_ms = 0
    count = 0
    drawn: list[int] = []

    def new_id() -> str:
        nonlocal last_ms, count, drawn
        now = epoch_ms(clock())
        if now > last_ms:
            last_ms, count = now, 0
        else:
            count += 1
            if count > 0xFFF:  # noqa: PLR2004  the counter's 12 bits
                last_ms, count = last_ms + 1, 0
        if not drawn:
            drawn = [number for (number,) in _NUMBER.iter_unpack(random_bytes(8 * _DRAWN_AT_ONCE))]
        return _compose(last_ms, count, drawn.pop())

    return new_id


def derived_id(origin: str, *parts: str) -> str:
    """Return the id that follows from an id and some parts of text; it keeps the origin's time."""
    digest = hashlib.sha256("\x1f".join((origin, *parts)).encode()).digest()
    milliseconds = uuid.UUID(origin).int >> 80
    return _compose(
        milliseconds,
        int.from_bytes(digest[:2], "big"),
        int.from_bytes(digest[2:10], "big"),
    )


def id_time_ms(identifier: str) -> int:
    """Return the milliseconds since the epoch that an id of this module carries."""
    return uuid.UUID(identifier).int >> 80


def first_id_at(milliseconds: int) -> str:
    """Return the least id that an instant (milliseconds since the epoch) can have."""
    return _compose(max(0, milliseconds), 0, 0)


def is_id(text: str) -> bool:
    """Tell whether a text can be an id of this store."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
