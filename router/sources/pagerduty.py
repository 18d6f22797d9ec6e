"""PagerDuty V3 webhooks: hex HMAC-SHA256 of the body, several `v1=` in one header while rotating.

https://developer.pagerduty.com/docs/webhooks-overview

`event.id` stays the same when a delivery is tried again. V1 and V2 webhooks, which hold `messages`, are
named as far as they go; PagerDuty does not sign them.
"""

from __future__ import annotations

from typing import Any

from router.sources.body import batch_name, joined, text_at
from router.sources.preset import (
    Headers,
    Hmac,
    ListFormat,
    Parsed,
    SignatureHeaders,
    SourcePreset,
)


def _delivery_id(_headers: Headers, parsed: Parsed) -> str | None:
    body = parsed()
    older = joined([text_at(message, "id") for message in _messages(body)])
    return text_at(body, "event", "id") or older


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    body = parsed()
    named = (text_at(one, "event") or text_at(one, "type") for one in _messages(body))
    return text_at(body, "event", "event_type") or batch_name(list(named))


def _messages(body: Any) -> list[Any]:
    """Return what webhooks before V3 hold."""
    messages = body.get("messages") if isinstance(body, dict) else None
    return messages if isinstance(messages, list) else []


PRESET = SourcePreset(
    name="pagerduty",
    title="PagerDuty",
    proof=Hmac(
        headers=(SignatureHeaders("X-PagerDuty-Signature"),),
        format=ListFormat(separator=",", assign="=", signature="v1"),
    ),
    docs="https://developer.pagerduty.com/docs/webhooks-overview",
    certainty="verified",
    delivery_id=_delivery_id,
    delivery_id_from="body event.id",
    event_type=_event_type,
    event_type_from="body event.event_type",
    retries="It tries again for up to 48 hours after no answer, 5xx and 429. Any other 4xx drops the delivery at once; three drops in a row disable the webhook for 24 hours.",
    waits="5 seconds",
    setup=(
        "Open Integrations → Generic Webhooks (v3) → New Webhook.",
        "The webhook URL is the address of the connector; choose scope and event subscription.",
        "Copy the secret that is shown after saving: it is shown once.",
        "Send Test Event makes an event pagey.ping, which rules may drop.",
    ),
)
