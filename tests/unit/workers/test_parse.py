"""Bodies by their content type (decisions T14, E14, P4)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from router.core.jsonio import UnparseableError
from workers.parse import parse_body

FORM = "application/x-www-form-urlencoded"


def multipart(*parts: str, boundary: str = "b") -> tuple[bytes, str]:
    """Return a multipart form and its content type."""
    lines = [line for part in parts for line in (f"--{boundary}", part)]
    body = "\r\n".join([*lines, f"--{boundary}--", ""])
    return body.encode(), f"multipart/form-data; boundary={boundary}"


def field(name: str, value: str) -> str:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"", "application/json", None),
        (b'{"a": 1.10}', "application/json", {"a": Decimal("1.10")}),
        (b'{"a": 1}', "APPLICATION/JSON ; charset=utf-8", {"a": 1}),
        (b"[1]", "application/vnd.api+json", [1]),
        (b"null", "", None),
        (b"a=1&b=&c=x+y%21", FORM, {"a": "1", "b": "", "c": "x y!"}),
        (b"a=1&a=2&a=3", FORM, {"a": ["1", "2", "3"]}),
        (b"a=%00%ff", FORM + "; charset=x", {"a": "\ufffd\ufffd"}),
        (b"gr\xc3\xbc\xc3\x9fe", "text/plain", "grüße"),
        (b"gr\xfc\xdfe", "text/plain; charset=ISO-8859-1", "grüße"),
        (b"gr\xfc\xdfe", 'text/plain; format=flowed; charset="latin-1"', "grüße"),
        (b"gr\xc3\xbc\xc3\x9fe", "text/plain; charset=no-such", "grüße"),
        (b"a\x00b\xff", "text/html", "a\ufffdb\ufffd"),
        (b'{"not": "json"}', "text/plain", '{"not": "json"}'),
    ],
)
def test_a_body_is_read_by_its_content_type(body: bytes, content_type: str, expected: Any) -> None:
    assert parse_body(body, content_type) == expected


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{", "application/json"),
        (b"<a/>", "application/xml"),
        (b'{"a": NaN}', "application/json"),
        (b"[" * 101 + b"]" * 101, "application/json"),
        (b"&".join([b"a=1"] * 10_001), FORM),
        (b"no parts at all", "multipart/form-data"),
    ],
)
def test_what_is_not_what_it_says_is_unparseable(body: bytes, content_type: str) -> None:
    with pytest.raises(UnparseableError):
        parse_body(body, content_type)


def test_the_json_in_the_payload_field_of_github_is_the_body() -> None:
    body = b"payload=%7B%22action%22%3A%22opened%22%7D"

    assert parse_body(body, FORM, "github") == {"action": "opened"}
    assert parse_body(body, FORM, "none") == {"payload": '{"action":"opened"}'}
    assert parse_body(b"other=1", FORM, "github") == {"other": "1"}
    assert parse_body(b"payload=1&payload=2", FORM, "github") == {"payload": ["1", "2"]}


def test_a_payload_field_that_is_no_json_is_unparseable() -> None:
    with pytest.raises(UnparseableError):
        parse_body(b"payload=%7B", FORM, "github")


def test_fields_of_a_multipart_form_are_texts_and_files_are_told_by_name_type_and_size() -> None:
    file = (
        'Content-Disposition: form-data; name="scan"; filename="a b.pdf"\r\n'
        "Content-Type: application/pdf\r\n\r\n%PDF-1.7"
    )

    body, content_type = multipart(field("note", "hello"), file, field("note", "again"))

    assert parse_body(body, content_type) == {
        "note": ["hello", "again"],
        "scan": {"filename": "a b.pdf", "type": "application/pdf", "size": 8},
    }


def test_a_part_without_a_name_is_left_out() -> None:
    body, content_type = multipart("Content-Disposition: form-data\r\n\r\nx", field("a", "1"))

    assert parse_body(body, content_type) == {"a": "1"}


def test_a_part_that_is_itself_of_parts_spoils_nothing() -> None:
    inner = (
        'Content-Disposition: form-data; name="m"\r\nContent-Type: multipart/mixed; boundary=c'
        "\r\n\r\n--c\r\n\r\nx\r\n--c--"
    )
    body, content_type = multipart(inner, field("a", "1"))

    assert parse_body(body, content_type)["a"] == "1"
