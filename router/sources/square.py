"""Square: base64 HMAC-SHA256 of the notification URL and the body, with nothing between them.

https://developer.squareup.com/docs/webhooks/step3validate

The URL is the text that stands in the developer console. `event_id` stays the same when Square sends an
event again.
"""

from __future__ import annotations

from router.sources.body import text_at
from router.sources.preset import Headers, Hmac, Parsed, SignatureHeaders, SourcePreset


def _delivery_id(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "event_id")


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "type")


PRESET = SourcePreset(
    name="square",
    title="Square",
    proof=Hmac(
        headers=(SignatureHeaders("X-Square-HmacSha256-Signature"),),
        encoding="base64",
        signed="{url}{body}",
        also_hidden=("X-Square-Signature",),
    ),
    docs="https://developer.squareup.com/docs/webhooks/step3validate",
    certainty="verified",
    delivery_id=_delivery_id,
    delivery_id_from="body event_id",
    event_type=_event_type,
    event_type_from="body type",
    retries="It tries again for up to 24 hours.",
    waits="not documented",
    setup=(
        "Open the application in the Developer Console, then Webhooks → Subscriptions → Add subscription.",
        "The notification URL is the address of the connector, letter for letter: it is signed.",
        "Choose the events that the rules ask for, and save.",
        "Copy the signature key of the subscription: it is the secret.",
    ),
)
