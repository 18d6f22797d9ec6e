"""Twilio: base64 HMAC-SHA1 of the address and the sorted fields of the form, with the auth token.

https://www.twilio.com/docs/usage/webhooks/webhooks-security

Of a body that is no form, the address carries the hash (`bodySHA256`) and only the address is signed.
Twilio is not consistent about the port in the address; with and without are both right.
"""

from __future__ import annotations

from typing import Any

from router.sources.body import batch_name, joined, text_at
from router.sources.preset import (
    JSON,
    URLENCODED,
    Answer,
    Headers,
    Hmac,
    Parsed,
    SignatureHeaders,
    SourcePreset,
)

_THINGS = (("MessageSid", "MessageStatus"), ("SmsSid", "SmsStatus"), ("CallSid", "CallStatus"))
_MORE_OF_ONE_CALL = frozenset({"Digits", "SpeechResult", "ConferenceSid", "RecordingSid"})
"""Fields of requests several of which may come while a call has one status."""


def _delivery_id(_headers: Headers, parsed: Parsed) -> str | None:
    body = parsed()
    if isinstance(body, list):
        return joined([text_at(event, "id") for event in body])
    if not isinstance(body, dict) or _MORE_OF_ONE_CALL & body.keys():
        return None
    for sid, status in _THINGS:
        if body.get(sid):
            return joined([body[sid], _status(body, status)])
    return None


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    body = parsed()
    if isinstance(body, list):
        return batch_name([text_at(event, "type") for event in body])
    return next((found for _, status in _THINGS if (found := _status(body, status))), None)


def _status(body: Any, name: str) -> str | None:
    """Return a status; that of an incoming message is called as that of an SMS was."""
    return text_at(body, name) or (text_at(body, "SmsStatus") if name == "MessageStatus" else None)


PRESET = SourcePreset(
    name="twilio",
    title="Twilio",
    proof=Hmac(
        headers=(SignatureHeaders("X-Twilio-Signature"),),
        algorithm="sha1",
        encoding="base64",
        signed="{url}{form}",
        url_form="ports",
        body_hash="bodySHA256",
    ),
    docs="https://www.twilio.com/docs/usage/webhooks/webhooks-security",
    certainty="verified",
    delivery_id=_delivery_id,
    delivery_id_from="body MessageSid or CallSid, and the status; the ids of Event Streams",
    event_type=_event_type,
    event_type_from="body MessageStatus, SmsStatus or CallStatus; type of Event Streams",
    dedupe_why="What a caller enters, recordings and conferences come several times while a call has one status: they are never duplicates.",
    retries="It tries once more when it cannot connect, then the fallback URL if one is set. Event Streams try again for up to 4 hours.",
    waits="15 seconds, 5 of them to connect",
    setup=(
        "In the console open the phone number, messaging service or TwiML app, and enter the address of the connector as webhook or status callback, letter for letter: it is signed.",
        "The secret is the primary auth token of the account.",
    ),
    methods=frozenset({"POST", "GET"}),
    content_types=JSON | {URLENCODED},
    answer=Answer(status=204),
)
