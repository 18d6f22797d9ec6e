"""Standard Webhooks (and Svix): base64 HMAC-SHA256 of `{id}.{timestamp}.{body}`.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

Svix and its customers send the same under `svix-*`. The id is signed and stays the same when a
message is sent again. `v1a` (Ed25519) and versions not known yet are passed over.
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

_HEADERS = (
    SignatureHeaders("webhook-signature", timestamp="webhook-timestamp", id="webhook-id"),
    SignatureHeaders("svix-signature", timestamp="svix-timestamp", id="svix-id"),
)


def _delivery_id(headers: Headers, _parsed: Parsed) -> str | None:
    """Return the id that was signed: that of the alternative whose signature was looked at."""
    return headers.get("webhook-id" if "webhook-signature" in headers else "svix-id")


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "type")


PRESET = SourcePreset(
    name="standard-webhooks",
    title="Standard Webhooks and Svix",
    proof=Hmac(
        headers=_HEADERS,
        encoding="base64",
        signed="{id}.{timestamp}.{body}",
        format=ListFormat(separator=" ", assign=",", signature="v1"),
        key="whsec",
        tolerance_s=300,
    ),
    docs="https://www.standardwebhooks.com",
    certainty="verified",
    delivery_id=_delivery_id,
    delivery_id_from="header webhook-id (svix-id)",
    event_type=_event_type,
    event_type_from="body type",
    retries="As the sender chooses; the specification advises about three days, with longer and longer pauses.",
    waits="as the sender chooses; the specification advises 15 to 30 seconds",
    setup=(
        "Add the address of the connector at the sender.",
        "Copy the signing secret that it shows, usually whsec_…, and store it as it is shown.",
    ),
)
