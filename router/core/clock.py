"""The one place that reads the wall clock.

Everything that needs the time takes a `Clock`, so that a test, a replay and a
back-test decide it themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present instant, in UTC and aware of it."""
    return datetime.now(UTC)  # noqa: TID251  the clock itself


def epoch_ms(at: datetime) -> int:
    """Return an aware instant as whole milliseconds since 1970-01-01T00:00Z."""
    return int(at.timestamp() * 1000)


def from_epoch_ms(milliseconds: int) -> datetime:
    """Return the aware UTC instant of whole milliseconds since the epoch."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def rfc3339_of_ms(milliseconds: int) -> str:
    """Return whole milliseconds since the epoch as `rfc3339` writes them; quick for many of one second."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{_to_the_second(seconds)}.{rest:03}Z"


@lru_cache(maxsize=256)
def _to_the_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()


def rfc3339(at: datetime) -> str:
    """Return an instant as RFC 3339 text in UTC with milliseconds: `2026-11-23T09:12:45.120Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
