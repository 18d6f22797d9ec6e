"""Every pair of policies on every state of a key, and what is dropped for which reason: K2, K6-K9, R10."""

from __future__ import annotations

from typing import Any

import pytest

from rules.decision import Action
from tests.support.judging import NOW_MS, cancel, complete, judged, open_task
from tests.support.memory import Memory

HOUR_MS = 3_600_000

ON_OPEN = {"update": "updated", "count": "counted", "ignore": "ignored"}
"""What is done where the key has an open task, whatever `on_closed` says."""

ON_CLOSED = {
    ("new", "within"): "created",
    ("new", "later"): "created",
    ("reopen", "within"): "reopened",
    ("reopen", "later"): "created",
    ("ignore", "within"): "ignored",
    ("ignore", "later"): "ignored",
}
"""What is done where it has none but a closed one, whatever `on_open` says."""


@pytest.fixture
def store() -> Memory:
    return Memory(NOW_MS + 5)


def outcome(store: Memory, action: Action, received_ms: int = NOW_MS) -> str:
    """Return the outcome of an event with one action."""
    (row,) = store.route(judged(action, received_ms=received_ms)).events
    assert row["status"] == ("dropped" if not row["tasks"] else "routed")
    (entry,) = row["decisions"]
    said: str = entry["outcome"]
    assert [task["action"] for task in row["tasks"]] in ([], [said])
    return said


def again(on_open: Any, on_closed: Any) -> Action:
    return open_task(
        "a", on_open=on_open, on_closed=on_closed, reopen_within_s=3_600, fields={"title": "Again"}
    )


@pytest.mark.parametrize("on_closed", ["new", "reopen", "ignore"])
@pytest.mark.parametrize(("on_open", "expected"), ON_OPEN.items())
@pytest.mark.parametrize("kind", ["initial", "in_progress"])
@pytest.mark.parametrize("later_ms", [0, 10 * HOUR_MS])
def test_an_open_task_goes_by_on_open(
    store: Memory, later_ms: int, kind: str, on_open: str, expected: str, on_closed: str
) -> None:
    store.route(judged(open_task("a")))
    (task_id,) = store.tasks
    store.change(task_id, status_kind=kind)

    assert outcome(store, again(on_open, on_closed), NOW_MS + later_ms) == expected

    (row,) = store.tasks.values()
    assert row["status_kind"] == kind
    assert row["title"] == ("Again" if on_open == "update" else "Look into it")
    assert row["occurrences"] == (2 if on_open == "count" else 1)


@pytest.mark.parametrize("on_open", ["update", "count", "ignore"])
@pytest.mark.parametrize(("on_closed", "when"), ON_CLOSED)
@pytest.mark.parametrize("close", [complete("a"), cancel("a")])
def test_a_closed_task_goes_by_on_closed_done_and_cancelled_alike(
    store: Memory, close: Action, on_closed: str, when: str, on_open: str
) -> None:
    store.route(judged([open_task("a"), close]))
    (before,) = store.tasks.values()
    received_ms = NOW_MS + HOUR_MS + (when == "later")

    expected = ON_CLOSED[on_closed, when]
    assert outcome(store, again(on_open, on_closed), received_ms) == expected

    first, *others = store.tasks.values()
    assert len(others) == (expected == "created")
    for made in others:
        assert (made["title"], made["occurrences"], made["number"]) == ("Again", 1, 2)
    if expected == "reopened":
        assert (first["status"], first["status_kind"]) == ("open", "initial")
        assert (first["completed_ms"], first["title"]) == (None, "Again")
        assert first["occurrences"] == (2 if on_open == "count" else 1)
    else:
        assert first == before


@pytest.mark.parametrize("on_open", ["update", "count", "ignore"])
@pytest.mark.parametrize("on_closed", ["new", "reopen", "ignore"])
def test_a_key_without_a_task_gets_one(store: Memory, on_closed: str, on_open: str) -> None:
    assert outcome(store, again(on_open, on_closed)) == "created"


@pytest.mark.parametrize(
    ("before", "action", "reason", "code"),
    [
        ([open_task("a")], open_task("a", on_open="ignore"), "ignored", "ignored"),
        (
            [open_task("a"), complete("a")],
            open_task("a", on_closed="ignore"),
            "ignored",
            "ignored",
        ),
        (
            [open_task("a", version="2")],
            open_task("a", version="1"),
            "older version",
            "older-version",
        ),
        (
            [open_task("a", version="2")],
            complete("a", version="1"),
            "older version",
            "older-version",
        ),
        ([], complete("a"), "no open task", "no-open-task"),
        ([open_task("a"), cancel("a")], cancel("a"), "no open task", "no-open-task"),
        ([open_task("a"), complete("a")], cancel("a"), "no open task", "no-open-task"),
    ],
)
def test_an_event_that_changes_nothing_is_dropped_and_says_why(
    store: Memory, before: list[Action], action: Action, reason: str, code: str
) -> None:
    if before:
        store.route(judged(before))
    tasks, history = dict(store.tasks), dict(store.history)

    (row,) = store.route(judged(action)).events

    assert (row["status"], row["reason"], row["code"], row["tasks"]) == (
        "dropped",
        reason,
        code,
        [],
    )
    assert (store.tasks, store.history) == (tasks, history)


def test_an_event_of_which_one_rule_acts_is_routed_beside_others_that_do_not(
    store: Memory,
) -> None:
    actions: list[Action] = [complete("b"), open_task("a"), open_task("a", on_open="ignore")]

    (row,) = store.route(judged(actions)).events

    assert (row["status"], row["reason"]) == ("routed", None)
    said = [entry["outcome"] for entry in row["decisions"]]
    assert said == ["no open task", "created", "ignored"]


def test_the_task_of_a_key_is_the_one_closed_last_also_where_events_come_late(
    store: Memory,
) -> None:
    """The second task is closed by an event that was received before the first one's closing."""
    store.route(judged(open_task("a", version="1")))
    store.route(judged(complete("a", version="1"), received_ms=NOW_MS + HOUR_MS))
    store.route(judged(open_task("a", version="2"), received_ms=NOW_MS + 1))
    store.route(judged(complete("a", version="2"), received_ms=NOW_MS + 2))

    first, second = store.tasks.values()
    assert second["created_ms"] == second["completed_ms"] == first["completed_ms"]
    assert store.task("shop", "a") == second
    assert outcome(store, open_task("a", version="2")) == "older version"


def test_a_note_goes_into_the_history_of_the_closing_alone(store: Memory) -> None:
    store.route(judged([open_task("a"), complete("a", note="Resolved at noon")]))

    notes = {row["action"]: row["note"] for row in store.history.values()}
    assert notes == {"created": None, "completed": "Resolved at noon"}


def test_a_batch_that_comes_twice_counts_once(store: Memory) -> None:
    batch = [judged(open_task("a", on_open="count")) for _ in range(3)]

    store.route(*batch)
    store.route(*batch)

    (row,) = store.tasks.values()
    assert row["occurrences"] == 3
