from __future__ import annotations

import pytest

from router.web.prefer import wait_of


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["wait=5"], 5),
        (["WAIT = 5"], 5),
        (['wait="5"'], 5),
        (["wait=5; because"], 5),
        (["respond-async, wait=5"], 5),
        (["respond-async", "wait=5"], 5),
        (["wait=5, wait=9"], 5),
        (["wait=x, wait=9"], 9),
        (["wait=0"], 0),
        (["wait=30"], 30),
        (["wait=31"], 30),
        (["wait=" + "9" * 5000], 30),
    ],
)
def test_whole_seconds_are_taken_up_to_thirty(headers: list[str], seconds: int) -> None:
    assert wait_of(headers) == seconds


@pytest.mark.parametrize(
    "header",
    ["", "wait", "wait=", "wait=-1", "wait=1.5", "wait=٣", "await=5", 'wait="5', "wait=5 s"],
)
def test_what_is_no_wait_is_passed_over(header: str) -> None:
    assert wait_of([header]) is None


def test_who_does_not_ask_does_not_wait() -> None:
    assert wait_of([]) is None
