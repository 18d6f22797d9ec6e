"""A back-test finds every difference between what two sets of rules make of an event, and no other."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from router.cli.catalogues import catalogues
from rules.loader import load_texts
from tests.support.batches import webhook
from tests.support.routes import destinations
from workers.backtest import Difference, compare, outcome_of
from workers.rehearsal import Rehearsal

LIVE = """\
connector: desk
source: none
dedupe: off
deliver: [downstream]
rules:
  - name: note
    when: {body.size: {gte: 10}}
    task: {key: "{{ body.key }}", title: "{{ body.title }}", priority: high, labels: [a, b]}
  - name: done
    when: {body.state: done}
    complete: {key: "{{ body.key }}"}
otherwise: {drop: small}
"""
BIG = {"key": "k", "title": "A note", "size": 10}

Run = Callable[..., list[Difference]]


def differences(new: str, *bodies: dict[str, Any], live: str = LIVE) -> list[Difference]:
    """Return what differs over some events in order."""
    sides = []
    for text in (live, new):
        files = {"desk.yaml": text, "destinations.yaml": destinations("https://helpdesk.example")}
        loaded = load_texts(files, catalogues())
        assert loaded.rule_set is not None, loaded.problems
        sides.append(Rehearsal(loaded.rule_set))
    events = [webhook("desk", body) for body in bodies]
    pairs = [[outcome_of(side.route(event)) for side in sides] for event in events]
    return [difference for one, other in pairs for difference in compare(one, other)]


def seen(found: Sequence[Difference]) -> list[tuple[str, str | None, str]]:
    return [(each.kind, each.rule, each.action) for each in found]


def test_the_same_rules_make_no_difference() -> None:
    done = {**BIG, "state": "done", "size": 1}

    assert differences(LIVE, BIG, {**BIG, "title": "B"}, done, BIG) == []


def test_comments_and_other_lines_make_no_difference() -> None:
    assert differences(f"# a comment\n\n{LIVE}", BIG) == []


def test_a_task_that_only_the_new_rules_make_is_added() -> None:
    found = differences(LIVE.replace("gte: 10", "gte: 5"), {**BIG, "size": 7})

    assert seen(found) == [("added", "note", "created")]
    assert (found[0].title, found[0].connector) == ("A note", "desk")


def test_a_task_that_only_the_live_rules_make_is_lost() -> None:
    assert seen(differences(LIVE.replace("gte: 10", "gte: 50"), BIG)) == [
        ("lost", "note", "created")
    ]


def test_a_changed_task_shows_each_field_as_it_was_and_is() -> None:
    new = LIVE.replace("priority: high", "priority: low").replace("[a, b]", "[a]")
    (found,) = differences(new, BIG)

    assert (found.kind, found.rule) == ("changed", "note")
    assert found.fields == {
        "priority": {"from": "high", "to": "low"},
        "labels": {"from": ["a", "b"], "to": ["a"]},
    }


def test_another_destination_is_a_change() -> None:
    (found,) = differences(LIVE.replace("deliver: [downstream]\n", ""), BIG)

    assert found.fields == {"deliver": {"from": ["downstream"], "to": []}}


def test_what_follows_from_a_difference_is_told_where_it_happens() -> None:
    bigger = {**BIG, "size": 20}
    found = differences(LIVE.replace("gte: 10", "gte: 15"), BIG, bigger)

    assert seen(found) == [("lost", "note", "created"), ("changed", "note", "created")]
    assert found[1].fields["action"] == {"from": "updated", "to": "created"}


def test_a_rule_with_another_name_is_another_rule() -> None:
    found = differences(LIVE.replace("name: note", "name: memo"), BIG)

    assert seen(found) == [("lost", "note", "created"), ("added", "memo", "created")]


def test_an_event_that_becomes_undecided_is_a_difference() -> None:
    found = differences(LIVE.replace("body.size:", "body.title:"), BIG)

    assert seen(found) == [("lost", "note", "created"), ("changed", None, "undecided")]
    assert found[1].fields["status"] == {"from": "routed", "to": "undecided"}
    assert "body.title gte" in found[1].fields["reason"]["to"]


def test_an_event_that_is_undecided_on_both_sides_is_none() -> None:
    rules = LIVE.replace("body.size:", "body.title:")

    assert differences(rules, BIG, live=rules) == []


def test_a_connector_that_is_gone_holds_its_events() -> None:
    found = differences(LIVE.replace("connector: desk", "connector: other"), {**BIG, "size": 1})

    assert [each.fields["status"] for each in found] == [{"from": "dropped", "to": "held"}]


def test_duplicates_are_duplicates_on_each_side_for_itself() -> None:
    deduplicated = LIVE.replace("dedupe: off", 'dedupe: {key: "{{ body.key }}"}')
    found = differences(deduplicated, BIG, {**BIG, "title": "B"})

    assert seen(found) == [("lost", "note", "updated")]


def test_items_are_told_apart() -> None:
    live = LIVE.replace(
        "  - name: note\n    when: {body.size: {gte: 10}}\n",
        "  - name: note\n    for_each: body.items\n    when: {item: {gte: 10}}\n",
    ).replace('key: "{{ body.key }}", title: "{{ body.title }}"', 'title: "Item {{ item }}"')
    found = differences(live.replace("gte: 10", "gte: 5"), {"items": [3, 7, 20]}, live=live)

    assert [(each.kind, each.item, each.title) for each in found] == [("added", 1, "Item 7")]


@pytest.mark.parametrize("reason", ["other words", "small"])
def test_the_words_of_a_drop_make_no_difference(reason: str) -> None:
    new = LIVE.replace("{drop: small}", json.dumps({"drop": reason}))

    assert differences(new, {**BIG, "size": 1}) == []
