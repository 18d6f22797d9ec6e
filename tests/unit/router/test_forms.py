"""Forms as fields, whatever a stranger sends (decision E14)."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core import jsonio
from router.core.forms import read_form
from router.core.jsonio import UnparseableError

TYPE = "multipart/form-data; boundary=b"


def part(name: str, value: str = "1", *lines: str) -> str:
    return "\r\n".join([f'Content-Disposition: form-data; name="{name}"', *lines, "", value])


def body(*parts: str, end: str = "--b--\r\n", boundary: str = "b") -> bytes:
    return ("".join(f"--{boundary}\r\n{each}\r\n" for each in parts) + end).encode()


def test_what_is_no_form_is_none() -> None:
    assert read_form(b"a=1", "text/plain") is None
    assert read_form(b"a=1", "") is None


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ('Multipart/Form-Data; charset=utf-8; BOUNDARY="a b"', "a b"),
        ("multipart/form-data;boundary=----WebKitFormBoundary7MA4", "----WebKitFormBoundary7MA4"),
        ("multipart/form-data; boundary='(:?=/'", "'(:?=/'"),
    ],
)
def test_the_boundary_is_read_as_browsers_and_libraries_write_it(
    content_type: str, boundary: str
) -> None:
    form = body(part("a"), end=f"--{boundary}--", boundary=boundary)

    assert read_form(form, content_type) == {"a": "1"}


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('"grüße"', "grüße"),
        ('"a%22b%0D%0Ac%41"', 'a"b\r\nc%41'),
        (r'"a\"b"', 'a"b'),
        (r'"C:\dir\a.txt"', r"C:\dir\a.txt"),
        ("plain", "plain"),
        ('"a;b=c"', "a;b=c"),
        ('"\x00"', "\ufffd"),
    ],
)
def test_names_are_unescaped_as_browsers_escape_them(written: str, name: str) -> None:
    form = body(f"content-disposition: form-data; NAME={written}\r\n\r\n1")

    assert read_form(form, TYPE) == {name: "1"}


def test_a_file_is_told_by_name_type_and_size_and_its_bytes_stay_out() -> None:
    content = b" --b\x00\xff\r\n\r\n--c--\r\n--not b"
    head = (
        'Content-Disposition: form-data; name="f"; filename="x.bin"\r\nContent-Type: IMAGE/png; q=1'
    )
    form = b"--b\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n--b--"

    assert read_form(form, TYPE) == {
        "f": {"filename": "x.bin", "type": "image/png", "size": len(content)}
    }


@pytest.mark.parametrize(
    ("parameters", "filename"),
    [
        ('filename=""', ""),
        ("filename*=UTF-8''gr%C3%BC%C3%9Fe.txt", "grüße.txt"),
        ("filename=\"plain.txt\"; filename*=UTF-8''other.txt", "plain.txt"),
    ],
)
def test_filenames_come_in_several_spellings(parameters: str, filename: str) -> None:
    form = body(f'Content-Disposition: form-data; name="f"; {parameters}\r\n\r\nx')

    assert read_form(form, TYPE) == {"f": {"filename": filename, "type": "text/plain", "size": 1}}


def test_texts_keep_their_lines_and_repeated_fields_are_lists() -> None:
    form = body(part("note", "one\r\ntwo\n\r\n"), part("to", "a"), part("to", "b"), part("to", ""))

    assert read_form(form, TYPE) == {"note": "one\r\ntwo\n\r\n", "to": ["a", "b", ""]}


def test_what_stands_around_the_parts_does_not_count() -> None:
    form = b"preamble\r\n" + body(part("a"), "\r\nno headers", "X: y\r\n\r\nno name") + b"epilogue"

    assert read_form(form, TYPE) == {"a": "1"}


@pytest.mark.parametrize(
    ("form", "content_type"),
    [
        (body(part("a")), "multipart/form-data"),
        (body(part("a")), 'multipart/form-data; boundary=""'),
        (body(part("a")), "multipart/form-data; boundary=other"),
        (body(part("a"), end=""), TYPE),
        (body(part("a"), end="--b")[:-1], TYPE),
        (b"--bad\r\n" + body(part("a")), TYPE),
        (b"--b\r\n" * 10_001 + b"--b--", TYPE),
        (b"&".join([b"a=1"] * 10_001), "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_not_the_form_it_says_is_unparseable(form: bytes, content_type: str) -> None:
    with pytest.raises(UnparseableError):
        read_form(form, content_type)


@given(st.binary(max_size=400), st.sampled_from([TYPE, "application/x-www-form-urlencoded"]))
def test_any_bytes_are_a_form_or_unparseable_and_can_be_stored(
    garbage: bytes, content_type: str
) -> None:
    try:
        fields = read_form(b"--b\r\n" + garbage + b"\r\n--b--", content_type)
    except UnparseableError:
        return

    assert isinstance(fields, dict)
    assert "\\u0000" not in jsonio.dumps(fields)


@given(
    st.dictionaries(
        st.text("abcäöü -_.[]", min_size=1), st.text(st.characters(exclude_categories=["Cs"]))
    )
)
def test_what_a_browser_writes_is_read_back(fields: dict[str, str]) -> None:
    form = body(*(part(name, value) for name, value in fields.items()), end="--b--\r\n")
    expected: dict[str, Any] = {
        name: text.replace("\x00", "\ufffd") for name, text in fields.items()
    }

    if any("--b" in text for text in fields.values()) or not fields:
        return
    assert read_form(form, TYPE) == expected


@pytest.mark.parametrize(
    "form",
    [
        b'--b\r\nContent-Disposition: form-data; name="' + b"\\" * 900_000 + b"\r\n\r\n\r\n--b--",
        b"--b\r\n"
        + b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n" * 20_000
        + b"\r\n--b--",
        b"--b\r\n" + b"content-disposition:;" * 50_000 + b"\r\n\r\n\r\n--b--",
    ],
)
def test_a_hostile_megabyte_is_read_at_once(form: bytes) -> None:
    began = time.process_time()

    with suppress(UnparseableError):
        read_form(form, TYPE)

    assert time.process_time() - began < 2
