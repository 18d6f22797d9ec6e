"""The filters of a list."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from router.core.clock import epoch_ms
from router.core.store.page import MOST
from router.web.api.query import ListQuery, envelope, list_query, one_of
from router.web.problems import ProblemError
from tests.support.manual_clock import ManualClock
from tests.support.rows import NOW, NOW_MS
from tests.support.site import request_for

KNOWN = ("status", "since", "until")


def read(query: str) -> ListQuery:
    return list_query(request_for(f"/api/v1/tasks{query}"), KNOWN, ManualClock())


def refused(query: str) -> str:
    """Return what is said of a query that cannot be used."""
    with pytest.raises(ProblemError) as caught:
        read(query)
    assert caught.value.problem.code == "bad-filter"
    assert caught.value.detail is not None
    return caught.value.detail


def test_without_a_query_it_is_the_first_fifty() -> None:
    assert read("") == ListQuery(50, None, {})


def test_what_is_known_is_passed_on() -> None:
    assert read("?status=open&cursor=abc&limit=3") == ListQuery(3, "abc", {"status": "open"})


@pytest.mark.parametrize(
    ("limit", "taken"), [("1", 1), ("200", 200), ("201", MOST), ("9" * 5000, MOST)]
)
def test_a_large_limit_is_cut_to_the_largest(limit: str, taken: int) -> None:
    assert read(f"?limit={limit}").limit == taken


@pytest.mark.parametrize("limit", ["", "0", "-1", "1.5", "ten", "٣", "000"])
def test_a_limit_that_is_none_is_refused(limit: str) -> None:
    assert "whole number" in refused(f"?limit={limit}")


def test_an_unknown_filter_is_refused_and_the_known_ones_are_named() -> None:
    assert refused("?colour=red") == "colour is none of since, status, until, limit, cursor"


def test_a_long_name_is_not_thrown_back_whole() -> None:
    assert len(refused(f"?{'a' * 5000}=1")) < 150


@pytest.mark.parametrize(
    "instant",
    [
        "2026-11-23T09:12:45.120Z",
        "2026-11-23T09:12:45.120",
        "2026-11-23T10:12:45.120%2B01:00",
        "2026-11-23T10:12:45.120+01:00",
    ],
)
def test_an_instant_is_taken_with_and_without_its_offset(instant: str) -> None:
    assert read(f"?since={instant}").filters == {"since_ms": NOW_MS}


def test_a_day_begins_at_midnight_in_utc() -> None:
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)

    assert read("?until=2026-11-23").filters == {"until_ms": epoch_ms(midnight)}


def test_a_span_reaches_back_from_now() -> None:
    assert read("?since=7d").filters == {"since_ms": epoch_ms(NOW - timedelta(days=7))}


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "2026-13-01",
        "7",
        "99999999999w",
        "9" * 400 + "d",
    ],
)
def test_an_instant_that_is_none_is_refused(value: str) -> None:
    assert refused(f"?since={value}") == "since is an RFC 3339 instant, or a span such as 7d"


def test_a_value_that_can_match_nothing_is_refused() -> None:
    one_of("status", None, ("a", "b"))
    one_of("status", "a", ("a", "b"))
    with pytest.raises(ProblemError) as caught:
        one_of("status", "c", ("a", "b"))
    assert caught.value.detail == "status is one of a, b"


def test_a_list_is_its_rows_and_the_next_cursor() -> None:
    def shape(row: Any) -> Any:
        return row["id"]

    assert envelope([{"id": 1}], "next", shape) == {"data": [1], "next_cursor": "next"}
