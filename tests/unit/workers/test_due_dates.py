"""When a task is due, from the event that opens it to those that change and reopen it (decision D15)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from router.cli.catalogues import catalogues
from router.core.clock import epoch_ms
from router.core.store.present import task_json
from rules.loader import load_texts
from tests.support.batches import webhook
from workers.rehearsal import Rehearsal

DIRECTORY = "directory: {timezone: Europe/London, holidays: [2026-11-24]}\n"
RULES = """\
connector: desk
source: none
dedupe: off
{top}
rules:
  - {{name: done, when: {{body.state: done}}, complete: {{key: k}}}}
  - name: note
    when: {{body.state: open}}
    task: {{key: k, title: a, on_closed: reopen, {fields}}}
"""
Task = dict[str, Any]

MONDAY, TUESDAY = "2026-11-23T10:00:00Z", "2026-11-24T10:00:00Z"
FRIDAY, NEXT_MONDAY = "2026-11-27T10:00:00Z", "2026-11-30T10:00:00Z"


class Desk:
    """A connector whose one task is told of again and again."""

    def __init__(self, fields: str = "priority: high", top: str = "") -> None:
        files = {"desk.yaml": RULES.format(top=top, fields=fields), "directory.yaml": DIRECTORY}
        loaded = load_texts(files, catalogues())
        assert loaded.rule_set is not None, loaded.problems
        self._rehearsal = Rehearsal(loaded.rule_set)

    def told(
        self, at: str, state: str = "open", *, decided: str | None = None, **body: Any
    ) -> Task:
        """Return the task after an event that was received at an instant, and decided then or later."""
        instant, now = (datetime.fromisoformat(each) for each in (at, decided or at))
        event = webhook("desk", {"state": state, **body}, clock=lambda: instant)
        self._rehearsal.route(event, now_ms=epoch_ms(now))
        task = self._rehearsal.task("desk", "k")
        assert task is not None
        return task_json(task)


def due(task: Task) -> tuple[str, str, str | None]:
    return task["due_at"], task["due_date"], task["due_time"]


WEDNESDAY_AT_5 = ("2026-11-25T17:00:00Z", "2026-11-25", "17:00")
TUESDAY_AT_5 = ("2026-12-01T17:00:00Z", "2026-12-01", "17:00")


def test_an_update_does_not_move_a_due_date_that_counts_from_the_event() -> None:
    desk = Desk('due: "+1 business day 17:00", start: +2h, description: "{{ body.note }}"')

    opened = desk.told(MONDAY, note="first")
    assert (due(opened), opened["timezone"]) == (WEDNESDAY_AT_5, "Europe/London")
    assert opened["start_at"] == "2026-11-23T12:00:00Z"

    changed = desk.told(TUESDAY, note="second")
    assert (changed["description"], changed["version"]) == ("second", 2)
    assert (due(changed), changed["start_at"]) == (WEDNESDAY_AT_5, "2026-11-23T12:00:00Z")


def test_an_update_with_nothing_but_a_later_count_makes_no_version() -> None:
    desk = Desk("due: +1d")
    assert [desk.told(at)["version"] for at in (MONDAY, TUESDAY, FRIDAY)] == [1, 1, 1]


def test_an_update_moves_a_due_date_to_the_one_it_names() -> None:
    desk = Desk('due: "{{ body.due }}"')
    assert desk.told(MONDAY, due="tomorrow")["due_date"] == "2026-11-24"
    assert desk.told(TUESDAY, due="2026-12-24 12:00")["due_time"] == "12:00"
    assert desk.told(FRIDAY, due="+1d")["due_date"] == "2026-12-24"
    last = desk.told(FRIDAY, due="2026-12-31T20:00:00+09:00")
    assert due(last) == ("2026-12-31T11:00:00Z", "2026-12-31", "11:00")


def test_a_count_leaves_the_due_date() -> None:
    desk = Desk('on_open: count, due: "{{ body.due }}"')
    desk.told(MONDAY, due="+1d")
    counted = desk.told(TUESDAY, due="2026-12-24")
    assert (counted["occurrences"], counted["due_date"]) == (2, "2026-11-24")


def test_reopening_counts_from_the_event_that_reopens() -> None:
    desk = Desk('due: "+1 business day 17:00"')
    desk.told(MONDAY)
    desk.told(TUESDAY, "done")
    reopened = desk.told(NEXT_MONDAY)
    assert (reopened["status_kind"], due(reopened)) == ("initial", TUESDAY_AT_5)


def test_a_default_that_counts_does_so_when_a_task_is_opened_and_when_it_is_reopened() -> None:
    desk = Desk(top='defaults: {due: "+1 business day 17:00"}')
    assert due(desk.told(MONDAY)) == WEDNESDAY_AT_5
    assert due(desk.told(TUESDAY)) == WEDNESDAY_AT_5
    desk.told(TUESDAY, "done")
    assert due(desk.told(NEXT_MONDAY)) == TUESDAY_AT_5


def test_a_default_date_stays_when_a_task_is_reopened() -> None:
    desk = Desk(top="defaults: {due: 2026-12-01}")
    desk.told(MONDAY)
    desk.told(TUESDAY, "done")
    assert desk.told(NEXT_MONDAY)["due_date"] == "2026-12-01"


def test_the_default_zone_of_an_update_does_not_move_the_task_to_it() -> None:
    desk = Desk('due: +1d 17:00, timezone: "{{ body.zone | default(none) }}"')
    opened = desk.told(MONDAY, zone="Asia/Tokyo")
    assert (due(opened), opened["timezone"]) == (
        ("2026-11-24T08:00:00Z", "2026-11-24", "17:00"),
        "Asia/Tokyo",
    )
    assert desk.told(TUESDAY) == opened


def test_a_due_date_that_stays_is_shown_in_the_zone_an_update_gives() -> None:
    desk = Desk('due: "{{ body.due | default(none) }}", timezone: "{{ body.zone }}"')
    desk.told(MONDAY, due="+1d 22:00", zone="Europe/London")
    moved = desk.told(TUESDAY, zone="Asia/Tokyo")
    assert (due(moved), moved["timezone"]) == (
        ("2026-11-24T22:00:00Z", "2026-11-25", "07:00"),
        "Asia/Tokyo",
    )


def test_a_whole_day_that_stays_is_that_day_in_the_zone_a_reopening_gives() -> None:
    desk = Desk('due: "{{ body.due | default(none) }}", timezone: "{{ body.zone }}"')
    desk.told(MONDAY, due="2026-12-01", zone="Europe/London")
    desk.told(TUESDAY, "done")
    moved = desk.told(FRIDAY, zone="Asia/Tokyo")
    assert due(moved) == ("2026-12-01T14:59:59Z", "2026-12-01", None)
    assert moved["all_day"] is True


def test_the_last_day_of_the_calendar_stays_as_it_is_in_another_zone() -> None:
    desk = Desk('due: "{{ body.due | default(none) }}", timezone: "{{ body.zone }}"')
    opened = desk.told(MONDAY, due="9999-12-31", zone="UTC")
    moved = desk.told(TUESDAY, zone="America/New_York")
    assert (due(moved), moved["timezone"]) == (due(opened), "America/New_York")


def test_an_event_that_is_decided_late_counts_from_when_it_was_received() -> None:
    desk = Desk("due: +2h")
    assert desk.told(MONDAY, decided="2026-11-30T10:00:00Z")["due_at"] == "2026-11-23T12:00:00Z"
