"""Mailgun: hex HMAC-SHA256 of `{timestamp}{token}`, all three of them in the body.

https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks

The body itself is not signed: whoever sees one request could send anything with its token. So a token
counts with one body only. Mailgun's older webhooks are forms, with the three fields among the others.
"""

from __future__ import annotations

import hashlib
from typing import Any

from router.sources.body import text_at, value_at
from router.sources.preset import (
    FORMS,
    JSON,
    Answer,
    Headers,
    InBody,
    Parsed,
    Sign,
    SignedPart,
    SourcePreset,
)

_DAY_S = 86_400
_TOKEN_LENGTH = 50


def _read(content: Any) -> tuple[SignedPart, ...]:
    """Return what is signed: time and token; for a subaccount, by its own key or by its parent's."""
    block = _block(content)
    timestamp, token = _last(block, "timestamp"), _last(block, "token")
    signatures = [_last(block, name) for name in ("signature", "parent-signature")]
    given = tuple(text.encode("utf-8", "surrogatepass") for text in signatures if text)
    if not (timestamp and token and given):
        return ()
    message = (timestamp + token).encode("utf-8", "surrogatepass")
    return (SignedPart(given, message, timestamp.encode("utf-8", "surrogatepass")),)


def _block(content: Any) -> Any:
    """Return the mapping that holds the signature: one of its own, or the fields of a form."""
    block = value_at(content, "signature")
    return block if isinstance(block, dict) else content


def _last(block: Any, name: str) -> str:
    """Return a text; of a field that people's own variables repeat, the last, which is Mailgun's."""
    value = value_at(block, name)
    if isinstance(value, list) and value:
        value = value[-1]
    return str(value) if type(value) in {str, int} else ""


def _write(content: dict[str, Any], sign: Sign, now: float) -> dict[str, Any]:
    """Return a body with a signature of now, and with a token that was never used before."""
    timestamp = str(int(now))
    seed = f"{now!r} {_last(_block(content), 'token')}"
    token = hashlib.sha256(seed.encode("utf-8", "replace")).hexdigest()[:_TOKEN_LENGTH]
    signature = sign((timestamp + token).encode())
    block = {"timestamp": timestamp, "token": token, "signature": signature}
    is_form = "token" in content and not isinstance(content.get("signature"), dict)
    return {**content, **block} if is_form else {**content, "signature": block}


def _token(_headers: Headers, parsed: Parsed) -> str | None:
    return _last(_block(parsed()), "token") or None


def _delivery_id(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "event-data", "id")


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    body = parsed()
    return text_at(body, "event-data", "event") or _last(body, "event") or None


PRESET = SourcePreset(
    name="mailgun",
    title="Mailgun",
    proof=InBody(
        place="signature",
        signed="{timestamp}{token}",
        read=_read,
        write=_write,
        tolerance_s=_DAY_S,
    ),
    docs="https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks",
    certainty="documented",
    delivery_id=_delivery_id,
    delivery_id_from="body event-data.id",
    event_type=_event_type,
    event_type_from="body event-data.event: delivered, failed, opened …; of older webhooks event",
    dedupe_why="Older webhooks, which are forms, carry no id: of them nothing is a duplicate.",
    retries="After anything but 200 it tries again after 10, 10, 15 and 30 minutes and after 1, 2 and 4 hours; 406 ends it.",
    waits="not documented",
    setup=(
        "Open Send → Sending → Webhooks, choose the domain, and Add webhook.",
        "Choose the event type; the URL is the address of the connector.",
        "Copy the HTTP webhook signing key, which is the secret; it is one for the whole account, and no API key.",
    ),
    content_types=JSON | FORMS,
    once=_token,
    answer=Answer(),
)
