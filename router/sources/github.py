"""GitHub: `sha256=` and the hex HMAC-SHA256 of the body with the webhook's secret.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries

`X-GitHub-Delivery` is repeated by a manual redelivery, the only kind there is. The SHA-1 twin
`X-Hub-Signature` is still sent and never looked at.
"""

from __future__ import annotations

from router.sources.preset import JSON, Headers, Hmac, Parsed, SignatureHeaders, SourcePreset


def _delivery_id(headers: Headers, _parsed: Parsed) -> str | None:
    return headers.get("X-GitHub-Delivery")


def _event_type(headers: Headers, _parsed: Parsed) -> str | None:
    return headers.get("X-GitHub-Event")


PRESET = SourcePreset(
    name="github",
    title="GitHub",
    proof=Hmac(
        headers=(SignatureHeaders("X-Hub-Signature-256"),),
        prefix="sha256=",
        also_hidden=("X-Hub-Signature",),
    ),
    docs="https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
    certainty="verified",
    delivery_id=_delivery_id,
    delivery_id_from="header X-GitHub-Delivery",
    event_type=_event_type,
    event_type_from="header X-GitHub-Event (the action stays in the body)",
    handshake="none; ping, sent when the webhook is made, is an event like any other",
    retries="It never tries again by itself. What it could not deliver can be redelivered by hand for 3 days.",
    waits="10 seconds; GitHub Enterprise Server 30 seconds",
    setup=(
        "Open Settings → Webhooks → Add webhook of the repository or organisation.",
        "The payload URL is the address of the connector, the content type application/json.",
        "Enter a long random text as the secret: without one GitHub does not sign.",
        "Choose the events that the rules ask for.",
    ),
    content_types=JSON | {"application/x-www-form-urlencoded"},
    form_field="payload",
)
