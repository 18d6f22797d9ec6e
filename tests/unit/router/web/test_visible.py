"""What rules may see of a request."""

from __future__ import annotations

from multidict import CIMultiDict

from router.web.visible import storable, visible_headers, visible_query
from tests.support.site import request_for

NONE: frozenset[str] = frozenset()


def test_text_that_any_store_can_hold_is_left_as_it_is() -> None:
    assert storable("plain") == "plain"
    assert storable("grün 🌱") == "grün 🌱"


def test_nul_and_bytes_that_were_no_text_are_replaced() -> None:
    assert storable("a\x00b") == "a\ufffdb"
    assert storable("a\udce4b") == "a\ufffdb"


def test_headers_have_lower_case_names_and_no_credentials() -> None:
    headers = CIMultiDict({"X-Topic": "a", "Authorization": "canary", "X-Sig": "canary"})

    assert visible_headers(headers, frozenset({"authorization", "x-sig", "cookie"})) == {
        "x-topic": "a"
    }


def test_headers_that_are_repeated_are_joined() -> None:
    headers = CIMultiDict(
        [("X-A", "1"), ("x-a", "2"), ("X-B", "3"), ("X-Sig", "a"), ("X-Sig", "b")]
    )

    assert visible_headers(headers, frozenset({"x-sig"})) == {"x-a": "1, 2", "x-b": "3"}


def test_header_bytes_that_were_no_text_never_reach_the_store() -> None:
    assert visible_headers(CIMultiDict({"X-A": "\udcff", "X-B": "é"}), NONE) == {
        "x-a": "\ufffd",
        "x-b": "é",
    }


def test_without_a_query_there_are_no_parameters() -> None:
    assert visible_query(request_for("/hooks/shop"), NONE) == {}


def test_of_repeated_parameters_the_last_is_seen_and_hidden_ones_are_not() -> None:
    request = request_for("/hooks/shop?a=1&key=canary&a=2&b=%00&%00=c")

    assert visible_query(request, {"key"}) == {"a": "2", "b": "\ufffd", "\ufffd": "c"}
