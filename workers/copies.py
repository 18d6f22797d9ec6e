"""Which requests make a destination's copy of a task current, and what becomes of the delivery.

Pure: a copy is state, not a list of operations, so several changes that wait are one (decision Q3).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from workers.destinations.destination import Common, OnUncertain, Vendor
from workers.destinations.outcome import Kind, Outcome
from workers.destinations.request import Change
from workers.fields import OPEN_KINDS, Row
from workers.shown import NEW, REMOVED, is_same_but_for_status, kind_of

Jitter = Callable[[float], float]
"""Takes the longest wait in seconds and returns one between none and that."""

_LOOK_AFTER = timedelta(seconds=30)


def is_created(delivery: Row) -> bool:
    """Tell whether the destination has a copy already."""
    return delivery["delivered_version"] > 0 or delivery["external_id"] is not None


def may_exist(delivery: Row) -> bool:
    """Tell whether a copy may have been created that we do not know of."""
    kept = delivery["create_request"]
    return not is_created(delivery) and kept is not None and kept.get("may_exist", False)


def next_changes(
    delivery: Row, task: Row, shape: Mapping[str, Any], *, can: Collection[Change], on_delete: str
) -> list[Change]:
    """Return what is to be sent, in order; nothing where the copy is as it is wanted.

    `shape` is the task as JSON, `can` what the destination can be asked for. A task that is closed is
    closed at the destination; what else changed of it goes first.
    """
    if task["deleted_ms"] is not None:
        is_there = is_created(delivery) and kind_of(delivery) != REMOVED
        return ["delete"] if is_there and on_delete == "delete" and "delete" in can else []
    if not is_created(delivery):
        return ["create"]
    have: int = delivery["delivered_version"]
    if have >= delivery["wanted_version"]:
        return []
    closing = _closing(task, can)
    if closing is None or kind_of(delivery) == task["status_kind"]:
        return ["update"]
    nothing_else = is_same_but_for_status(delivery, shape)
    if nothing_else is None:
        nothing_else = have == task["version"] - 1
    return [closing] if nothing_else or "update" not in can else ["update", closing]


def _closing(task: Row, can: Collection[Change]) -> Change | None:
    """Return the request that closes a copy as its task is closed; None if an update says it."""
    if task["status_kind"] in OPEN_KINDS:
        return None
    wanted: tuple[Change, ...] = (
        ("cancel", "complete") if task["status_kind"] == "cancelled" else ("complete",)
    )
    return next((change for change in wanted if change in can), None)


def after_create(task: Row, can: Collection[Change]) -> tuple[int, str]:
    """Return the version that a copy created of a task has, and the kind of status it shows.

    It is one less than the task's where it still has to be closed. A task that was made closed needs no
    closing: its creation says it.
    """
    version: int = task["version"]
    if _closing(task, can) is not None and version > 1:
        return version - 1, NEW
    return version, task["status_kind"]


def attempt_key(delivery_id: str, change: Change, version: int) -> str:
    """Return the idempotency key of a change: one a copy for its creation, one a version after (Q4)."""
    return delivery_id if change == "create" else f"{delivery_id}-{_LETTERS[change]}{version}"


_LETTERS: Mapping[Change, str] = {"update": "u", "complete": "c", "cancel": "x", "delete": "d"}


def back_off(attempts: int, config: Common, jitter: Jitter) -> float:
    """Return the seconds to wait after so many attempts: doubling, up to `max`, with full jitter."""
    first, longest = config.retry.first.total_seconds(), config.retry.max.total_seconds()
    return jitter(min(longest, first * 2 ** min(attempts - 1, 30)))


def look_after_ms(config: Common) -> int:
    """Return how long after a creation was sent it is certain that it is there, or never will be."""
    span = config.look_after if isinstance(config, Vendor) else _LOOK_AFTER
    return int(span.total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class Policy:
    """What becomes of failures at a destination."""

    config: Common
    on_uncertain: OnUncertain
    jitter: Jitter

    def after_failure(self, delivery: Row, change: Change, outcome: Outcome, now_ms: int) -> Row:
        """Return the columns of a delivery after an attempt that did not make its copy current.

        `delivery` has the attempt counted and its first one noted; its `create_request` is what was
        sent, if this was a creation.
        """
        reason = {"code": outcome.code, "message": outcome.message}
        match outcome.kind:
            case Kind.AUTH:
                return _at_rest("held", reason)
            case Kind.REJECTED | Kind.GONE if may_exist(delivery):
                return held_for_a_person(f"it may have been created ({outcome.message})")
            case Kind.REJECTED | Kind.GONE:
                return _at_rest("failed", reason) | {"create_request": None}
            case Kind.UNCERTAIN if change == "create":
                return self._after_silence(delivery, outcome, now_ms)
            case _ if may_exist(delivery):
                again = self._again(delivery, reason, outcome, now_ms)
                return again | {"state": _REPEATED[again["state"]]}
            case _:
                return self._again(delivery, reason, outcome, now_ms)

    def after_look(self, delivery: Row, outcome: Outcome, now_ms: int) -> Row:
        """Return the columns of a delivery after a question for its copy that was not answered."""
        match outcome.kind:
            case Kind.AUTH:
                return _at_rest("held", {"code": outcome.code, "message": outcome.message})
            case Kind.REJECTED | Kind.GONE:
                return held_for_a_person(f"the destination cannot be asked: {outcome.message}")
            case _:
                reason = {"code": outcome.code, "message": _looked_for(outcome)}
                again = self._again(delivery, reason, outcome, now_ms)
                return again | {"state": _UNCERTAIN[again["state"]]}

    def _after_silence(self, delivery: Row, outcome: Outcome, now_ms: int) -> Row:
        """A creation that may have worked is repeated, looked for or left to a person (V3-V5)."""
        kept = {**(delivery["create_request"] or {}), "may_exist": True}
        if self.on_uncertain == "hold":
            message = f"it may have been created ({outcome.message})"
            return held_for_a_person(message) | {"create_request": kept}
        if self.on_uncertain == "repeat":
            reason = {"code": outcome.code, "message": outcome.message}
            again = self._again(delivery, reason, outcome, now_ms)
            return again | {"state": _REPEATED[again["state"]], "create_request": kept}
        return {
            "state": "uncertain",
            "reason": {"code": outcome.code, "message": _looked_for(outcome)},
            "next_attempt_ms": max(
                now_ms, kept.get("sent_ms", now_ms) + look_after_ms(self.config)
            ),
            "create_request": kept,
        }

    def _again(
        self, delivery: Row, reason: Mapping[str, str], outcome: Outcome, now_ms: int
    ) -> Row:
        """Wait and try again, or give up when the time for attempts is over."""
        tried_ms = now_ms - (delivery["first_attempt_ms"] or now_ms)
        if timedelta(milliseconds=tried_ms) >= self.config.retry.for_:
            attempts = delivery["attempts"]
            message = f"gave up after {attempts} attempts; the last one: {reason['message']}"
            return _at_rest("failed", {"code": "gave-up", "message": message})
        wait_s = outcome.retry_after_s
        if wait_s is None:
            wait_s = back_off(delivery["attempts"], self.config, self.jitter)
        next_ms = now_ms + int(wait_s * 1000)
        return {"state": "retrying", "reason": dict(reason), "next_attempt_ms": next_ms}


_REPEATED = {"retrying": "retrying", "failed": "held"}
"""A creation that may have worked is never said to have failed."""
_UNCERTAIN = {"retrying": "uncertain", "failed": "held"}


def held_for_a_person(message: str) -> Row:
    """Return the columns of a delivery that is not sent again before somebody has looked there."""
    told = f"{message}; it is not sent again before somebody has looked there"
    return _at_rest("held", {"code": "uncertain", "message": told})


def after_success(task: Row, not_shown: Collection[str]) -> Row:
    """Return the columns of a delivery whose copy is current; `not_shown` names fields that differ (V10)."""
    if not not_shown:
        return _settled(task, None)
    message = f"the destination cannot change {', '.join(not_shown)}: the copy differs there"
    return _settled(task, {"code": "not-changeable", "message": message})


def after_deletion(delivery: Row, task: Row) -> Row:
    """Return the columns of a delivery whose task is deleted and whose copy is as that is wanted (V32)."""
    if kind_of(delivery) == REMOVED:
        return _settled(task, {"code": "removed", "message": "the copy was deleted with its task"})
    if is_created(delivery):
        message = "the task was deleted, and its copy was left alone"
    elif may_exist(delivery):
        message = "the task was deleted, and a copy that may have been created was left alone"
    else:
        message = "the task was deleted before it had a copy"
        return _settled(task, {"code": "removed", "message": message})
    return _settled(task, {"code": "left", "message": message})


def _settled(task: Row, reason: Row | None) -> Row:
    return {
        "state": "current",
        "delivered_version": task["version"],
        "reason": reason,
        "first_attempt_ms": None,
        "next_attempt_ms": None,
        "create_request": None,
    }


def _at_rest(state: str, reason: Mapping[str, Any]) -> Row:
    return {"state": state, "reason": dict(reason), "next_attempt_ms": None}


def _looked_for(outcome: Outcome) -> str:
    return f"it may have been created ({outcome.message}); it is looked for"
