"""What became of an attempt at a destination: a closed set of kinds.

The kind is the label of the metric, the word in the log and what the delivery's next step follows from.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from router.core import jsonio
from router.core.redaction import redact_fields, redact_headers, scrub

MAX_PAUSE_S = 600.0
"""The longest a destination's hint (`Retry-After`) is obeyed (decision V6)."""
_EXCERPT = 300
_LOOKED_AT = 32_768
_KEPT_BODY = 8192
_KEPT_HEADERS = 40


class Kind(StrEnum):
    """What an attempt came to."""

    DELIVERED = "delivered"
    RETRY = "retry"
    """It certainly had no effect and may be repeated."""
    RATE_LIMITED = "rate_limited"
    """As retry, and the destination wants to be left alone for a while (V6)."""
    UNCERTAIN = "uncertain"
    """It may have had its effect (V5): whether it may be repeated depends on what it was."""
    AUTH = "auth"
    """The destination does not accept our credentials (V2)."""
    REJECTED = "rejected"
    """It will never be accepted as it is (Q9)."""
    GONE = "gone"
    """The copy that was to be changed is not there any more (V32)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a destination answered; header names are in lower case, the body is cut at `max_answer`."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    truncated: bool = False

    def excerpt(self) -> str:
        """Return the start of the body, on one line and without our secrets, to be shown to a person."""
        words = " ".join(self._readable().split())
        return words if len(words) <= _EXCERPT else words[: _EXCERPT - 1] + "…"

    def kept(self) -> dict[str, Any]:
        """Return what is kept of an answer for people: without secrets, and of a bounded length."""
        headers = redact_headers(dict(list(self.headers.items())[:_KEPT_HEADERS]))
        body = self._readable()
        return {
            "headers": {name: value[:_EXCERPT] for name, value in headers.items()},
            "body": body[:_KEPT_BODY],
            "truncated": self.truncated or len(body) > _KEPT_BODY,
        }

    def _readable(self) -> str:
        """Return the body as text; of JSON the values whose names say that they are secret are left out."""
        start = self.body[:_LOOKED_AT]
        text = scrub(start.decode("utf-8", "replace"))
        if start.lstrip()[:1] in {b"{", b"["}:
            with contextlib.suppress(jsonio.UnparseableError):
                text = jsonio.dumps(redact_fields({"body": jsonio.loads(start)})["body"])
        return text.replace("\x00", "\ufffd")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to; `code` and `message` say why where it is not `delivered`.

    `retry_after_s` is the destination's hint, in seconds from the answer, at most `MAX_PAUSE_S`.
    """

    kind: Kind
    code: str = ""
    message: str = ""
    status: int | None = None
    external_id: str | None = None
    retry_after_s: float | None = None

    @classmethod
    def from_status(cls, answer: Answer, *, now_s: float, changing: bool = False) -> Outcome:
        """Return what a status alone says; `changing`: the request was about a copy that exists.

        `now_s` is the time of the answer in seconds since the epoch: `Retry-After` may be a date.
        """
        status = answer.status
        if 200 <= status <= 299:  # noqa: PLR2004  the class of statuses
            return cls(Kind.DELIVERED, status=status)
        hint = retry_after(answer.headers.get("retry-after"), time_there(answer, now_s))
        kind, code = _classify(status, changing=changing)
        said = answer.excerpt()
        message = f"answered {status}" + (f": {said}" if said else "")
        return cls(kind, code, message, status, retry_after_s=hint)


def _classify(status: int, *, changing: bool) -> tuple[Kind, str]:
    match status:
        case 401 | 403:
            return Kind.AUTH, "credentials"
        case 408 | 409 | 425:
            return Kind.RETRY, "try-again"
        case 429:
            return Kind.RATE_LIMITED, "rate-limited"
        case 404 | 410 if changing:
            return Kind.GONE, "gone"
        case _ if 300 <= status <= 399:  # noqa: PLR2004  the class of statuses
            return Kind.REJECTED, "redirect"
        case _ if 400 <= status <= 499:  # noqa: PLR2004  the class of statuses
            return Kind.REJECTED, "rejected"
        case _:
            return Kind.UNCERTAIN, "no-answer"


def retry_after(value: str | None, now_s: float) -> float | None:
    """Return the seconds a `Retry-After` asks for (whole seconds or a date); None if it says nothing."""
    if value is None:
        return None
    words = value.strip()
    if words.isascii() and words.isdigit():
        return min(float(words[:9]), MAX_PAUSE_S)
    moment_s = _date_s(words)
    return None if moment_s is None else min(max(moment_s - now_s, 0.0), MAX_PAUSE_S)


def time_there(answer: Answer, now_s: float) -> float:
    """Return what the destination's clock showed, by which a date that it names is meant.

    `now_s` is ours, for an answer that does not say.
    """
    moment_s = _date_s(answer.headers.get("date", ""))
    return now_s if moment_s is None else moment_s


def _date_s(words: str) -> float | None:
    try:
        moment = parsedate_to_datetime(words)
    except (ValueError, TypeError, IndexError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
