from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from rules.model_types import (
    Burst,
    Bytes,
    ConnectorName,
    Links,
    Mapping_,
    Minutes,
    Name,
    Names,
    Note,
    Priority,
    Rate,
    Seconds,
    Text,
    is_template,
)


def refusal(kind: Any, value: Any) -> str:
    """Return the code of the error a kind has for a value."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    (error,) = caught.value.errors()
    assert "expected" in error["ctx"]
    return error["type"]


TEMPLATE = "{{ body.x }}"


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (TEMPLATE, True),
        ("{% if body.x %}y{% endif %}", True),
        ("{# a remark #}", True),
        ("{ x }", False),
        ("", False),
        (5, False),
        (None, False),
        ([TEMPLATE], False),
    ],
)
def test_a_text_with_a_mark_is_a_template(value: Any, *, answer: bool) -> None:
    assert is_template(value) is answer


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        (Text, "x", "x"),
        (Text, 5, 5),
        (Text, Decimal("1.50"), Decimal("1.50")),
        (Text, None, None),
        (Name, "big order", "big order"),
        (Name, "ä" * 200, "ä" * 200),
        (Note, "x\ny", "x\ny"),
        (Note, None, None),
        (ConnectorName, "shop-2", "shop-2"),
        (Names, None, None),
        (Names, ["a", 5, None, TEMPLATE], ["a", 5, None, TEMPLATE]),
        (Names, TEMPLATE, TEMPLATE),
        (Links, [{}], [{}]),
        (Links, TEMPLATE, TEMPLATE),
        (Mapping_, {"a": 1}, {"a": 1}),
        (Mapping_, None, None),
        (Minutes, 1, 1),
        (Minutes, TEMPLATE, TEMPLATE),
        (Minutes, None, None),
        (Priority, "high", "high"),
        (Priority, TEMPLATE, TEMPLATE),
        (Priority, None, None),
        (Seconds, "48h", 172_800),
        (Seconds, "1s", 1),
        (Seconds, "1500ms", 2),
        (Seconds, "3660d", 316_224_000),
        (Bytes, "1B", 1),
        (Bytes, "64MiB", 67_108_864),
        (Rate, "10/5s", (10, 5_000)),
        (Rate, "1000000/1ms", (1_000_000, 1)),
        (Rate, "1/3660d", (1, 316_224_000_000)),
        (Burst, 1, 1),
        (Burst, 1_000_000, 1_000_000),
    ],
)
def test_what_is_meant_is_taken(kind: Any, value: Any, kept: Any) -> None:
    assert TypeAdapter(kind).validate_python(value) == kept


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        (Text, True, "R013"),
        (Text, [], "R013"),
        (Text, {}, "R013"),
        (Name, 5, "R013"),
        (Name, None, "R013"),
        (Name, "", "R015"),
        (Name, " ", "R015"),
        (Name, "a\nb", "R015"),
        (Name, "a" * 201, "R015"),
        (Note, 5, "R013"),
        (ConnectorName, 5, "R013"),
        (ConnectorName, "Shop", "R021"),
        (Names, "jane", "R013"),
        (Names, 5, "R013"),
        (Names, {"a": 1}, "R013"),
        (Names, ["a", []], "R013"),
        (Names, [True], "R013"),
        (Links, "x", "R013"),
        (Links, {}, "R013"),
        (Mapping_, [], "R013"),
        (Mapping_, 5, "R013"),
        (Minutes, 0, "R015"),
        (Minutes, -5, "R015"),
        (Minutes, "30", "R013"),
        (Minutes, True, "R013"),
        (Minutes, Decimal("1.5"), "R013"),
        (Priority, "High", "R014"),
        (Priority, 5, "R014"),
        (Priority, [], "R014"),
        (Seconds, "2 days", "R015"),
        (Seconds, 7, "R015"),
        (Seconds, "999ms", "R015"),
        (Seconds, "3661d", "R015"),
        (Bytes, "1MB", "R015"),
        (Bytes, 5, "R015"),
        (Bytes, "0B", "R015"),
        (Bytes, "65MiB", "R015"),
        (Rate, "fast", "R015"),
        (Rate, 50, "R015"),
        (Rate, "0/s", "R015"),
        (Rate, "5/0s", "R015"),
        (Rate, "1000001/s", "R015"),
        (Rate, "5/3661d", "R015"),
        (Burst, 0, "R015"),
        (Burst, 1_000_001, "R015"),
        (Burst, "200", "R013"),
        (Burst, True, "R013"),
        (Burst, Decimal("2.5"), "R013"),
    ],
)
def test_everything_else_is_refused_with_what_was_expected(
    kind: Any, value: Any, code: str
) -> None:
    assert refusal(kind, value) == code


def test_a_text_where_a_list_belongs_is_shown_as_a_list() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Names).validate_python("jane")
    assert caught.value.errors()[0]["ctx"]["hint"] == "write [jane]"
