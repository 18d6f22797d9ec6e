"""`Prefer: wait=N` (RFC 7240): how long a sender would like to wait for the outcome."""

from __future__ import annotations

import re
from collections.abc import Iterable

from multidict import istr

PREFER = istr("Prefer")
PREFERENCE_APPLIED = istr("Preference-Applied")
WAIT_MAX_S = 30
_MAX_DIGITS = 9
_WAIT = re.compile(r"""\s*wait\s*=\s*(?:"(\d+)"|(\d+))\s*(?:;.*)?""", re.IGNORECASE | re.ASCII)


def wait_of(headers: Iterable[str]) -> int | None:
    """Return the seconds a request asks to wait, at most `WAIT_MAX_S`; None if it does not ask.

    The first `wait` counts, as RFC 7240 has it; what is not a whole number of seconds is passed over.
    """
    for header in headers:
        for preference in header.split(","):
            if match := _WAIT.fullmatch(preference):
                digits = match[1] or match[2]
                return min(int(digits[:_MAX_DIGITS]), WAIT_MAX_S)
    return None
