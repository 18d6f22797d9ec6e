"""Linear: hex HMAC-SHA256 of the body with the webhook's signing secret.

https://linear.app/developers/webhooks

The time is in the body, `webhookTimestamp` in milliseconds, and so is signed with it.
`Linear-Delivery` names the delivery.
"""

from __future__ import annotations

from router.sources.preset import Headers, Hmac, Parsed, SignatureHeaders, SourcePreset


def _delivery_id(headers: Headers, _parsed: Parsed) -> str | None:
    return headers.get("Linear-Delivery")


def _event_type(headers: Headers, _parsed: Parsed) -> str | None:
    return headers.get("Linear-Event")


PRESET = SourcePreset(
    name="linear",
    title="Linear",
    proof=Hmac(
        headers=(SignatureHeaders("Linear-Signature"),),
        tolerance_s=60,
        time_form="ms",
        time_in_body="webhookTimestamp",
    ),
    docs="https://linear.app/developers/webhooks",
    certainty="assumed",
    delivery_id=_delivery_id,
    delivery_id_from="header Linear-Delivery",
    event_type=_event_type,
    event_type_from="header Linear-Event (the action stays in the body)",
    retries="It tries three times more: after 1 minute, 1 hour and 6 hours.",
    waits="5 seconds",
    setup=(
        "Open Settings → API → Webhooks → New webhook.",
        "The URL is the address of the connector; choose the teams and what changes are sent.",
        "Copy the signing secret: it is the secret.",
    ),
)
