"""Every answer that is a problem (RFC 9457)."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from router.web import problems
from router.web.problems import PROBLEMS, Problem, ProblemError, problem_response


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: str(problem.code))
def test_each_problem_is_answered_with_its_status_and_code(problem: Problem) -> None:
    response = problem_response(ProblemError(problem))

    assert response.status == problem.status
    assert response.content_type == "application/problem+json"
    assert isinstance(response.body, bytes)
    assert json.loads(response.body) == {
        "type": f"urn:hookyard:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
    }


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: str(problem.code))
def test_each_503_says_when_to_come_again(problem: Problem) -> None:
    response = problem_response(ProblemError(problem))

    wanted = None if problem.retry_after_s is None else str(problem.retry_after_s)
    assert response.headers.get("Retry-After") == wanted
    assert (wanted is not None) == (problem.status == 503)


def test_codes_are_not_used_twice() -> None:
    assert Counter(problem.code for problem in PROBLEMS).most_common(1)[0][1] == 1


def test_detail_headers_and_extra_go_out_and_the_reason_does_not() -> None:
    error = ProblemError(
        problems.REFUSED,
        "a detail",
        reason="canary",
        recorded_as="canary",
        headers={"X-A": "1"},
        extra={"errors": []},
    )

    response = problem_response(error)

    assert response.headers["X-A"] == "1"
    assert isinstance(response.body, bytes)
    assert b"canary" not in response.body
    content = json.loads(response.body)
    assert (content["detail"], content["errors"]) == ("a detail", [])


def test_operators_read_the_reason_or_what_comes_closest() -> None:
    whole = ProblemError(problems.NOT_PROVEN, "detail", reason="reason", recorded_as="code")

    assert (whole.reason, whole.recorded_as) == ("reason", "code")
    assert ProblemError(problems.NOT_PROVEN, "detail").reason == "detail"
    bare = ProblemError(problems.NOT_PROVEN)
    assert (bare.reason, bare.recorded_as) == (problems.NOT_PROVEN.title, "not-proven")
