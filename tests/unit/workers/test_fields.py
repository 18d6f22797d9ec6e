"""A task's fields as rules give them, and as the store keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from workers.fields import Statuses, blank, columns


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"title": "T", "priority": "high"}, {"title": "T", "priority": "high"}),
        ({"due_at": "1970-01-01T00:00:01.5Z"}, {"due_ms": 1500}),
        ({"start_at": None}, {"start_ms": None}),
        ({"status": "doing"}, {"status": "doing", "status_kind": "in_progress"}),
        ({"labels": ("a", "b"), "links": None}, {"labels": ["a", "b"], "links": []}),
        ({"custom": None}, {"custom": {}}),
    ],
)
def test_fields_become_columns(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert columns(fields, Statuses()) == expected


@pytest.mark.parametrize("fields", [{"due_at": "never"}, {"status": "unheard-of"}])
def test_what_cannot_be_kept_is_an_error(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not an instant|no status"):
        columns(fields, Statuses())


def test_a_new_task_has_the_first_status_of_its_directory() -> None:
    statuses = Statuses({"backlog": "initial", "todo": "initial"})

    assert (blank(statuses)["status"], blank(Statuses())["status"]) == ("backlog", "open")
