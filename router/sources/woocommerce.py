"""WooCommerce: base64 HMAC-SHA256 of the body with the webhook's secret.

https://woocommerce.com/document/webhooks/

`X-WC-Webhook-Delivery-ID` is a hash of the webhook and the current second: two orders of one second
share it, so it is no delivery id. WooCommerce never sends anything again by itself; what comes twice
has the same body.
"""

from __future__ import annotations

import re

from router.sources.preset import (
    Answer,
    Facts,
    Headers,
    Hmac,
    Parsed,
    SignatureHeaders,
    SourcePreset,
)

_PING = re.compile(rb"webhook_id=\d+")


def _event_type(headers: Headers, _parsed: Parsed) -> str | None:
    return headers.get("X-WC-Webhook-Topic")


def _shake(facts: Facts) -> Answer | None:
    """Answer the ping of a webhook that is being saved, which is not signed."""
    unsigned = facts.refusal is None or facts.refusal.code == "signature-missing"
    return Answer() if unsigned and _PING.fullmatch(facts.body) else None


PRESET = SourcePreset(
    name="woocommerce",
    title="WooCommerce",
    proof=Hmac(headers=(SignatureHeaders("X-WC-Webhook-Signature"),), encoding="base64"),
    docs="https://woocommerce.com/document/webhooks/",
    certainty="documented",
    event_type=_event_type,
    event_type_from="header X-WC-Webhook-Topic",
    dedupe_key="{{ event.type ~ ':' ~ body | hash if headers['x-wc-webhook-resource'] | default('action') != 'action' else '' }}",
    dedupe_why="X-WC-Webhook-Delivery-ID is not safe: two orders of one second share it. Topic and a hash of the body are; hooks of your own (action.…) may repeat a body and are never taken for duplicates.",
    handshake="the unsigned ping webhook_id=… of a webhook that is saved: 200",
    shake=_shake,
    retries="It never tries again. After five failures in a row the webhook is disabled; the status in the shop's settings says so.",
    waits="60 seconds",
    setup=(
        "In the shop's admin open WooCommerce → Settings → Advanced → Webhooks → Add webhook.",
        "Choose the topic; the delivery URL is the address of the connector, the API version the newest.",
        "Enter a long random text as the secret, the same as for Hookyard.",
        "Set the status to Active and save: WooCommerce sends a ping, which is answered.",
    ),
)
