"""Typeform: `sha256=` and the base64 (not hex) HMAC-SHA256 of the body.

https://www.typeform.com/developers/webhooks/secure-your-webhooks/

`event_id` names the delivery, `form_response.token` the response.
"""

from __future__ import annotations

from router.sources.body import text_at
from router.sources.preset import Headers, Hmac, Parsed, SignatureHeaders, SourcePreset


def _delivery_id(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "event_id")


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "event_type")


PRESET = SourcePreset(
    name="typeform",
    title="Typeform",
    proof=Hmac(
        headers=(SignatureHeaders("Typeform-Signature"),), encoding="base64", prefix="sha256="
    ),
    docs="https://www.typeform.com/developers/webhooks/secure-your-webhooks/",
    certainty="documented",
    delivery_id=_delivery_id,
    delivery_id_from="body event_id",
    event_type=_event_type,
    event_type_from="body event_type",
    retries="It tries again after failures; how often and for how long is not confirmed.",
    waits="not documented",
    setup=(
        "In the form open Connect → Webhooks → Add a webhook.",
        "The endpoint is the address of the connector.",
        "Choose Edit and enter a long random text as the secret: without one Typeform does not sign.",
        "Switch the webhook on; Send test request tries it.",
    ),
)
