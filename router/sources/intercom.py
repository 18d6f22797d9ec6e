"""Intercom: `sha1=` and the hex HMAC-SHA1 of the body with the app's client secret.

https://developers.intercom.com/docs/webhooks

The notification's `id` stays the same when it is sent again; `delivery_attempts` counts.
"""

from __future__ import annotations

from router.sources.body import text_at
from router.sources.preset import (
    Answer,
    Facts,
    Headers,
    Hmac,
    Parsed,
    SignatureHeaders,
    SourcePreset,
)

_HEAD = "HEAD"


def _delivery_id(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "id")


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "topic")


def _shake(facts: Facts) -> Answer | None:
    """Answer the request by which an address that is entered is tried."""
    return Answer() if facts.method == _HEAD else None


PRESET = SourcePreset(
    name="intercom",
    title="Intercom",
    proof=Hmac(headers=(SignatureHeaders("X-Hub-Signature"),), algorithm="sha1", prefix="sha1="),
    docs="https://developers.intercom.com/docs/webhooks",
    certainty="documented",
    delivery_id=_delivery_id,
    delivery_id_from="body id",
    event_type=_event_type,
    event_type_from="body topic",
    handshake="a HEAD request to an address that is entered: 200; ping is an event like any other",
    shake=_shake,
    retries="It tries again after failures, with longer and longer pauses; how often is not confirmed.",
    waits="5 seconds",
    setup=(
        "Open the app in the Developer Hub, then Configure → Webhooks.",
        "The endpoint URL is the address of the connector; choose the topics that the rules ask for.",
        "Copy the client secret from Basic information: it is the secret.",
    ),
    shaking_methods=frozenset({_HEAD}),
)
