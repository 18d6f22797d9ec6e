"""Stripe: `t=…,v1=…`, the hex HMAC-SHA256 of `{t}.{body}` with the endpoint's secret.

https://docs.stripe.com/webhooks#verify-manually

The whole `whsec_…` text is the key; nothing of it is decoded. While a secret is rolled the header
lists several `v1`; `v0` belongs to test events and is passed over. The event's `id` stays the same
when Stripe sends it again.
"""

from __future__ import annotations

from router.sources.body import text_at
from router.sources.preset import (
    Headers,
    Hmac,
    ListFormat,
    Parsed,
    SignatureHeaders,
    SourcePreset,
)


def _delivery_id(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "id")


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "type")


PRESET = SourcePreset(
    name="stripe",
    title="Stripe",
    proof=Hmac(
        headers=(SignatureHeaders("Stripe-Signature"),),
        signed="{timestamp}.{body}",
        format=ListFormat(separator=",", assign="=", signature="v1", time="t"),
        # Stripe's own library looks at the past side only; a time ahead of ours by more is refused.
        tolerance_s=300,
    ),
    docs="https://docs.stripe.com/webhooks#verify-manually",
    certainty="verified",
    delivery_id=_delivery_id,
    delivery_id_from="body id",
    event_type=_event_type,
    event_type_from="body type",
    retries="It tries again for up to three days, in a sandbox three times within hours. A redirect is a failure.",
    waits="not documented",
    setup=(
        "Open Developers → Webhooks → Add endpoint: the address of the connector, and the events that the rules ask for.",
        "Reveal the signing secret and store it whole, whsec_ included. Each endpoint has one of its own, and so has the test mode.",
    ),
)
