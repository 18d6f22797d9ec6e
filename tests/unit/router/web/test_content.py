"""What a body must be, by its Content-Type."""

from __future__ import annotations

import json
from decimal import Decimal
from urllib.parse import urlencode

import pytest

from router.core.jsonio import UnparseableError
from router.web.content import nothing, read_content

MULTIPART = "multipart/form-data; boundary=b"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "Application/JSON; charset=utf-8", "application/cloudevents+json"],
)
def test_json_is_checked_to_the_letter(content_type: str) -> None:
    assert read_content(content_type, b'{"a": [1]}', None)() == {"a": [1]}
    with pytest.raises(UnparseableError):
        read_content(content_type, b'{"a": NaN}', None)


def test_a_text_is_left_to_the_worker() -> None:
    assert read_content("text/plain", b"{", None) is nothing
    assert nothing() is None  # type: ignore[func-returns-value]


def test_an_empty_body_is_nothing_of_any_kind() -> None:
    assert read_content("application/json", b"", None)() is None
    assert read_content(FORM, b"", "payload") is nothing


def test_json_in_a_field_of_a_form_is_checked_too() -> None:
    body = urlencode({"other": "{", "payload": json.dumps({"a": "ü&="})}).encode()

    assert read_content(FORM, body, "payload")() == {"a": "ü&="}
    with pytest.raises(UnparseableError):
        read_content(FORM, b"payload=%7B", "payload")


def test_a_form_without_json_tells_its_fields_of_repeated_ones_the_last() -> None:
    body = b"a=1&b=&a=%C3%BC+%26&%FF=%00"

    assert read_content(FORM, body, None)() == {"a": "ü &", "b": "", "\ufffd": "\x00"}
    assert read_content(FORM, b"&".join([b"a=1"] * 1001), None)() == {}


def test_where_plain_forms_come_too_the_field_with_json_may_be_missing() -> None:
    with_json, plain = b"payload=%5B1%5D&a=2", b"a=2&text="

    assert read_content(FORM, with_json, "payload", plain_forms=True)() == [1]
    assert read_content(FORM, plain, "payload", plain_forms=True)() == {"a": "2", "text": ""}
    with pytest.raises(UnparseableError):
        read_content(FORM, b"payload=%5B", "payload", plain_forms=True)


def _multipart(name: str, value: str) -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n--b--'.encode()


def test_a_form_in_parts_is_read_whole_and_json_in_its_field_is_the_content() -> None:
    assert read_content(MULTIPART, _multipart("a", "1"), None)() == {"a": "1"}
    assert read_content(MULTIPART, _multipart("data", "[1]"), "data")() == [1]
    assert read_content(MULTIPART, _multipart("a", "1"), "data", plain_forms=True)() == {"a": "1"}
    assert read_content(MULTIPART, b"", "data") is nothing


@pytest.mark.parametrize(
    "body", [_multipart("a", "1"), _multipart("data", "{"), _multipart("data", "1")[:-1], b"{"]
)
def test_a_form_in_parts_that_is_not_as_it_should_be_is_unparseable(body: bytes) -> None:
    with pytest.raises(UnparseableError):
        read_content(MULTIPART, body, "data")


def test_of_a_field_that_is_there_twice_the_last_counts() -> None:
    assert read_content(FORM, b"payload=1&payload=2", "payload")() == 2


def test_a_form_without_its_field_says_which() -> None:
    with pytest.raises(UnparseableError, match="without the field payload"):
        read_content(FORM, b"other=1", "payload")


def test_a_form_with_very_many_fields_is_not_read() -> None:
    body = b"&".join(b"a=1" for _ in range(1001))

    with pytest.raises(UnparseableError, match="more than 1,000 fields"):
        read_content(FORM, body, "payload")


def test_what_only_the_slower_parser_reads_is_read() -> None:
    number = "1" + "0" * 400
    parsed = read_content("application/json", f'["\\ud800", {number}.5]'.encode(), None)()

    assert parsed == ["\ufffd", Decimal(f"{number}.5")]
