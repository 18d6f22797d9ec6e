"""Which requests make a destination's copy of a task current, and what becomes of the delivery.

Pure: a copy is state, not a list of operations, so several changes that wait are one (decision Q3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Literal

from workers.destinations.destination import Common
from workers.destinations.outcome import Kind, Outcome
from workers.destinations.request import Change
from workers.fields import OPEN_KINDS, Row

Jitter = Callable[[float], float]
"""Takes the longest wait in seconds and returns one between none and that."""


def is_created(delivery: Row) -> bool:
    """Tell whether the destination has a copy already."""
    return delivery["delivered_version"] > 0 or delivery["external_id"] is not None


def next_changes(delivery: Row, task: Row, *, can_complete: bool) -> list[Change]:
    """Return what is to be sent, in order; nothing where the copy is as it is wanted.

    A task that is closed is completed at the destination; what else changed of it goes first.
    """
    if not is_created(delivery):
        return ["create"]
    have: int = delivery["delivered_version"]
    if have >= delivery["wanted_version"]:
        return []
    if task["status_kind"] in OPEN_KINDS or not can_complete:
        return ["update"]
    return ["complete"] if have == task["version"] - 1 else ["update", "complete"]


def version_after_create(sent_version: int, task: Row, *, can_complete: bool) -> int:
    """Return the version a new copy has: one less than sent where it still has to be completed.

    A task that was made closed needs no completion: its creation says it.
    """
    is_closed = task["status_kind"] not in OPEN_KINDS
    if can_complete and is_closed and 1 < sent_version == task["version"]:
        return sent_version - 1
    return sent_version


def attempt_key(delivery_id: str, change: Change, version: int) -> str:
    """Return the idempotency key of a change: one a copy for its creation, one a version after (Q4)."""
    return delivery_id if change == "create" else f"{delivery_id}-{change[0]}{version}"


def back_off(attempts: int, config: Common, jitter: Jitter) -> float:
    """Return the seconds to wait after so many attempts: doubling, up to `max`, with full jitter."""
    first, longest = config.retry.first.total_seconds(), config.retry.max.total_seconds()
    return jitter(min(longest, first * 2 ** min(attempts - 1, 30)))


def after_failure(
    delivery: Row,
    change: Change,
    outcome: Outcome,
    *,
    config: Common,
    on_uncertain: Literal["hold", "repeat"],
    now_ms: int,
    jitter: Jitter,
) -> Row:
    """Return the columns of a delivery after an attempt that did not make its copy current.

    `delivery` has the attempt counted and its first one noted.
    """
    reason = {"code": outcome.code, "message": outcome.message}
    match outcome.kind:
        case Kind.AUTH:
            # Nothing was created: with another configuration the next attempt is made by that, unless
            # an attempt before this one may have arrived, which is repeated as it was (Q5).
            kept = delivery.get("create_request")
            return _at_rest("held", reason) | {"create_request": kept}
        case Kind.REJECTED | Kind.GONE:
            return _at_rest("failed", reason) | {"create_request": None}
        case Kind.UNCERTAIN if change == "create" and on_uncertain == "hold":
            return _at_rest("held", {"code": "uncertain", "message": _may_exist(outcome)})
        case _:
            pass
    tried_ms = now_ms - (delivery["first_attempt_ms"] or now_ms)
    if timedelta(milliseconds=tried_ms) >= config.retry.for_:
        state = "held" if change == "create" and outcome.kind is Kind.UNCERTAIN else "failed"
        message = f"gave up after {delivery['attempts']} attempts; the last one: {outcome.message}"
        return _at_rest(state, {"code": "gave-up", "message": message})
    wait_s = outcome.retry_after_s
    if wait_s is None:
        wait_s = back_off(delivery["attempts"], config, jitter)
    waiting: Row = {
        "state": "retrying",
        "reason": reason,
        "next_attempt_ms": now_ms + int(wait_s * 1000),
    }
    if (
        change == "create"
        and outcome.code == "unreachable"
        and delivery.get("create_request") is None
    ):
        waiting["create_request"] = None  # nothing left: the next attempt may say what is true then
    return waiting


def after_success(task: Row, *, shown: bool, now_ms: int) -> Row:
    """Return the columns of a delivery whose copy is current; `shown`: it shows all that changed (V10)."""
    reason: Mapping[str, Any] | None = None
    if not shown:
        reason = {
            "code": "not-changeable",
            "message": "changes since it was created are not shown: the destination has no `update`",
        }
    return {
        "state": "current",
        "delivered_version": task["version"],
        "reason": reason,
        "first_attempt_ms": None,
        "next_attempt_ms": None,
        "create_request": None,
        "updated_ms": now_ms,
    }


def _at_rest(state: str, reason: Mapping[str, Any]) -> Row:
    return {"state": state, "reason": dict(reason), "next_attempt_ms": None}


def _may_exist(outcome: Outcome) -> str:
    return (
        f"it may have been created ({outcome.message}); it is not sent again before somebody "
        "has looked there"
    )
