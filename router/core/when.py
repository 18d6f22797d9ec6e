"""Instants as people and programs give them to filters: `2026-11-23T09:00:00Z`, or `7d` for seven days ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from router.core.clock import Clock, epoch_ms
from router.core.settings import parse_span


def instant_ms(text: str, clock: Clock) -> int:
    """Return an instant in milliseconds since the epoch; one without an offset is UTC.

    Raises:
        ValueError: It is neither an RFC 3339 instant nor a span.
    """
    try:
        # A `+` that was not percent-encoded arrives as a blank.
        at = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text)
        return epoch_ms(at if at.tzinfo else at.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        pass
    try:
        span: timedelta = parse_span(text)
        return epoch_ms(clock() - span)
    except (ValueError, OverflowError):
        raise ValueError("expected an RFC 3339 instant, or a span such as 7d") from None
