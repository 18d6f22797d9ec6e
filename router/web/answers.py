"""The answers to a request whose event was stored."""

from __future__ import annotations

import math
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import SERVER_SOFTWARE

from router.core import jsonio
from router.core.intake_table import RateLimit
from router.core.rate_limits import Room
from router.sources.preset import Answer
from router.web import problems
from router.web.outcomes import Outcome
from router.web.problems import ProblemError, problem_response

_JSON = "application/json"
_DONE_WITHOUT_TASK = {"dropped", "duplicate", "held"}
_SHOWN = ("reason", "code", "duplicate_of")


class Accepted(web.Response):
    """The 202 nearly every request gets, written in one piece: a tenth of what the receiver does.

    Only over HTTP/1.1 on a connection that stays open, and with no header added; else it is written as
    any response is.
    """

    def __init__(self, event_id: str, now: float) -> None:
        body = f'{{"event_id": "{event_id}", "status": "accepted"}}'.encode()
        super().__init__(status=202, body=body, content_type=_JSON)
        self._second = int(now)
        self._is_written = False

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection stays open."""
        return True if self._is_written else super().keep_alive

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write the response, or as much of it as is written first of any response."""
        body = self.body
        stays_open = request.keep_alive and self.keep_alive is None
        has_more = request.version != HttpVersion11 or len(self.headers) > 1
        if has_more or not stays_open or not isinstance(body, bytes):
            return await super().prepare(request)
        self._is_written = True
        await request.writer.write(_head(self._second, len(body)) + body)
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """End the response."""
        if not self._is_written:
            await super().write_eof(data)


@lru_cache(maxsize=4)
def _head(second: int, size: int) -> bytes:
    """Return status line and headers as they are during a second."""
    lines = (
        "HTTP/1.1 202 Accepted",
        f"Content-Type: {_JSON}",
        f"Content-Length: {size}",
        f"Date: {formatdate(second, usegmt=True)}",
        f"Server: {SERVER_SOFTWARE}",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def accepted(event_id: str, now: float) -> web.Response:
    """Say that an event is durable; `now` is in seconds since the epoch."""
    return Accepted(event_id, now)


def rate_headers(limit: RateLimit, room: Room) -> dict[str, str]:
    """Return how much a connector's limit leaves, in the words of the IETF's drafts on rate limits."""
    span_s = max(1, math.ceil(limit.span_ms / 1000))
    return {
        "RateLimit-Limit": str(limit.burst),
        "RateLimit-Remaining": str(room.remaining),
        "RateLimit-Reset": str(math.ceil(room.reset_s)),
        "RateLimit-Policy": f"{limit.count};w={span_s};burst={limit.burst}",
    }


def as_sender_expects(answer: Answer) -> web.Response:
    """Return the answer that a sender wants instead of ours."""
    has_body = bool(answer.body)
    return web.Response(
        status=answer.status,
        body=answer.body if has_body else None,
        content_type=answer.content_type if has_body else None,
        headers=answer.headers,
    )


def answer_of(event_id: str, outcome: Outcome | None, base_url: str, now: float) -> web.Response:
    """Say what became of an event; None: that is not known yet."""
    if outcome is None:
        return accepted(event_id, now)
    status = outcome["status"]
    if status == "refused":
        return _refused(event_id, outcome)
    content: dict[str, Any] = {"event_id": event_id, "status": status}
    content |= {name: outcome[name] for name in _SHOWN if outcome.get(name) is not None}
    if status == "routed":
        return _routed(content, outcome, base_url)
    # Undecided and failed events are kept and can be replayed: 202, and at once (decision R11).
    return _json(content, 200 if status in _DONE_WITHOUT_TASK else 202)


def _routed(content: dict[str, Any], outcome: Outcome, base_url: str) -> web.Response:
    tasks = [{**task, "url": f"{base_url}/api/v1/tasks/{task['id']}"} for task in outcome["tasks"]]
    response = _json({**content, "tasks": tasks}, 201)
    if tasks:
        response.headers[hdrs.LOCATION] = tasks[0]["url"]
    return response


def _refused(event_id: str, outcome: Outcome) -> web.Response:
    errors = outcome.get("errors") or []
    extra = {"event_id": event_id, "errors": errors}
    return problem_response(ProblemError(problems.REFUSED, outcome.get("reason"), extra=extra))


def _json(content: dict[str, Any], status: int) -> web.Response:
    return web.Response(status=status, body=jsonio.dump_bytes(content), content_type=_JSON)
