"""Every answer that is a problem, in one table (RFC 9457); docs/reference/http-problems.md explains each.

What goes out says nothing a stranger could use. Why exactly a request was refused is for operators
and stands in `/api/v1/refusals`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import hdrs, web

from router.core import jsonio

Headers = Mapping[Any, str]
"""Names of headers may be `istr`, for which `Mapping` knows no common type with `str`."""

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """A kind of problem: its stable code, status and title; `retry_after_s` where it passes."""

    code: str
    status: int
    title: str
    retry_after_s: int | None = None


UNKNOWN_CONNECTOR = Problem("unknown-connector", 404, "There is no such connector")
NOT_FOUND = Problem("not-found", 404, "There is no such thing")
METHOD_NOT_ALLOWED = Problem("method-not-allowed", 405, "This method is not allowed here")
TOO_SLOW = Problem("too-slow", 408, "The body did not arrive in time")
TOO_LARGE = Problem("too-large", 413, "The body is too large")
NOT_PROVEN = Problem("not-proven", 401, "The request does not prove who sent it")
UNSUPPORTED_ENCODING = Problem("unsupported-encoding", 415, "Content-Encoding is not supported")
UNSUPPORTED_TYPE = Problem("unsupported-content-type", 415, "This Content-Type is not taken here")
UNPARSEABLE = Problem("unparseable", 400, "The body cannot be parsed")
INCOMPLETE = Problem("incomplete", 400, "The body ended too early")
RATE_LIMITED = Problem("rate-limited", 429, "The connector's limit is reached")
REFUSED = Problem("refused", 422, "The task is not valid or not allowed")
NOT_DURABLE = Problem("not-durable", 503, "Not acknowledged; send it again", 5)
OVERLOADED = Problem("overloaded", 503, "Too much is under way; send it again", 2)
NOT_READY = Problem("not-ready", 503, "No rules are in force yet; send it again", 5)
CONNECTOR_NOT_READY = Problem(
    "connector-not-ready", 503, "The connector is not ready; send it again", 60
)
CERTIFICATE_UNAVAILABLE = Problem(
    "certificate-unavailable", 503, "The proof cannot be checked now; send it again", 30
)
HANDSHAKE_UNFINISHED = Problem(
    "handshake-unfinished", 503, "The handshake could not be finished; send it again", 30
)
UNEXPECTED = Problem("unexpected", 503, "Not acknowledged; send it again", 30)

TOKEN_MISSING = Problem("token-missing", 401, "An API token is needed")
TOKEN_INVALID = Problem("token-invalid", 401, "The API token is not valid")
SCOPE_MISSING = Problem("scope-missing", 403, "The API token lacks a scope")
BAD_CURSOR = Problem("bad-cursor", 400, "The cursor is not one of this list")
BAD_FILTER = Problem("bad-filter", 400, "A filter cannot be used")
STILL_ACCEPTED = Problem("still-accepted", 409, "The event waits to be decided for the first time")
IS_DUPLICATE = Problem("is-duplicate", 409, "The event is a duplicate of another")
NO_CONNECTOR = Problem("no-connector", 409, "The event's connector is gone")
IS_CURRENT = Problem("is-current", 409, "The copy is as it is wanted")
IN_HAND = Problem("in-hand", 409, "A request for the delivery is under way")
HAS_COPY = Problem("has-copy", 409, "The delivery has a copy already")
BAD_BODY = Problem("bad-body", 400, "The body is not what this address takes")
NOT_VALID = Problem("not-valid", 422, "The request says something that cannot be")
VERSION_MISMATCH = Problem("version-mismatch", 412, "It was changed since it was read")
CONTACT_TAKEN = Problem("contact-taken", 409, "Another contact is known by this number or id")
KEY_TAKEN = Problem("key-taken", 409, "Another open task has the key")
IDEMPOTENCY_REUSED = Problem(
    "idempotency-reused", 409, "The Idempotency-Key was used for another request"
)
UNAVAILABLE = Problem("unavailable", 503, "Redis or the database is away", 5)
INTERNAL = Problem("internal", 500, "Something went wrong; the log says what")

PROBLEMS = tuple(value for value in list(globals().values()) if isinstance(value, Problem))


class ProblemError(Exception):
    """A request ends with a problem.

    `detail` and `extra` go out. `reason` is what operators read in `/refusals`, under `recorded_as`
    or the problem's own code; neither may hold a secret or any of the body. `answer` is what the
    sender is told instead, where it should not notice.
    """

    def __init__(
        self,
        problem: Problem,
        detail: str | None = None,
        *,
        reason: str | None = None,
        recorded_as: str | None = None,
        headers: Headers | None = None,
        extra: Mapping[str, Any] | None = None,
        answer: web.Response | None = None,
    ) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.detail = detail
        self.reason = reason or detail or problem.title
        self.recorded_as = recorded_as or problem.code
        self.headers = headers or {}
        self.extra = extra or {}
        self.answer = answer


def not_proven(code: str, reason: str) -> ProblemError:
    """Return what the sender of every request that is not proven is told, whatever was wrong with it."""
    return ProblemError(
        NOT_PROVEN,
        reason=reason,
        recorded_as=code,
        headers={hdrs.WWW_AUTHENTICATE: "Hookyard"},
    )


def problem_response(error: ProblemError) -> web.Response:
    """Return the answer that tells of a problem, or does not."""
    if error.answer is not None:
        return error.answer
    problem = error.problem
    content = {
        "type": f"urn:hookyard:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
    }
    if error.detail is not None:
        content["detail"] = error.detail
    headers = dict(error.headers)
    if problem.retry_after_s is not None:
        headers[hdrs.RETRY_AFTER] = str(problem.retry_after_s)
    return web.Response(
        status=problem.status,
        body=jsonio.dump_bytes({**content, **error.extra}),
        content_type=CONTENT_TYPE,
        headers=headers,
    )
