"""Fields changed by hand: their names, and what is left of a rule's values beside them."""

from __future__ import annotations

import pytest

from router.core.edited import (
    FIELDS,
    fields_changed,
    fields_given,
    unless_edited,
    with_edited,
    without_edited,
)
from router.core.store.schema import Row, tasks
from rules.fields import DATES, READERS

TASK: Row = {
    "title": "a",
    "due_ms": 1,
    "due_date": "2026-11-24",
    "timezone": "UTC",
    "start_ms": None,
    "labels": ["x"],
    "custom": {"a": 1, "b": 2},
    "status": "open",
    "edited": None,
}


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({}, []),
        ({"title": "a", "labels": ["x"], "custom": {"a": 1, "b": 2}}, []),
        ({"title": "b", "labels": []}, ["title", "labels"]),
        ({"due_ms": 2, "due_date": "2026-11-25"}, ["due"]),
        ({"timezone": "Europe/London"}, ["due"]),
        ({"start_ms": 1}, ["start"]),
        ({"custom": {"a": 1, "b": 3, "c": 4}}, ["custom.b", "custom.c"]),
        ({"custom": {"b": 2}}, ["custom.a"]),
        ({"status": "done"}, []),
    ],
)
def test_fields_are_named_as_rules_name_them(values: Row, fields: list[str]) -> None:
    assert fields_changed(TASK, values) == fields


def test_every_field_a_rule_gives_can_be_kept_from_it() -> None:
    shown = {"start", "due", "contact", *READERS}

    assert {*FIELDS.values(), "custom", "timezone"} == shown
    assert FIELDS.keys() <= {column.name for column in tasks.c}
    assert {name.removesuffix("_at").partition("_")[0] for name in DATES} == {"start", "due"}


def test_without_edits_a_rule_writes_all_it_gives() -> None:
    values = {"title": "b", "custom": {"a": 3}}

    assert unless_edited(TASK, values) == (values, [])


def test_what_was_changed_by_hand_is_not_written_and_told_where_it_differs() -> None:
    row = {**TASK, "edited": ["custom.a", "custom.gone", "due", "labels", "title"]}
    values = {
        "title": "b",
        "labels": ["x"],
        "timezone": "UTC",
        "due_date": "2026-11-26",
        "start_ms": 5,
        "custom": {"a": 3, "b": 4, "gone": 5},
    }

    assert unless_edited(row, values) == (
        {"start_ms": 5, "custom": {"b": 4}},
        ["title", "due", "custom.a", "custom.gone"],
    )


def test_the_fields_changed_by_hand_are_kept_as_a_sorted_list_or_none() -> None:
    assert with_edited(None, ["title", "due"]) == ["due", "title"]
    assert with_edited(["title"], ["due", "title"]) == ["due", "title"]
    assert with_edited(None, []) is None
    given = fields_given({"title": 1, "due_ms": 1, "custom": {"a": 1}, "status": "done"})
    assert given == {"title", "due", "custom.a"}
    assert without_edited(["custom.a", "custom.b", "due", "title"], given) == ["custom.b"]
    assert without_edited(["title"], given) is None
    assert without_edited(None, given) is None
