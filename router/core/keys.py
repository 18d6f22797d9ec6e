"""Every Redis key and channel, in one place.

`v1` is the layout's version: a release that changes what a key holds uses `v2`
and drains `v1` first. Jobs live under arq's own prefixes (`arq:job:` and so on).
"""

from __future__ import annotations

PREFIX = "hookyard:v1:"

QUEUE = PREFIX + "queue"
"""arq's queue (sorted set: job id by due time in ms)."""

PENDING = PREFIX + "pending"
"""Sorted set of batch ids not yet routed, all with score 0: lexical order is order of time."""

PENDING_EVENTS = PREFIX + "pending-events"
"""How many events the pending batches hold (integer)."""

INTAKE_TABLE = PREFIX + "intake-table"
"""The intake table in force (JSON): what the receiver knows of each connector."""

RULES_PUBLISHED = PREFIX + "rules-published"
"""The set of rules that the intake table is of: when it came into force (ms) and its hash, `MS HASH`."""

RULES_STATE = PREFIX + "rules-state"
"""Lives while the rule files of a worker cannot be used (JSON, said again and again by that worker,
with expiry): `{"state": "stale", "since": RFC 3339, "problems": [TEXT, …], "worker": ID}`."""

NUDGE = PREFIX + "nudge"
"""Channel: something was enqueued; workers look at once instead of at the next poll."""

SWEEPER = PREFIX + "sweeper"
"""Names the worker that sweeps at the moment (with expiry)."""

ROUTE_JOB = "route"
DELIVER_JOB = "deliver"


def batch(batch_id: str) -> str:
    """Return the key of a stored batch (bytes, see `router.core.event`)."""
    return f"{PREFIX}batch:{batch_id}"


def lease(batch_id: str) -> str:
    """Return the key that names the worker which has a batch in hand."""
    return f"{PREFIX}lease:{batch_id}"


def worker(worker_id: str) -> str:
    """Return the key that lives while a worker lives (heartbeat with expiry)."""
    return f"{PREFIX}worker:{worker_id}"


def rules_used(rules_hash: str) -> str:
    """Return the key that lives while a worker goes by a set of rules (with expiry)."""
    return f"{PREFIX}rules-used:{rules_hash}"


def outcomes(receiver_id: str) -> str:
    """Return the channel on which a receiver process hears outcomes it waits for."""
    return f"{PREFIX}outcomes:{receiver_id}"


def rate(connector: str) -> str:
    """Return the key of a connector's token bucket."""
    return f"{PREFIX}rate:{connector}"


def once(connector: str, token_hash: str) -> str:
    """Return the key that says with which body a connector's sender used a token (with expiry)."""
    return f"{PREFIX}once:{connector}:{token_hash}"


def pause(destination: str) -> str:
    """Return the key that says why, and until when, nothing is sent to a destination."""
    return f"{PREFIX}pause:{destination}"


def slots(destination: str) -> str:
    """Return the key of the requests under way to a destination (sorted set: turn by its end in us)."""
    return f"{PREFIX}slots:{destination}"


def window(destination: str) -> str:
    """Return the key of the requests that count for a destination's rate (sorted set, as `slots`)."""
    return f"{PREFIX}window:{destination}"


def breaker(destination: str) -> str:
    """Return the key of a destination's failures in a row and of its breaker (hash)."""
    return f"{PREFIX}breaker:{destination}"
