"""What a person changed and what a sender says next: K7."""

from __future__ import annotations

from typing import Any

import pytest

from router.core.store.edits import changed
from router.core.store.schema import Row
from tests.support.judging import NOW_MS, complete, judged, open_task
from tests.support.memory import Memory

FIELDS = {
    "title": "As the sender says",
    "priority": "high",
    "due_at": "2026-11-24T17:00:00Z",
    "due_date": "2026-11-24",
    "due_time": "17:00",
    "all_day": False,
    "timezone": "UTC",
    "custom": {"total": 5, "shop": "acme"},
}
PERSONS = {
    "title": "As Jane says",
    "due_date": "2026-12-01",
    "due_ms": 1,
    "custom": {"total": 6, "shop": "acme"},
}
EDITED = ["custom.total", "due", "title"]


@pytest.fixture
def store() -> Memory:
    """A store with a task of which a person changed title, due date and one key of `custom`."""
    made = Memory(NOW_MS + 5)
    made.route(judged(open_task("a", fields={**FIELDS, "title": "At first"}, deliver=("crm",))))
    (task_id,) = made.tasks
    made.change(task_id, **PERSONS, edited=EDITED)
    return made


def only(store: Memory) -> Row:
    (row,) = store.tasks.values()
    return row


def send(store: Memory, **given: Any) -> dict[str, Any]:
    """Let the sender say something of the task; return the entry of its event."""
    fields = {**FIELDS, "priority": "low", **given.pop("fields", {})}
    (row,) = store.route(judged(open_task("a", fields=fields, **given))).events
    (entry,) = row["decisions"]
    found: dict[str, Any] = entry
    return found


def test_a_rule_leaves_alone_what_a_person_changed_and_says_so(store: Memory) -> None:
    entry = send(store, fields={"custom": {"total": 7, "shop": "new", "more": 1}})

    row = only(store)
    assert {name: row[name] for name in ("title", "due_date", "due_ms", "due_time")} == {
        "title": "As Jane says",
        "due_date": "2026-12-01",
        "due_ms": 1,
        "due_time": "17:00",
    }
    assert row["custom"] == {"total": 6, "shop": "new", "more": 1}
    assert (row["priority"], row["version"], row["edited"]) == ("low", 2, EDITED)
    assert entry["outcome"] == "updated"
    assert entry["kept"] == ["title", "due", "custom.total"]


def test_what_all_is_kept_makes_no_version_and_no_delivery(store: Memory) -> None:
    before = only(store)
    (event,) = store.route(judged(open_task("a", fields={"title": "Other"}))).events

    assert only(store) == before
    assert (event["status"], event["decisions"][0]["kept"]) == ("routed", ["title"])
    assert set(store.wanted.values()) == {1}


def test_what_both_say_is_not_told_as_kept(store: Memory) -> None:
    (event,) = store.route(judged(open_task("a", fields={"title": "As Jane says"}))).events

    assert "kept" not in event["decisions"][0]
    assert only(store)["edited"] == EDITED


def test_update_always_overwrites_it_and_the_field_is_the_rules_again(store: Memory) -> None:
    entry = send(store, update="always", fields={"custom": {"shop": "new"}})

    row = only(store)
    assert (row["title"], row["due_date"], row["priority"]) == (
        "As the sender says",
        "2026-11-24",
        "low",
    )
    assert row["custom"] == {"total": 6, "shop": "new"}
    assert row["edited"] == ["custom.total"]
    assert "kept" not in entry

    send(store, fields={"title": "Next", "custom": {"total": 8}})
    assert (only(store)["title"], only(store)["custom"]["total"]) == ("Next", 6)


def test_counting_and_closing_are_done_whoever_changed_the_task(store: Memory) -> None:
    store.route(judged([open_task("a", on_open="count"), complete("a")]))

    row = only(store)
    assert (row["occurrences"], row["status_kind"], row["edited"]) == (2, "done", EDITED)


@pytest.mark.parametrize(
    ("update", "title", "edited"),
    [
        ("unless_edited", "As Jane says", EDITED),
        ("always", "As the sender says", None),
    ],
)
def test_a_reopened_task_keeps_what_a_person_changed_unless_the_rule_says_otherwise(
    store: Memory, update: str, title: str, edited: list[str] | None
) -> None:
    store.route(judged(complete("a")))

    entry = send(store, on_closed="reopen", update=update)

    row = only(store)
    assert (entry["outcome"], row["status_kind"], row["completed_ms"]) == (
        "reopened",
        "initial",
        None,
    )
    assert (row["title"], row["priority"], row["edited"]) == (title, "low", edited)


@pytest.mark.parametrize("on_closed", ["new", "reopen"])
def test_a_task_closed_by_hand_is_over_until_the_sender_says_something_newer(
    on_closed: Any,
) -> None:
    store = Memory(NOW_MS + 5)
    store.route(judged(open_task("a", version="7")))
    done, word = changed(only(store), {"status": "done", "status_kind": "done"}, NOW_MS + 5)
    store.change(done["id"], **done)

    def told(version: str) -> str:
        action = open_task("a", version=version, on_closed=on_closed)
        (row,) = store.route(judged(action)).events
        said: str = row["decisions"][0]["outcome"]
        return said

    assert (word, told("7")) == ("completed", "older version")
    assert told("8") == ("created" if on_closed == "new" else "reopened")


def test_another_task_of_the_key_has_what_the_sender_says(store: Memory) -> None:
    store.route(judged(complete("a")))

    assert send(store)["outcome"] == "created"

    _, made = store.tasks.values()
    assert (made["title"], made["edited"]) == ("As the sender says", None)
