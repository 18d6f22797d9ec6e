"""What an action makes of the task its key has: K1-K12."""

from __future__ import annotations

from typing import Any

import pytest

from rules.decision import Action
from tests.support.judging import NOW_MS, cancel, complete, decision, event, judged, open_task
from workers.apply import Fold, Judged, State, fold
from workers.fields import Row, Statuses

DAY_MS = 86_400_000


def run(*batch: Judged, state: State | None = None, **given: Any) -> Fold:
    done = fold(batch, state or State(), now_ms=NOW_MS + 5, rules_hash="h", **given)
    done.number(range(1, len(done.new_tasks) + 1))
    return done


def state_after(done: Fold, *, copies: dict[str, list[str]] | None = None) -> State:
    """What the store holds after a fold, as the next batch finds it."""
    rows = {row["id"]: row for row in [*done.new_tasks, *done.changed_tasks]}
    return State(
        tasks={(row["scope"], row["key"]): row for row in rows.values() if row["key"] is not None},
        copies=copies or {},
    )


def outcome(done: Fold, index: int = -1) -> str:
    said: str = done.events[index]["decisions"][-1]["outcome"]
    return said


def only(rows: list[Row]) -> Row:
    assert len(rows) == 1
    return rows[0]


def test_a_new_task_has_every_field_of_the_contract() -> None:
    of = event("shop", type="orders/create")
    action = open_task(
        "order-1",
        version="7",
        fields={"priority": "high", "assignees": ["jane"], "due_at": "2026-11-24T17:00:00Z"},
    )

    row = only(run(judged(action, of)).new_tasks)

    assert row["number"] == 1
    assert (row["scope"], row["key"], row["version"]) == ("shop", "order-1", 1)
    assert (row["status"], row["status_kind"]) == ("open", "initial")
    assert row["due_ms"] == 1_795_539_600_000
    assert row["assignees"] == ["jane"]
    assert row["followers"] == row["labels"] == row["links"] == []
    assert row["custom"] == {}
    assert row["occurrences"] == 1
    assert row["completed_ms"] is None
    assert row["creator"] == {"type": "connector", "id": "shop"}
    assert row["source"] == {
        "connector": "shop",
        "event_id": of.id,
        "rule": "rule 0",
        "version": "7",
        "at": "rules/routes/shop.yaml:3",
    }


def test_ids_are_the_same_when_a_batch_is_folded_again() -> None:
    batch = [judged([open_task("a", deliver=("crm",)), open_task()])]

    first, second = run(*batch), run(*batch)

    assert [row["id"] for row in first.new_tasks] == [row["id"] for row in second.new_tasks]
    assert [row["id"] for row in first.history] == [row["id"] for row in second.history]
    assert [row["id"] for row in first.deliveries] == [row["id"] for row in second.deliveries]


def test_the_fold_leaves_the_state_it_was_given_as_it_was() -> None:
    opened = run(judged(open_task("a")))
    before = dict(opened.new_tasks[0])

    run(judged(open_task("a", fields={"title": "Other"})), state=state_after(opened))

    assert opened.new_tasks[0] == before


def test_a_key_belongs_to_its_connector_unless_it_is_shared() -> None:
    done = run(
        judged(open_task("a"), connector="shop"),
        judged(open_task("a"), connector="store"),
        judged(open_task("a", shared="orders"), connector="shop"),
        judged(open_task("a", shared="orders"), connector="store"),
    )

    assert [row["scope"] for row in done.new_tasks] == ["shop", "store", "shared:orders"]
    assert outcome(done) == "updated"


def test_update_writes_the_given_fields_and_merges_custom() -> None:
    opened = run(
        judged(
            open_task(
                "a",
                fields={
                    "labels": ["x", "y"],
                    "custom": {"a": 1, "b": 2},
                    "description": "as it was",
                },
            )
        )
    )
    changed = run(
        judged(open_task("a", fields={"title": "New", "labels": ["z"], "custom": {"b": 3}})),
        state=state_after(opened),
    )

    row = only(changed.changed_tasks)
    assert row["title"] == "New"
    assert row["labels"] == ["z"]
    assert row["custom"] == {"a": 1, "b": 3}
    assert row["description"] == "as it was"
    assert row["occurrences"] == 1
    assert row["version"] == 2
    assert only(changed.history)["fields"] == {
        "title": {"from": "Look into it", "to": "New"},
        "labels": {"from": ["x", "y"], "to": ["z"]},
        "custom": {"from": {"a": 1, "b": 2}, "to": {"a": 1, "b": 3}},
    }
    assert changed.new_tasks == []


def test_an_update_that_changes_nothing_makes_no_version_and_no_delivery() -> None:
    opened = run(judged(open_task("a", deliver=("crm",))))
    state = state_after(opened, copies={opened.new_tasks[0]["id"]: ["crm"]})

    again = run(judged(open_task("a", deliver=("crm",))), state=state)

    assert outcome(again) == "updated"
    assert again.events[0]["status"] == "routed"
    assert only(again.changed_tasks)["version"] == 1
    assert again.deliveries == []


def test_count_adds_one_occurrence_and_writes_nothing_else() -> None:
    opened = run(judged(open_task("a")))
    counted = run(
        judged(open_task("a", on_open="count", fields={"title": "New"})), state=state_after(opened)
    )

    row = only(counted.changed_tasks)
    assert (row["occurrences"], row["version"], row["title"]) == (2, 2, "Look into it")
    assert outcome(counted) == "counted"


def test_ignore_does_nothing() -> None:
    opened = run(judged(open_task("a")))
    ignored = run(judged(open_task("a", on_open="ignore")), state=state_after(opened))

    assert ignored.changed_tasks == ignored.history == []
    assert ignored.events[0]["status"] == "dropped"
    assert (ignored.events[0]["reason"], ignored.events[0]["code"]) == ("ignored", "ignored")


@pytest.mark.parametrize(
    ("close", "status", "kind", "word"),
    [
        (complete("a", note="Resolved"), "done", "done", "completed"),
        (cancel("a", note="Resolved"), "cancelled", "cancelled", "cancelled"),
    ],
)
def test_closing_takes_the_first_status_of_its_kind_and_keeps_the_note(
    close: Action, status: str, kind: str, word: str
) -> None:
    opened = run(judged(open_task("a")))
    closed = run(judged(close, received_ms=NOW_MS + 3), state=state_after(opened))

    row = only(closed.changed_tasks)
    assert (row["status"], row["status_kind"]) == (status, kind)
    assert row["completed_ms"] == NOW_MS + 3
    assert only(closed.history)["note"] == "Resolved"
    assert only(closed.events[0]["tasks"])["action"] == word


def test_statuses_of_the_directory_are_used() -> None:
    statuses = Statuses({"new": "initial", "fixed": "done", "gone": "cancelled"})
    done = run(judged([open_task("a"), complete("a")]), statuses=statuses)

    assert done.history[0]["fields"] == {}
    assert only(done.new_tasks)["status"] == "fixed"


def test_a_status_the_rule_gives_brings_its_kind() -> None:
    done = run(judged(open_task(fields={"status": "doing"})))

    assert only(done.new_tasks)["status_kind"] == "in_progress"


def test_closing_without_an_open_task_does_nothing() -> None:
    nothing = run(judged(complete("a")))
    assert nothing.events[0]["reason"] == "no open task"
    assert nothing.events[0]["code"] == "no-open-task"

    closed = run(judged([open_task("a"), complete("a")]))
    again = run(judged(cancel("a")), state=state_after(closed))
    assert again.events[0]["reason"] == "no open task"
    assert again.changed_tasks == []


def test_on_closed_new_makes_another_task() -> None:
    closed = run(judged([open_task("a"), complete("a")]))
    again = run(judged(open_task("a")), state=state_after(closed))

    assert outcome(again) == "created"
    assert only(again.new_tasks)["key"] == "a"
    assert again.changed_tasks == []


def test_on_closed_ignore_does_nothing() -> None:
    closed = run(judged([open_task("a"), complete("a")]))
    again = run(judged(open_task("a", on_closed="ignore")), state=state_after(closed))

    assert again.events[0]["reason"] == "ignored"


@pytest.mark.parametrize(("later_ms", "expected"), [(DAY_MS, "reopened"), (DAY_MS + 1, "created")])
def test_reopen_holds_until_its_window_ends(later_ms: int, expected: str) -> None:
    closed = run(judged([open_task("a"), complete("a")]))
    action = open_task("a", on_closed="reopen", reopen_within_s=86_400, fields={"title": "Back"})
    again = run(judged(action, received_ms=NOW_MS + later_ms), state=state_after(closed))

    assert outcome(again) == expected
    if expected == "reopened":
        row = only(again.changed_tasks)
        assert (row["status_kind"], row["completed_ms"], row["title"]) == ("initial", None, "Back")


def test_reopen_counts_where_the_rule_counts() -> None:
    closed = run(judged([open_task("a"), cancel("a")]))
    action = open_task("a", on_open="count", on_closed="reopen")
    again = run(judged(action), state=state_after(closed))

    assert only(again.changed_tasks)["occurrences"] == 2


@pytest.mark.parametrize(
    ("held", "given", "acts"),
    [
        ("2", "10", True),
        ("10", "2", False),
        ("10", "10", True),
        ("2026-01-02T00:00:00Z", "2026-01-02T01:00:00+02:00", False),
        ("2026-01-02T00:00:00Z", "5", True),
        (None, "5", True),
        ("5", None, True),
    ],
)
def test_an_older_version_changes_nothing(
    held: str | None, given: str | None, *, acts: bool
) -> None:
    opened = run(judged(open_task("a", version=held)))
    later = run(
        judged(open_task("a", version=given, fields={"title": "New"})), state=state_after(opened)
    )

    assert outcome(later) == ("updated" if acts else "older version")
    if not acts:
        assert later.changed_tasks == []
        assert later.events[0]["code"] == "older-version"


def test_the_newest_version_seen_is_remembered_also_by_a_count() -> None:
    opened = run(judged(open_task("a", version="1")))
    counted = run(judged(open_task("a", version="3", on_open="count")), state=state_after(opened))
    late = run(judged(complete("a", version="2")), state=state_after(counted))

    assert counted.changed_tasks[0]["source"]["version"] == "3"
    assert late.events[0]["reason"] == "older version"


def test_a_late_opening_of_what_was_closed_does_not_reopen_it() -> None:
    closed = run(judged([open_task("a", version="1"), complete("a", version="1")]))
    late = run(judged(open_task("a", version="1", on_closed="reopen")), state=state_after(closed))
    newer = run(judged(open_task("a", version="2", on_closed="reopen")), state=state_after(closed))

    assert late.events[0]["reason"] == "older version"
    assert outcome(newer) == "reopened"
    assert "closed_version" not in newer.changed_tasks[0]["source"]


def test_a_second_closing_with_a_newer_version_is_remembered() -> None:
    closed = run(judged([open_task("a", version="1"), complete("a", version="1")]))
    again = run(judged(complete("a", version="2")), state=state_after(closed))
    late = run(judged(open_task("a", version="2", on_closed="reopen")), state=state_after(again))

    assert again.events[0]["reason"] == "no open task"
    assert only(again.changed_tasks)["version"] == closed.new_tasks[0]["version"]
    assert late.events[0]["reason"] == "older version"


def test_later_actions_of_a_batch_see_what_earlier_ones_did() -> None:
    done = run(
        judged([open_task("a"), open_task("a", on_open="count")]),
        judged(complete("a")),
        judged(open_task("a")),
    )

    assert [row["occurrences"] for row in done.new_tasks] == [2, 1]
    assert [row["status_kind"] for row in done.new_tasks] == ["done", "initial"]
    assert [row["action"] for row in done.history] == ["created", "counted", "completed", "created"]
    assert done.changed_tasks == []
    assert [entry["number"] for row in done.events for entry in row["tasks"]] == [1, 1, 1, 2]


def test_history_of_one_event_sorts_in_the_order_of_acting() -> None:
    done = run(judged([open_task("a"), *(open_task("a", on_open="count") for _ in range(20))]))

    ids = [row["id"] for row in done.history]
    assert ids == sorted(ids)
    assert len(set(ids)) == 21


def test_a_task_is_delivered_to_the_destinations_of_its_action() -> None:
    done = run(judged(open_task("a", deliver=("crm", "ops"))))

    task = only(done.new_tasks)
    assert [(row["destination"], row["wanted_version"]) for row in done.deliveries] == [
        ("crm", 1),
        ("ops", 1),
    ]
    assert {row["task_id"] for row in done.deliveries} == {task["id"]}
    assert {row["state"] for row in done.deliveries} == {"pending"}


def test_every_copy_follows_a_change_and_several_changes_are_one_delivery() -> None:
    opened = run(judged(open_task("a", deliver=("crm",))))
    state = state_after(opened, copies={opened.new_tasks[0]["id"]: ["crm"]})

    done = run(
        judged(open_task("a", fields={"title": "New"}, deliver=("ops",))),
        judged(complete("a")),
        state=state,
    )

    assert {row["destination"]: row["wanted_version"] for row in done.deliveries} == {
        "crm": 3,
        "ops": 3,
    }


def test_a_count_is_delivered_only_where_occurrences_are_shown() -> None:
    opened = run(judged(open_task("a", deliver=("crm", "ops"))))
    state = state_after(opened, copies={opened.new_tasks[0]["id"]: ["crm", "ops"]})

    done = run(judged(open_task("a", on_open="count")), state=state, counting={"ops"})

    assert [row["destination"] for row in done.deliveries] == ["ops"]


def test_what_the_same_event_made_is_not_acted_on_when_it_is_decided_again() -> None:
    of = event()
    opened = run(judged(decision(open_task("a")), of))
    again = run(judged(decision(open_task("a", on_open="count")), of), state=state_after(opened))

    assert outcome(again) == "ignored"
    assert again.changed_tasks == []
