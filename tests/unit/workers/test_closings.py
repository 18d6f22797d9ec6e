"""An end that arrives before its beginning: K5, with K4's order of versions and K8's span."""

from __future__ import annotations

import pytest

from rules.decision import Action
from tests.support.judging import NOW_MS, cancel, complete, judged, open_task
from tests.support.memory import Memory
from workers.apply import closing_keys

DAY_S = 86_400


@pytest.fixture
def store() -> Memory:
    return Memory(NOW_MS + 5)


def told(store: Memory, action: Action, later_ms: int = 0) -> tuple[str, str | None]:
    """Return status and reason of an event with one action that arrives later."""
    (row,) = store.route(judged(action, received_ms=NOW_MS + later_ms)).events
    return row["status"], row["reason"]


@pytest.mark.parametrize("close", [complete("a", version="2"), cancel("a", version="2")])
def test_a_closing_without_a_task_is_remembered_and_its_late_opening_does_nothing(
    store: Memory, close: Action
) -> None:
    assert told(store, close) == ("dropped", "no open task")
    assert store.closings["shop", "a"] == {
        "scope": "shop",
        "key": "a",
        "version": "2",
        "closed_ms": NOW_MS,
        "until_ms": NOW_MS + 7 * DAY_S * 1000,
    }

    assert told(store, open_task("a", version="1")) == ("dropped", "older version")
    assert told(store, open_task("a", version="2")) == ("dropped", "older version")
    assert store.tasks == store.history == {}


@pytest.mark.parametrize("version", ["3", "10", None, "2026-01-02T00:00:00Z"])
def test_an_opening_that_is_newer_or_cannot_be_compared_opens(
    store: Memory, version: str | None
) -> None:
    told(store, complete("a", version="2"))

    assert told(store, open_task("a", version=version)) == ("routed", None)


def test_a_closing_without_a_version_says_nothing_about_openings(store: Memory) -> None:
    told(store, complete("a"))

    assert store.closings == {}
    assert told(store, open_task("a", version="1")) == ("routed", None)


def test_once_there_is_a_task_its_own_version_counts(store: Memory) -> None:
    told(store, complete("a", version="2"))
    told(store, open_task("a", version="3"))

    assert told(store, complete("a", version="2")) == ("dropped", "older version")
    assert told(store, open_task("a", version="2")) == ("dropped", "older version")
    assert told(store, complete("a", version="3")) == ("routed", None)
    assert store.closings["shop", "a"]["version"] == "2"


@pytest.mark.parametrize(
    ("later_ms", "status"), [(DAY_S * 1000, "dropped"), (DAY_S * 1000 + 1, "routed")]
)
def test_it_is_remembered_for_the_span_of_the_closing_its_end_included(
    store: Memory, later_ms: int, status: str
) -> None:
    told(store, complete("a", version="2", reopen_within_s=DAY_S))

    opened = open_task("a", version="1", on_closed="reopen", reopen_within_s=7 * DAY_S)
    assert told(store, opened, later_ms)[0] == status


@pytest.mark.parametrize("versions", [("2", "1"), ("1", "2"), ("2", "2")])
def test_of_several_closings_the_newest_version_counts_for_the_longest_time(
    store: Memory, versions: tuple[str, str]
) -> None:
    for number, version in enumerate(versions):
        told(store, complete("a", version=version, reopen_within_s=60 - 30 * number), number)

    row = store.closings["shop", "a"]
    assert (row["version"], row["until_ms"]) == ("2", NOW_MS + 60_000)
    assert row["closed_ms"] == NOW_MS + (1 if versions == ("1", "2") else 0)


def test_a_closing_whose_time_is_over_gives_way_to_any_other(store: Memory) -> None:
    told(store, complete("a", version="9", reopen_within_s=1))
    told(store, complete("a", version="1", reopen_within_s=1), 1001)

    assert store.closings["shop", "a"]["version"] == "1"
    assert told(store, open_task("a", version="2"), 1002) == ("routed", None)


def test_a_closing_is_of_its_key_and_scope_alone(store: Memory) -> None:
    told(store, complete("a", version="2"))
    told(store, complete("b", version="2", shared="orders"))

    opened = store.route(
        judged(open_task("b", version="1")),
        judged(open_task("a", version="1"), connector="store"),
        judged(open_task("b", version="1", shared="orders"), connector="store"),
        judged(open_task("a", version="1", shared="orders")),
    )

    assert [row["status"] for row in opened.events] == ["routed", "routed", "dropped", "routed"]


def test_a_closing_is_seen_by_later_actions_of_its_event_and_batch(store: Memory) -> None:
    done = store.route(
        judged([complete("a", version="2"), open_task("a", version="2")]),
        judged(open_task("a", version="1")),
        judged(open_task("a", version="3")),
    )

    said = [entry["outcome"] for row in done.events for entry in row["decisions"]]
    assert said == ["no open task", "older version", "older version", "created"]
    assert [row["version"] for row in done.closings] == ["2"]


def test_only_actions_with_key_and_version_ask_for_closings() -> None:
    actions: list[Action] = [open_task("a", version="1"), complete("b", version="1")]
    others: list[Action] = [
        open_task("c"),
        complete("d"),
        open_task(version="1"),
        cancel("e", version="1", shared="x"),
    ]

    assert closing_keys([judged([*actions, *others])]) == {
        ("shop", "a"),
        ("shop", "b"),
        ("shared:x", "e"),
    }
