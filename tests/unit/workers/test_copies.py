"""Which requests make a copy current, and what becomes of it when they fail (V2-V10, Q3-Q9)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.delivering import config
from tests.support.rows import HOUR_MS, NOW_MS
from workers import copies
from workers.copies import Policy, after_create, next_changes
from workers.destinations.destination import Common, OnUncertain, Vendor
from workers.destinations.outcome import Kind, Outcome
from workers.destinations.request import Change
from workers.shown import REMOVED, shown_of

ALL: frozenset[Change] = frozenset({"create", "update", "complete", "cancel", "delete"})
PLAIN: frozenset[Change] = frozenset({"create", "update"})
COMPLETES: frozenset[Change] = PLAIN | {"complete"}
RIGID: frozenset[Change] = frozenset({"create", "complete"})
OPEN = {"status_kind": "initial", "version": 3, "deleted_ms": None}
CLOSED = OPEN | {"status_kind": "done"}
CANCELLED = OPEN | {"status_kind": "cancelled"}
DELETED = OPEN | {"deleted_ms": NOW_MS}
SHAPE: dict[str, Any] = {"title": "Now", "status": "open"}
SAME = shown_of(SHAPE, "initial", by_field=False)
OTHER = shown_of({"title": "Before"}, "initial", by_field=False)
CLOSED_THERE = SAME | {"kind": "done"}


def copy(
    have: int, wanted: int = 3, external_id: str | None = None, shown: Any = None
) -> dict[str, Any]:
    return {
        "delivered_version": have,
        "wanted_version": wanted,
        "external_id": external_id,
        "shown": shown,
    }


@pytest.mark.parametrize(
    ("delivery", "task", "can", "changes"),
    [
        (copy(0), OPEN, ALL, ["create"]),
        (copy(0), CLOSED, ALL, ["create"]),
        (copy(3), OPEN, ALL, []),
        (copy(4), OPEN, ALL, []),
        (copy(2), OPEN, ALL, ["update"]),
        (copy(0, external_id="77"), OPEN, ALL, ["update"]),
        (copy(2), CLOSED, ALL, ["complete"]),
        (copy(1), CLOSED, ALL, ["update", "complete"]),
        (copy(2), CLOSED, PLAIN, ["update"]),
        (copy(2), CANCELLED, ALL, ["cancel"]),
        (copy(2), CANCELLED, COMPLETES, ["complete"]),
        (copy(2), CANCELLED, PLAIN, ["update"]),
        (copy(1), CLOSED, RIGID, ["complete"]),
        (copy(1, shown=SAME), CLOSED, ALL, ["complete"]),
        (copy(2, shown=OTHER), CLOSED, ALL, ["update", "complete"]),
        (copy(2, shown=CLOSED_THERE), CLOSED, ALL, ["update"]),
        (copy(2, shown=CLOSED_THERE), CANCELLED, ALL, ["cancel"]),
        (copy(2, shown=CLOSED_THERE), OPEN, ALL, ["update"]),
    ],
)
def test_what_is_sent_next(
    delivery: dict[str, Any], task: dict[str, Any], can: frozenset[Change], changes: list[Change]
) -> None:
    assert next_changes(delivery, task, SHAPE, can=can, on_delete="leave") == changes


@pytest.mark.parametrize(
    ("delivery", "can", "on_delete", "changes"),
    [
        (copy(2), ALL, "delete", ["delete"]),
        (copy(3), ALL, "delete", ["delete"]),
        (copy(2), ALL, "leave", []),
        (copy(2), PLAIN, "delete", []),
        (copy(0), ALL, "delete", []),
        (copy(3, shown=SAME | {"kind": REMOVED}), ALL, "delete", []),
    ],
)
def test_the_copy_of_a_deleted_task_is_removed_where_that_is_wanted_and_can_be(
    delivery: dict[str, Any], can: frozenset[Change], on_delete: str, changes: list[Change]
) -> None:
    assert next_changes(delivery, DELETED, SHAPE, can=can, on_delete=on_delete) == changes


@pytest.mark.parametrize(
    ("task", "can", "then"),
    [
        (OPEN, ALL, (3, "initial")),
        (CLOSED, ALL, (2, "initial")),
        (CANCELLED, COMPLETES, (2, "initial")),
        (CLOSED, PLAIN, (3, "done")),
        (CLOSED | {"version": 1}, ALL, (1, "done")),
    ],
)
def test_a_copy_that_is_created_of_a_closed_task_is_still_to_be_closed(
    task: dict[str, Any], can: frozenset[Change], then: tuple[int, str]
) -> None:
    assert after_create(task, can) == then


def test_a_creation_has_one_key_and_each_later_change_of_a_version_its_own() -> None:
    changes: list[tuple[Change, int]] = [
        *(("create", 1), ("create", 2)),
        *(("update", 2), ("complete", 2), ("cancel", 2), ("delete", 2)),
    ]
    keys = [copies.attempt_key("d", change, version) for change, version in changes]

    assert keys == ["d", "d", "d-u2", "d-c2", "d-x2", "d-d2"]


def test_the_back_off_doubles_up_to_the_longest_wait() -> None:
    given = config(retry={"first": "5s", "max": "1m"})

    waits = [copies.back_off(n, given, lambda longest: longest) for n in (1, 2, 3, 4, 5, 500)]

    assert waits == [5, 10, 20, 40, 60, 60]


KEPT = {"method": "POST", "sent_ms": NOW_MS}


def policy(on_uncertain: OnUncertain, given: Common | None = None) -> Policy:
    patient = config(retry={"for": "2h", "first": "5s"})
    return Policy(given or patient, on_uncertain, lambda longest: longest)


def fails(kind: Kind, change: Change = "create", **given: Any) -> dict[str, Any]:
    """Return what becomes of a copy after its third attempt, an hour after the first."""
    outcome = Outcome(kind, given.pop("code", "the-code"), "the message", **given.pop("said", {}))
    rule = policy(given.pop("on_uncertain", "hold"))
    delivery = {
        "attempts": 3,
        "first_attempt_ms": NOW_MS - HOUR_MS,
        "create_request": KEPT,
        "delivered_version": 0,
        "external_id": None,
        **given,
    }
    return rule.after_failure(delivery, change, outcome, NOW_MS)


@pytest.mark.parametrize(
    ("kind", "change", "state"),
    [
        (Kind.AUTH, "create", "held"),
        (Kind.REJECTED, "create", "failed"),
        (Kind.REJECTED, "update", "failed"),
        (Kind.GONE, "update", "failed"),
        (Kind.UNCERTAIN, "create", "held"),
        (Kind.UNCERTAIN, "update", "retrying"),
        (Kind.UNCERTAIN, "delete", "retrying"),
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


def test_a_creation_that_may_have_worked_is_repeated_where_that_makes_no_second_copy() -> None:
    repeated = fails(Kind.UNCERTAIN, on_uncertain="repeat")
    held = fails(Kind.UNCERTAIN)

    assert (repeated["state"], repeated["create_request"]) == (
        "retrying",
        KEPT | {"may_exist": True},
    )
    assert (held["reason"]["code"], held["create_request"]["may_exist"]) == ("uncertain", True)


def test_a_creation_that_may_have_worked_is_looked_for_once_it_is_surely_there_or_not() -> None:
    result = fails(Kind.UNCERTAIN, on_uncertain="reconcile")
    late = fails(
        Kind.UNCERTAIN,
        on_uncertain="reconcile",
        create_request={"sent_ms": NOW_MS - HOUR_MS},
    )

    assert (result["state"], result["reason"]["code"]) == ("uncertain", "the-code")
    assert result["next_attempt_ms"] == NOW_MS + 30_000
    assert result["create_request"]["may_exist"]
    assert late["next_attempt_ms"] == NOW_MS


def test_how_long_that_takes_is_the_vendors_to_say() -> None:
    given = Vendor.model_validate({"base_url": "https://api.example", "look_after": "7s"})

    assert copies.look_after_ms(given) == 7_000
    assert copies.look_after_ms(config()) == 30_000


@pytest.mark.parametrize(
    ("kind", "state", "code"),
    [
        (Kind.AUTH, "held", "the-code"),
        (Kind.REJECTED, "held", "uncertain"),
        (Kind.GONE, "held", "uncertain"),
        (Kind.RATE_LIMITED, "uncertain", "the-code"),
        (Kind.UNCERTAIN, "uncertain", "the-code"),
        (Kind.RETRY, "uncertain", "the-code"),
    ],
)
def test_a_question_that_is_not_answered_leaves_the_copy_uncertain_or_to_a_person(
    kind: Kind, state: str, code: str
) -> None:
    delivery = {"attempts": 1, "first_attempt_ms": NOW_MS, "create_request": KEPT}
    outcome = Outcome(kind, "the-code", "the message")

    result = policy("reconcile").after_look(delivery, outcome, NOW_MS)

    assert (result["state"], result["reason"]["code"]) == (state, code)
    assert "the message" in result["reason"]["message"]


def test_a_copy_that_cannot_be_looked_for_in_all_its_time_is_held() -> None:
    delivery = {"attempts": 9, "first_attempt_ms": NOW_MS - 2 * HOUR_MS, "create_request": KEPT}
    outcome = Outcome(Kind.RETRY, "unreachable", "refused")

    result = policy("reconcile").after_look(delivery, outcome, NOW_MS)

    assert (result["state"], result["reason"]["code"]) == ("held", "gave-up")


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


@pytest.mark.parametrize("kind", [Kind.REJECTED, Kind.RETRY, Kind.RATE_LIMITED, Kind.UNCERTAIN])
def test_what_may_exist_is_held_whatever_is_answered_when_it_is_repeated(kind: Kind) -> None:
    given: dict[str, Any] = {
        "first_attempt_ms": NOW_MS - 2 * HOUR_MS,
        "on_uncertain": "repeat",
        "create_request": KEPT | {"may_exist": True},
    }

    assert fails(kind, **given)["state"] == "held"
    assert fails(kind, **given).get("create_request", given["create_request"]) is not None
    assert fails(kind, "update", **given, external_id="a1")["state"] == "failed"


def test_a_copy_that_does_not_show_all_that_changed_names_what_differs() -> None:
    shown = copies.after_success(OPEN, [])
    not_shown = copies.after_success(OPEN, ["title", "labels"])

    assert (shown["state"], shown["reason"], shown["delivered_version"]) == ("current", None, 3)
    assert not_shown["state"] == "current"
    assert not_shown["reason"]["code"] == "not-changeable"
    assert "title, labels" in not_shown["reason"]["message"]
    assert shown["create_request"] is shown["first_attempt_ms"] is shown["next_attempt_ms"] is None


MAY_EXIST = copy(0) | {"create_request": KEPT | {"may_exist": True}}


@pytest.mark.parametrize(
    ("delivery", "code", "says"),
    [
        (copy(2, shown=SAME | {"kind": REMOVED}), "removed", "deleted with its task"),
        (copy(0) | {"create_request": None}, "removed", "before it had a copy"),
        (copy(2), "left", "its copy was left alone"),
        (MAY_EXIST, "left", "may have been created was left alone"),
    ],
)
def test_the_copy_of_a_deleted_task_says_what_became_of_it(
    delivery: dict[str, Any], code: str, says: str
) -> None:
    columns = copies.after_deletion(delivery, DELETED)

    assert (columns["state"], columns["delivered_version"]) == ("current", DELETED["version"])
    assert columns["reason"]["code"] == code
    assert says in columns["reason"]["message"]
