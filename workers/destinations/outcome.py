"""What became of an attempt at a destination: a closed set of kinds.

The kind is the label of the metric, the word in the log and what the delivery's next step follows from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum

from router.core.redaction import scrub

MAX_PAUSE_S = 600.0
"""The longest a destination's hint (`Retry-After`) is obeyed (decision V6)."""
_EXCERPT = 300
_LOOKED_AT = 16_384


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
        words = " ".join(scrub(self.body[:_LOOKED_AT].decode("utf-8", "replace")).split())
        words = words.replace("\x00", "\ufffd")
        return words if len(words) <= _EXCERPT else words[: _EXCERPT - 1] + "…"


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
        hint = retry_after(answer.headers.get("retry-after"), now_s)
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
    try:
        moment = parsedate_to_datetime(words)
    except (ValueError, TypeError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment.timestamp() - now_s, 0.0), MAX_PAUSE_S)
