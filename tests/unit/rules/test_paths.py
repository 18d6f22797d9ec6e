from __future__ import annotations

from typing import Any

import pytest

from rules.paths import MISSING, PathError, parse_path, path_text
from tests.support.rule_parts import scope

BODY = {
    "line_items": [{"sku": "A"}, {"sku": "B"}],
    "items": "a key, not a method",
    "with space": {"a.b": 1, 'quo"te': 2},
    "größe-1": 3,
    "nothing": None,
    "text": "abc",
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("body.line_items[0].sku", "A"),
        ("body.line_items[-1].sku", "B"),
        ("body.items", "a key, not a method"),
        ('body["with space"]["a.b"]', 1),
        ("body['with space']['quo\"te']", 2),
        ('body["with space"]["quo\\"te"]', 2),
        ("body.größe-1", 3),
        ("body.nothing", None),
        ("event.type", "orders/create"),
        ("headers.x-topic", "t"),
        ("headers.X-Topic", "t"),
        ('headers["X-TOPIC"]', "t"),
        ("query.page", "2"),
        ("item.id", 9),
    ],
)
def test_paths_lead_to_what_the_event_holds(path: str, expected: Any) -> None:
    seen = scope(
        BODY, type="orders/create", headers={"x-topic": "t"}, query={"page": "2"}, item={"id": 9}
    )
    assert parse_path(path).get(seen) == expected


@pytest.mark.parametrize(
    "path",
    [
        "body.gone",
        "body.gone.deeper[0]",
        "body.line_items[2]",
        "body.line_items[-3]",
        "body.line_items.length",
        "body.line_items.sku",
        "body.text[0]",
        "body.text.upper",
        "body.nothing.more",
        "body.keys",
        "body[0]",
        "event.type",
        "event.delivery_id",
        "headers.gone",
        "vars.gone",
    ],
)
def test_paths_that_break_off_lead_nowhere(path: str) -> None:
    assert parse_path(path).get(scope(BODY)) is MISSING


@pytest.mark.parametrize(
    ("path", "position"),
    [
        ("", 0),
        (".body", 0),
        ("body.", 5),
        ("body..a", 5),
        ("body[", 4),
        ("body[a]", 4),
        ("body[0", 4),
        ('body["a]', 4),
        ("body a", 4),
        ("body.a/b", 6),
        ("body[1.5]", 4),
    ],
)
def test_what_is_no_path_says_where_it_stops_being_one(path: str, position: int) -> None:
    with pytest.raises(PathError) as caught:
        parse_path(path)
    assert caught.value.position == position


@pytest.mark.parametrize("path", ["body", "body.a[0]", 'body["a b"]', 'body["q\\"\\\\"].z[-1]'])
def test_a_path_is_written_as_it_was_read(path: str) -> None:
    parsed = parse_path(path)
    assert path_text(parsed.root, parsed.keys) == path
    assert parse_path(path_text(parsed.root, parsed.keys)) == parsed
    assert len({parsed, parse_path(path)}) == 1
    assert repr(parsed) == f"Path({path!r})"
    assert repr(MISSING) == "MISSING"
    assert not MISSING
