"""Sentry: hex HMAC-SHA256 of the body with the client secret of the integration.

https://docs.sentry.io/organization/integrations/integration-platform/webhooks/

`Sentry-Hook-Timestamp` is not signed, so it protects nothing. The older WebHooks plugin signs nothing.
"""

from __future__ import annotations

from router.sources.preset import Headers, Hmac, Parsed, SignatureHeaders, SourcePreset


def _delivery_id(headers: Headers, _parsed: Parsed) -> str | None:
    return headers.get("Request-ID")


def _event_type(headers: Headers, _parsed: Parsed) -> str | None:
    return headers.get("Sentry-Hook-Resource")


PRESET = SourcePreset(
    name="sentry",
    title="Sentry",
    proof=Hmac(
        headers=(SignatureHeaders("Sentry-Hook-Signature"),),
        also_hidden=("Sentry-App-Signature",),
    ),
    docs="https://docs.sentry.io/organization/integrations/integration-platform/webhooks/",
    certainty="documented",
    delivery_id=_delivery_id,
    delivery_id_from="header Request-ID",
    event_type=_event_type,
    event_type_from="header Sentry-Hook-Resource (the action stays in the body)",
    dedupe_why="Request-ID differs for every event. Whether it stays the same when Sentry sends one again is not known, so give tasks a key made of the issue's id.",
    retries="None are known. 1,000 time-outs in 24 hours unsubscribe the webhook of an integration that is not published.",
    waits="1 second",
    setup=(
        "Open Settings → Developer Settings → Create New Integration, and choose Internal Integration.",
        "The webhook URL is the address of the connector; switch Alert Rule Action on if alert rules are to send.",
        "Choose under Webhooks what is sent: issue, error, comment.",
        "Copy the client secret: it is the secret.",
    ),
)
