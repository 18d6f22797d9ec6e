"""Which requests make a copy current, and what becomes of it when they fail (V2-V10, Q3-Q9)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.delivering import config
from tests.support.rows import HOUR_MS, NOW_MS
from workers import copies
from workers.copies import after_failure, next_changes, version_after_create
from workers.destinations.outcome import Kind, Outcome
from workers.destinations.request import Change

OPEN = {"status_kind": "initial", "version": 3}
CLOSED = {"status_kind": "done", "version": 3}


def copy(have: int, wanted: int = 3, external_id: str | None = None) -> dict[str, Any]:
    return {"delivered_version": have, "wanted_version": wanted, "external_id": external_id}


@pytest.mark.parametrize(
    ("delivery", "task", "can_complete", "changes"),
    [
        (copy(0), OPEN, True, ["create"]),
        (copy(0), CLOSED, True, ["create"]),
        (copy(3), OPEN, True, []),
        (copy(2), OPEN, True, ["update"]),
        (copy(0, external_id="77"), OPEN, True, ["update"]),
        (copy(2), CLOSED, True, ["complete"]),
        (copy(1), CLOSED, True, ["update", "complete"]),
        (copy(2), CLOSED, False, ["update"]),
        (copy(4), OPEN, True, []),
    ],
)
def test_what_is_sent_next(
    delivery: dict[str, Any], task: dict[str, Any], *, can_complete: bool, changes: list[Change]
) -> None:
    assert next_changes(delivery, task, can_complete=can_complete) == changes


@pytest.mark.parametrize(
    ("sent", "task", "can_complete", "version"),
    [
        (3, OPEN, True, 3),
        (3, CLOSED, True, 2),
        (3, CLOSED, False, 3),
        (2, CLOSED, True, 2),
        (1, {"status_kind": "done", "version": 1}, True, 1),
    ],
)
def test_a_copy_that_is_created_of_a_closed_task_is_still_to_be_completed(
    sent: int, task: dict[str, Any], *, can_complete: bool, version: int
) -> None:
    assert version_after_create(sent, task, can_complete=can_complete) == version


def test_a_creation_has_one_key_and_each_later_version_its_own() -> None:
    changes: list[tuple[Change, int]] = [
        *(("create", 1), ("create", 2)),
        *(("update", 2), ("complete", 2)),
    ]
    keys = [copies.attempt_key("d", change, version) for change, version in changes]

    assert keys == ["d", "d", "d-u2", "d-c2"]


def test_the_back_off_doubles_up_to_the_longest_wait() -> None:
    given = config(retry={"first": "5s", "max": "1m"})

    waits = [copies.back_off(n, given, lambda longest: longest) for n in (1, 2, 3, 4, 5, 500)]

    assert waits == [5, 10, 20, 40, 60, 60]


def fails(kind: Kind, change: Change = "create", **given: Any) -> dict[str, Any]:
    """Return what becomes of a copy after its third attempt, an hour after the first."""
    outcome = Outcome(kind, given.pop("code", "the-code"), "the message", **given.pop("said", {}))
    on_uncertain = given.pop("on_uncertain", "hold")
    delivery = {"attempts": 3, "first_attempt_ms": NOW_MS - HOUR_MS, "create_request": {}, **given}
    return after_failure(
        delivery,
        change,
        outcome,
        config=config(retry={"for": "2h", "first": "5s"}),
        on_uncertain=on_uncertain,
        now_ms=NOW_MS,
        jitter=lambda longest: longest,
    )


@pytest.mark.parametrize(
    ("kind", "change", "state"),
    [
        (Kind.AUTH, "create", "held"),
        (Kind.REJECTED, "create", "failed"),
        (Kind.REJECTED, "update", "failed"),
        (Kind.GONE, "update", "failed"),
        (Kind.UNCERTAIN, "create", "held"),
        (Kind.UNCERTAIN, "update", "retrying"),
        (Kind.RETRY, "create", "retrying"),
        (Kind.RATE_LIMITED, "create", "retrying"),
    ],
)
def test_each_kind_of_failure_has_its_state(kind: Kind, change: Change, state: str) -> None:
    result = fails(kind, change)

    assert result["state"] == state
    assert (result["next_attempt_ms"] is not None) == (state == "retrying")
    assert result["reason"]["message"]


def test_a_refused_creation_is_forgotten_so_that_the_next_one_says_what_is_true_then() -> None:
    assert fails(Kind.REJECTED)["create_request"] is None
    assert "create_request" not in fails(Kind.RETRY)
    assert "create_request" not in fails(Kind.RETRY, code="unreachable")
    assert fails(Kind.RETRY, code="unreachable", create_request=None)["create_request"] is None


def test_a_creation_whose_credentials_were_refused_is_made_anew_unless_one_before_may_have_arrived() -> (
    None
):
    assert fails(Kind.AUTH, create_request=None)["create_request"] is None
    assert fails(Kind.AUTH, create_request={"url": "x"})["create_request"] == {"url": "x"}


def test_a_creation_that_may_have_worked_is_repeated_where_that_makes_no_second_copy() -> None:
    assert fails(Kind.UNCERTAIN, on_uncertain="repeat")["state"] == "retrying"
    assert fails(Kind.UNCERTAIN)["reason"]["code"] == "uncertain"


def test_the_next_attempt_is_after_the_back_off_or_the_hint_whichever_there_is() -> None:
    assert fails(Kind.RETRY)["next_attempt_ms"] == NOW_MS + 20_000
    hinted = fails(Kind.RATE_LIMITED, said={"retry_after_s": 90.5})
    assert hinted["next_attempt_ms"] == NOW_MS + 90_500
    at_once = fails(Kind.RATE_LIMITED, said={"retry_after_s": 0.0})
    assert at_once["next_attempt_ms"] == NOW_MS


def test_after_the_time_for_attempts_it_is_given_up() -> None:
    long_ago = NOW_MS - 2 * HOUR_MS
    failed = fails(Kind.RETRY, first_attempt_ms=long_ago)
    assert (failed["state"], failed["reason"]["code"]) == ("failed", "gave-up")
    assert "3 attempts" in failed["reason"]["message"]
    assert fails(Kind.RETRY, first_attempt_ms=long_ago + 1)["state"] == "retrying"
    assert fails(Kind.RETRY, first_attempt_ms=None)["state"] == "retrying"


def test_a_creation_that_may_have_worked_is_held_when_it_is_given_up() -> None:
    given: dict[str, Any] = {
        "first_attempt_ms": NOW_MS - 2 * HOUR_MS,
        "on_uncertain": "repeat",
    }

    assert fails(Kind.UNCERTAIN, **given)["state"] == "held"
    assert fails(Kind.UNCERTAIN, "update", **given)["state"] == "failed"


def test_a_copy_that_does_not_show_all_that_changed_says_so() -> None:
    shown = copies.after_success(OPEN, shown=True, now_ms=NOW_MS)
    not_shown = copies.after_success(OPEN, shown=False, now_ms=NOW_MS)

    assert (shown["state"], shown["reason"], shown["delivered_version"]) == ("current", None, 3)
    assert not_shown["state"] == "current"
    assert not_shown["reason"]["code"] == "not-changeable"
    assert shown["create_request"] is shown["first_attempt_ms"] is shown["next_attempt_ms"] is None
