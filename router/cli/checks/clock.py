"""How far this machine's clock is from another's: signatures and due times depend on it."""

from __future__ import annotations

from router.cli.checks.finding import Finding, ok, problem

_LARGEST_SKEW_MS = 5_000
"""Far below the five minutes that senders which sign a time allow."""


def check_skew(other: str, ours_before_ms: int, theirs_ms: int, ours_after_ms: int) -> Finding:
    """Compare clocks: theirs was read between our two readings (milliseconds since the epoch)."""
    ahead = ours_before_ms - theirs_ms
    behind = theirs_ms - ours_after_ms
    skew = max(ahead, behind, 0)
    if skew <= _LARGEST_SKEW_MS:
        return ok("clock", f"within {_LARGEST_SKEW_MS // 1000} s of {other}")
    direction = "ahead of" if ahead > behind else "behind"
    return problem(
        "clock",
        f"this machine's clock is {skew / 1000:.0f} s {direction} {other}",
        "synchronise both clocks (NTP): signatures with a time are refused otherwise",
    )
