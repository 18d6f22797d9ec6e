"""Zendesk: base64 HMAC-SHA256 of time and body, with no sign between them.

https://developer.zendesk.com/documentation/webhooks/verifying/

The secret looks like base64 and is used as it stands. Before a webhook is saved its tests are signed
with a secret that the documentation prints. Webhooks of triggers and automations have whatever body
their author wrote: an `id` in there is not that of the delivery.
"""

from __future__ import annotations

from router.sources.body import text_at
from router.sources.preset import (
    JSON,
    URLENCODED,
    Answer,
    Facts,
    Headers,
    Hmac,
    Parsed,
    SignatureHeaders,
    SourcePreset,
)
from router.sources.signature import SIGNED_IN_TEST

_OF_EVENTS = "zen:event-type:"
_PUBLIC = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="
_DAY_S = 86_400.0


def _delivery_id(headers: Headers, parsed: Parsed) -> str | None:
    body = parsed()
    if (text_at(body, "type") or "").startswith(_OF_EVENTS):
        return text_at(body, "id")
    return headers.get("X-Zendesk-Webhook-Invocation-Id")


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "type")


def _shake(facts: Facts) -> Answer | None:
    """Answer the test of a webhook that is not saved yet: anybody could have signed it."""
    in_test = facts.refusal is not None and facts.refusal.code == SIGNED_IN_TEST
    return Answer() if in_test else None


PRESET = SourcePreset(
    name="zendesk",
    title="Zendesk",
    proof=Hmac(
        headers=(
            SignatureHeaders(
                "X-Zendesk-Webhook-Signature",
                timestamp="X-Zendesk-Webhook-Signature-Timestamp",
            ),
        ),
        encoding="base64",
        signed="{timestamp}{body}",
        tolerance_s=_DAY_S,
        time_form="rfc3339",
        test_secret=_PUBLIC,
    ),
    docs="https://developer.zendesk.com/documentation/webhooks/verifying/",
    certainty="documented",
    delivery_id=_delivery_id,
    delivery_id_from="body id of event webhooks, else header X-Zendesk-Webhook-Invocation-Id",
    event_type=_event_type,
    event_type_from="body type",
    dedupe_why="Where neither is there nothing is a duplicate.",
    handshake="a test that is signed with the public test secret: 200, and nothing is made of it",
    shake=_shake,
    retries="409 is tried three times more, a time-out five times, 429 and 503 only with a Retry-After below 60 seconds; nothing else. While most requests fail it pauses, and never disables.",
    waits="12 seconds",
    setup=(
        "In the Admin Center open Apps and integrations → Webhooks → Create webhook.",
        "Connect it to Zendesk events, or to a trigger or automation whose body you write.",
        "The endpoint URL is the address of the connector, the request method POST, the format JSON.",
        "After saving choose Reveal secret: it is the secret, to be stored as it stands.",
    ),
    methods=frozenset({"POST", "PUT", "PATCH", "GET", "DELETE"}),
    content_types=JSON | {URLENCODED},
)
