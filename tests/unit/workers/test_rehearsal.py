"""Rehearsing events shows what routing them one after the other would have done."""

from __future__ import annotations

import pytest

from router.cli.catalogues import catalogues
from router.core.event import IncomingEvent
from rules.loader import load_texts
from tests.support.batches import webhook
from tests.support.routes import destinations
from workers.rehearsal import Rehearsal

DESK = """\
connector: desk
source: none
dedupe: {key: "{{ body.id }}"}
contact: {email: "{{ body.from | default(none) }}"}
deliver: [downstream]
rules:
  - name: note
    when: {body.state: open}
    task: {key: "{{ body.key }}", title: "{{ body.title }}", on_closed: reopen,
           version: "{{ body.version | default(none) }}"}
  - name: done
    when: {body.state: done}
    complete: {key: "{{ body.key }}", version: "{{ body.version | default(none) }}"}
  - name: replaced
    when: {body.state: replaced}
    complete: {key: "{{ body.key }}"}
  - name: replacement
    when: {body.state: replaced}
    task: {key: "{{ body.key }}", title: "{{ body.title }}"}
"""

ALERTS = """\
connector: alerts
source: none
dedupe: off
rules:
  - name: firing
    for_each: body.alerts
    task: {key: "{{ item.key }}", title: x, on_open: count}
  - name: resolved
    for_each: body.alerts
    when: {item.ends: true}
    complete: {key: "{{ item.key }}"}
"""


@pytest.fixture
def rehearsal() -> Rehearsal:
    files = {"desk.yaml": DESK, "destinations.yaml": destinations("https://helpdesk.example")}
    loaded = load_texts(files, catalogues())
    assert loaded.rule_set is not None, loaded.problems
    return Rehearsal(loaded.rule_set)


def note(number: int, state: str = "open", title: str = "a", **more: object) -> IncomingEvent:
    body = {"id": number, "key": "k", "state": state, "title": title, **more}
    return webhook("desk", body)


def test_a_task_is_opened_changed_closed_and_opened_again(rehearsal: Rehearsal) -> None:
    told = [
        rehearsal.route(each).event["tasks"][0]["action"]
        for each in (note(1), note(2, title="b"), note(3, "done"), note(4))
    ]

    assert told == ["created", "updated", "completed", "reopened"]
    task = rehearsal.task("desk", "k")
    assert task is not None
    assert (task["number"], task["version"], task["title"]) == (1, 4, "a")


def test_a_second_event_of_one_deduplication_key_is_a_duplicate(rehearsal: Rehearsal) -> None:
    first = rehearsal.route(note(1))
    second = rehearsal.route(note(1))

    assert second.event["status"] == "duplicate"
    assert second.event["duplicate_of"] == first.event["id"]
    assert second.tasks == []


def test_every_change_is_delivered_where_the_task_has_a_copy(rehearsal: Rehearsal) -> None:
    rehearsal.route(note(1))

    changed = rehearsal.route(note(2, "done"))

    assert [row["destination"] for row in changed.written.deliveries] == ["downstream"]
    assert [task["status_kind"] for task in changed.tasks] == ["done"]


def test_a_closing_that_comes_first_is_remembered(rehearsal: Rehearsal) -> None:
    events = note(1, "done", version=2), note(2, version=1), note(3, version=3)

    told = [rehearsal.route(each).event["reason"] for each in events]

    assert told == ["no open task", "older version", None]


def test_of_a_task_that_is_closed_and_another_that_is_opened_at_once_the_new_one_is_kept(
    rehearsal: Rehearsal,
) -> None:
    rehearsal.route(note(1))

    rehearsal.route(note(2, "replaced", "b"))

    task = rehearsal.task("desk", "k")
    assert task is not None
    assert (task["number"], task["title"], task["status_kind"]) == (2, "b", "initial")


def test_rules_act_in_the_order_of_the_file_and_items_in_that_of_their_list() -> None:
    """Decision K12: later actions see what earlier ones did."""
    loaded = load_texts({"alerts.yaml": ALERTS}, catalogues())
    assert loaded.rule_set is not None, loaded.problems
    alerts = [{"key": "a", "ends": True}, {"key": "a"}, {"key": "b"}, {"key": "a"}]

    came = Rehearsal(loaded.rule_set).route(webhook("alerts", {"alerts": alerts}))

    did = [(entry["rule"], entry["item"], entry["outcome"]) for entry in came.event["decisions"]]
    assert did == [
        ("firing", 0, "created"),
        ("firing", 1, "counted"),
        ("firing", 2, "created"),
        ("firing", 3, "counted"),
        ("resolved", 0, "completed"),
        ("resolved", 1, None),
        ("resolved", 2, None),
        ("resolved", 3, None),
    ]


def test_what_nobody_asked_for_leaves_no_task(rehearsal: Rehearsal) -> None:
    came = rehearsal.route(note(1, "unheard of"))

    assert (came.event["status"], came.tasks) == ("dropped", [])
    assert rehearsal.task("desk", "k") is None


def test_whom_an_event_made_known_is_known_to_the_next(rehearsal: Rehearsal) -> None:
    first, second = (
        rehearsal.route(
            webhook(
                "desk", {"id": number, "key": number, "state": "open", "title": "a", "from": by}
            )
        )
        for number, by in enumerate(("ada@acme.example", "ADA@acme.example"))
    )

    known = rehearsal.contact("Ada@Acme.example")
    assert known is not None
    assert first.tasks[0]["contact"]["id"] == second.tasks[0]["contact"]["id"] == known["id"]
    assert (list(first.written.contacts), second.written.contacts) == (["ada@acme.example"], {})
    assert rehearsal.contact("nobody@acme.example") is None
