"""Jira: `sha256=` and the hex HMAC-SHA256 of the body with the webhook's secret.

https://developer.atlassian.com/cloud/jira/platform/webhooks/

`X-Atlassian-Webhook-Identifier` stays the same when Jira Cloud sends a webhook again; it is unique for
one tenant, as is a connector. Jira Server and Data Center send none.
"""

from __future__ import annotations

from router.sources.body import text_at
from router.sources.preset import Headers, Hmac, Parsed, SignatureHeaders, SourcePreset


def _delivery_id(headers: Headers, _parsed: Parsed) -> str | None:
    return headers.get("X-Atlassian-Webhook-Identifier")


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "webhookEvent")


PRESET = SourcePreset(
    name="jira",
    title="Jira",
    proof=Hmac(headers=(SignatureHeaders("X-Hub-Signature"),), prefix="sha256="),
    docs="https://developer.atlassian.com/cloud/jira/platform/webhooks/",
    certainty="verified",
    delivery_id=_delivery_id,
    delivery_id_from="header X-Atlassian-Webhook-Identifier",
    event_type=_event_type,
    event_type_from="body webhookEvent",
    dedupe_why="Jira Server and Data Center send no identifier: of them nothing is a duplicate.",
    retries=(
        "Jira Cloud tries up to five times, 5 to 15 minutes apart, and only after 408, 409, 425, "
        "429, 5xx and broken connections."
    ),
    waits="not documented",
    setup=(
        "As an administrator open Settings → System → WebHooks → Create a WebHook.",
        "The URL is the address of the connector; choose the events, and a JQL filter if not all issues matter.",
        "Enter a long random text as the secret, or let Jira generate one; it is shown once.",
    ),
)
