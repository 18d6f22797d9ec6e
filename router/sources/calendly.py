"""Calendly: `t=…,v1=…`, the hex HMAC-SHA256 of `{t}.{body}` with the webhook signing key.

https://developer.calendly.com/api-docs/overview/webhooks/webhook-signatures

Events carry no id. The URI of what they are about, the name and the time of creation together are one.
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


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "event")


PRESET = SourcePreset(
    name="calendly",
    title="Calendly",
    proof=Hmac(
        headers=(SignatureHeaders("Calendly-Webhook-Signature"),),
        signed="{timestamp}.{body}",
        format=ListFormat(separator=",", assign="=", signature="v1", time="t"),
        tolerance_s=180,
    ),
    docs="https://developer.calendly.com/api-docs/overview/webhooks/webhook-signatures",
    certainty="documented",
    event_type=_event_type,
    event_type_from="body event",
    dedupe_key="{{ event.type ~ ':' ~ body.payload.uri ~ ':' ~ body.created_at | default('') if body.payload.uri | default('') else '' }}",
    dedupe_why="Calendly numbers no deliveries. Name, URI and time of creation stay the same when it tries again, and differ for everything else.",
    retries="It tries again for 24 hours, then disables the webhook, which must be made anew. A redirect is a failure.",
    waits="10 seconds to connect, 15 seconds for the answer",
    setup=(
        "Make a subscription with POST /webhook_subscriptions of the API: url is the address of the connector, events what the rules ask for.",
        "Give it a long random text as signing_key: it is the secret. Apps with OAuth have one already.",
    ),
)
