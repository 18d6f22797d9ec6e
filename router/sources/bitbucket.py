"""Bitbucket: `sha256=` and the hex HMAC-SHA256 of the body with the webhook's secret.

https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/

Cloud and Data Center sign alike and name the event in `X-Event-Key`; the request's id is
`X-Request-UUID` in Cloud, `X-Request-Id` in Data Center, whose bodies hold the name too.
"""

from __future__ import annotations

from router.sources.body import text_at
from router.sources.preset import Headers, Hmac, Parsed, SignatureHeaders, SourcePreset


def _delivery_id(headers: Headers, _parsed: Parsed) -> str | None:
    return headers.get("X-Request-UUID") or headers.get("X-Request-Id")


def _event_type(headers: Headers, parsed: Parsed) -> str | None:
    return headers.get("X-Event-Key") or text_at(parsed(), "eventKey")


PRESET = SourcePreset(
    name="bitbucket",
    title="Bitbucket",
    proof=Hmac(headers=(SignatureHeaders("X-Hub-Signature"),), prefix="sha256="),
    docs="https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/",
    certainty="verified",
    delivery_id=_delivery_id,
    delivery_id_from="header X-Request-UUID (Data Center: X-Request-Id)",
    event_type=_event_type,
    event_type_from="header X-Event-Key, else body eventKey (Data Center)",
    dedupe_why="Whether the id stays the same when Bitbucket tries again is not confirmed: give tasks a key.",
    retries="After time-outs and 5xx it tries up to two times more; X-Attempt-Number counts.",
    waits="10 seconds",
    setup=(
        "Open Repository settings → Webhooks → Add webhook.",
        "The URL is the address of the connector.",
        "Enter a long random text as the secret: without one Bitbucket does not sign.",
        "Choose the triggers that the rules ask for.",
    ),
)
