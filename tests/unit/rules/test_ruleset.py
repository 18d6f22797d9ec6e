from __future__ import annotations

import pytest

from rules.ruleset import RuleSet, hash_of

FILES = {"routes/a.yaml": "a: 1", "routes/team/b.yaml": "b: 1"}


def test_the_hash_is_the_same_wherever_the_directory_is() -> None:
    moved = {path.replace("routes/", "/etc/hookyard/routes/"): FILES[path] for path in FILES}
    assert hash_of(FILES) == hash_of(moved)
    assert hash_of(FILES) == hash_of(dict(reversed(FILES.items())))
    assert len(hash_of(FILES)) == 64


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"routes/a.yaml": "a: 1"},
        {"routes/a.yaml": "a: 2", "routes/team/b.yaml": "b: 1"},
        {"routes/c.yaml": "a: 1", "routes/team/b.yaml": "b: 1"},
        {"routes/a.yaml": "a: 1", "routes/other/b.yaml": "b: 1"},
        {"routes/a.yaml": "a: 1", "routes/b.yaml": "b: 1"},
        {"routes/a.yaml": "", "routes/team/b.yaml": "a: 1b: 1"},
    ],
)
def test_other_files_have_another_hash(other: dict[str, str]) -> None:
    assert hash_of(other) != hash_of(FILES)


def test_where_one_text_ends_and_the_next_begins_counts() -> None:
    assert hash_of({"a": "bc", "d": ""}) != hash_of({"a": "b", "cd": ""})


def test_any_text_has_a_hash() -> None:
    assert hash_of({"a.yaml": "\ud800"}) != hash_of({"a.yaml": "\ud801"})


def test_files_below_one_directory_are_named_from_there() -> None:
    assert hash_of({"x/y/a.yaml": "1"}) == hash_of({"a.yaml": "1"})
    assert hash_of({"x/a.yaml": "1", "y/a.yaml": "2"}) != hash_of(
        {"x/a.yaml": "2", "y/a.yaml": "1"}
    )


def test_receivers_get_a_table_of_the_connectors() -> None:
    intake = {"name": "shop", "source": {"preset": "none"}, "secrets": [], "reply": "accepted"}
    rules = RuleSet("abc", {}, intakes={"shop": intake})

    table = rules.intake_table()

    assert table == {
        "hash": "abc",
        "connectors": {"shop": intake},
        "destinations": {},
        "names": {"destinations": []},
    }
    assert table["connectors"]["shop"] is not intake
