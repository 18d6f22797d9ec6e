"""SendGrid's event webhook: ECDSA over `{timestamp}{body}`, proven by the key that its settings show.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features

A request holds many events, each with an `sg_event_id` of its own; the request itself has no id.
"""

from __future__ import annotations

from router.sources.body import batch_name, text_at
from router.sources.preset import (
    Headers,
    Parsed,
    PublicKey,
    SignatureHeaders,
    SourcePreset,
)

_DAY_S = 86_400


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    body = parsed()
    return (
        batch_name([text_at(event, "event") for event in body]) if isinstance(body, list) else None
    )


PRESET = SourcePreset(
    name="sendgrid",
    title="SendGrid",
    proof=PublicKey(
        headers=(
            SignatureHeaders(
                "X-Twilio-Email-Event-Webhook-Signature",
                timestamp="X-Twilio-Email-Event-Webhook-Timestamp",
            ),
        ),
        signed="{timestamp}{body}",
        tolerance_s=_DAY_S,
    ),
    docs="https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features",
    certainty="verified",
    event_type=_event_type,
    event_type_from="body event of the first: delivered, bounce, open …, with + where others differ",
    dedupe_key="{{ body | hash }}",
    dedupe_why="A request has no id, but each of its events has: two requests with the same body hold the same events.",
    retries="After anything but 2xx it tries again, with growing pauses, for 24 hours.",
    waits="not documented",
    setup=(
        "Open Settings → Mail Settings → Event Webhooks → Create new webhook.",
        "The Post URL is the address of the connector; choose the events that the rules ask for.",
        "Enable Signed Event Webhook and save; then open the webhook again and copy the verification key, which is the secret here.",
        "Press Test Integration.",
    ),
)
