from __future__ import annotations

import pytest

from rules.problems import did_you_mean
from rules.suggest import suggest

ACTIONS = ["task", "complete", "cancel", "drop"]
FIELDS = ["due_date", "due_time", "on_open", "assignees"]


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("tsk", ACTIONS, "task"),
        ("taks", ACTIONS, "task"),
        ("tasks", ACTIONS, "task"),
        ("tusk", ACTIONS, "task"),
        ("compleet", ACTIONS, "complete"),
        ("TASK", ACTIONS, "task"),
        ("Due Date", FIELDS, "due_date"),
        ("on-open", FIELDS, "on_open"),
        ("asignes", FIELDS, "assignees"),
        ("a", ["A"], "A"),
    ],
)
def test_a_slip_of_the_pen_is_seen_through(word: str, known: list[str], near: str) -> None:
    assert suggest(word, known) == near


@pytest.mark.parametrize("word", ["", "x", "dorr", "title", "t", "catalogue", "task" * 20])
def test_what_is_not_near_suggests_nothing(word: str) -> None:
    assert suggest(word, ACTIONS) is None


def test_the_nearest_word_wins_and_of_several_the_first() -> None:
    assert suggest("labelz", ["table", "lapels", "labels"]) == "labels"
    assert suggest("due_dime", FIELDS) == "due_time"
    assert suggest("bat", ["cat", "rat"]) == "cat"
    assert suggest("cat", ["bat", "cat", "CAT"]) == "cat"


def test_a_word_of_one_letter_is_like_no_other() -> None:
    assert suggest("a", ["b", "ab"]) is None


def test_letters_that_changed_places_are_one_slip() -> None:
    assert suggest("dorp", ["drop"]) == "drop"
    assert suggest("rdop", ["drop"]) == "drop"
    assert suggest("podr", ["drop"]) is None


def test_it_is_said_as_a_question() -> None:
    assert did_you_mean("tsk", ACTIONS) == "did you mean `task`?"
    assert did_you_mean("xyz", ACTIONS) is None
