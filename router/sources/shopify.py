"""Shopify: base64 HMAC-SHA256 of the body with the app's client secret.

https://shopify.dev/docs/apps/build/webhooks/subscribe/https

`X-Shopify-Webhook-Id` stays the same when Shopify sends a delivery again (up to 8 times in 4 hours).
`X-Shopify-Event-Id` is shared by several topics of one change, so it would make two events one.
None of these headers is signed.
"""

from __future__ import annotations

from router.sources.preset import Headers, Hmac, Parsed, SignatureHeaders, SourcePreset


def _delivery_id(headers: Headers, _parsed: Parsed) -> str | None:
    return headers.get("X-Shopify-Webhook-Id")


def _event_type(headers: Headers, _parsed: Parsed) -> str | None:
    return headers.get("X-Shopify-Topic")


PRESET = SourcePreset(
    name="shopify",
    title="Shopify",
    proof=Hmac(headers=(SignatureHeaders("X-Shopify-Hmac-Sha256"),), encoding="base64"),
    docs="https://shopify.dev/docs/apps/build/webhooks/subscribe/https",
    certainty="documented",
    delivery_id=_delivery_id,
    delivery_id_from="header X-Shopify-Webhook-Id",
    event_type=_event_type,
    event_type_from="header X-Shopify-Topic",
    retries="It tries 8 times within about 4 hours. After 8 failures in a row subscriptions that were made through the Admin API are deleted.",
    waits="5 seconds in all, 1 second to connect",
    setup=(
        "For a shop's own webhooks open Settings → Notifications → Webhooks → Create webhook: choose the event and the format JSON; the address is that of the connector. The secret stands below the list.",
        "For an app subscribe in shopify.app.toml or through the Admin API. The secret is the app's client secret.",
    ),
)
