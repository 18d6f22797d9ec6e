from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rules.contact import MAX_NAME, domain_of, is_address, is_domain, line, phone_number, short_name
from rules.decision import Contact


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, None),
        ("", None),
        (" \t\n ", None),
        (" a@b.example ", "a@b.example"),
        ("Ada\r\nLovelace", "Ada Lovelace"),
        ("\x00", None),
        ("Zoë\x00 \ud800", "Zoë \ufffd"),
        (5, "5"),
        (Decimal("1.50"), "1.50"),
        (True, "true"),
        (["a@b.example"], '["a@b.example"]'),
    ],
)
def test_a_value_is_read_as_one_line(value: Any, words: str | None) -> None:
    assert line(value) == words


@pytest.mark.parametrize(
    "words",
    [
        "a@b.example",
        "first.last+tag@sub.acme.example",
        "o'brien@acme.example",
        "cron@backup",
        "jürgen@müller.example",
        "#!$%&*/=?^_`{|}~-@acme.example",
        f"{'a' * 240}@acme.example",
    ],
)
def test_what_people_have_for_addresses_is_one(words: str) -> None:
    assert is_address(words)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "jane",
        "@acme.example",
        "jane@",
        "jane@acme@example",
        "jane@acme..example",
        "jane@.example",
        "jane@acme.example.",
        "jane @acme.example",
        "Jane <jane@acme.example>",
        "a@b.example, c@d.example",
        "a@b.example;c@d.example",
        '"jane roe"@acme.example',
        "jane@[203.0.113.9]",
        "mailto:jane@acme.example",
        "jane@acme.example/x",
        "jane\u202e@acme.example",
        '["a@b.example"]',
        f"{'a' * 254}@acme.example",
    ],
)
def test_what_is_no_address_or_more_than_one_is_none(words: str) -> None:
    assert not is_address(words)


def test_an_address_is_read_in_a_time_that_does_not_explode() -> None:
    for words in ("a" * 10_000_000, "a@" + "a." * 120 + "!", "a@" + "-" * 250 + "!"):
        assert not is_address(words)


@pytest.mark.parametrize(
    ("words", "is_one"),
    [
        ("acme.example", True),
        ("backup", True),
        ("@acme.example", False),
        ("*.acme.example", False),
        ("https://acme.example", False),
        ("acme.example ", False),
        ("", False),
    ],
)
def test_a_domain_is_told_from_what_is_none(words: str, *, is_one: bool) -> None:
    assert is_domain(words) is is_one


def test_the_domain_of_an_address_is_in_small_letters() -> None:
    assert domain_of("Jane@ACME.example") == "acme.example"


def test_a_name_that_is_too_long_is_cut() -> None:
    assert short_name("x" * MAX_NAME) == "x" * MAX_NAME
    cut = short_name("x" * (MAX_NAME + 1))
    assert (len(cut), cut[-1]) == (MAX_NAME, "…")


def test_people_are_known_by_their_address_in_any_case() -> None:
    assert Contact("Jane@ACME.example").address == "jane@acme.example"


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("+44 20 7946 0018", "+442079460018"),
        ("0044-20-7946-0018", "+442079460018"),
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("+1 (555) 010-0199", "+15550100199"),
        ("+49.30/123\u20114567", "+49301234567"),
        ("020 7946 0018", None),
        ("+0207946018", None),
        ("+12345", None),
        ("+1234567890123456", None),
        ("+44 20 7946 0018 ext. 5", None),
        ("+\u0664\u0664207946001", None),
        ("", None),
    ],
)
def test_a_phone_number_is_read_with_its_country_code_or_not_at_all(
    words: str, number: str | None
) -> None:
    assert phone_number(words) == number


def test_what_a_new_contact_is_told_from_others_by_is_no_other_kinds() -> None:
    assert Contact("Ada@Acme.example", phone="+15550100").address == "ada@acme.example"
    assert Contact(None, phone="+15550100").address == "tel:+15550100"
    assert Contact(None, phone="+15550100", external_id="a@b.example").address == "id:a@b.example"
