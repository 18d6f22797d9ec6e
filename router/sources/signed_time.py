"""Signed times: how senders write them, and where some of them put them into the body."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import orjson

from router.sources.preset import Refusal, TimeForm

_MAX_TIME_DIGITS = 15
_MILLISECONDS_FROM = 100_000_000_000
"""Whole numbers from here on are milliseconds: as seconds they would be in the year 5138."""


def epoch_s(timestamp: bytes, form: TimeForm) -> float | None:
    """Return a signed time as seconds since the epoch; None for what is no time of this form."""
    if timestamp.isdigit() and form != "rfc3339":  # of bytes, so only ASCII digits
        if len(timestamp) > _MAX_TIME_DIGITS:
            return None
        number = int(timestamp)
        in_ms = form == "ms" or (form == "any" and number >= _MILLISECONDS_FROM)
        return number / 1000 if in_ms else number
    if form not in {"rfc3339", "any"}:
        return None
    try:
        at = datetime.fromisoformat(timestamp.decode("ascii"))
        return at.timestamp() if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def judged(timestamp: bytes, form: TimeForm, tolerance_s: float, now: float) -> Refusal | None:
    """Return why a signed time cannot count, or None; the signature is known to be right by now."""
    sent = epoch_s(timestamp, form)
    if sent is None:
        return Refusal(401, "timestamp-malformed", "the signed time cannot be read")
    age = now - sent
    if -tolerance_s <= age <= tolerance_s:
        return None
    direction = "old" if age > 0 else "ahead of this machine's clock"
    return Refusal(
        401,
        "timestamp-stale",
        f"the signature is right, but {abs(age):,.0f} s {direction}; {tolerance_s:,.0f} s are "
        "tolerated. Is it a replay, or is a clock wrong?",
    )


def written(now: float, form: TimeForm) -> str:
    """Return a time as a sender writes it."""
    if form == "ms":
        return str(int(now * 1000))
    if form == "rfc3339":
        return datetime.fromtimestamp(int(now), UTC).isoformat().replace("+00:00", "Z")
    return str(int(now))


def time_in(body: bytes, key: str) -> bytes | None:
    """Return the whole number under a key of a JSON body; None if there is none."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    value = content.get(key) if isinstance(content, dict) else None
    return str(value).encode() if type(value) is int else None


def renewed(body: bytes, key: str, now: float) -> bytes:
    """Return a JSON body with the time under a key, in milliseconds, set to now if it is there."""
    pattern = rb'("' + re.escape(key.encode()) + rb'"\s*:\s*)\d+'
    return re.sub(pattern, rb"\g<1>" + written(now, "ms").encode(), body, count=1)
