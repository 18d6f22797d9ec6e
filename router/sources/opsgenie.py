"""Opsgenie: a header of one's own, for nothing is signed; the body tells what was done to an alert.

https://support.atlassian.com/opsgenie/docs/integrate-opsgenie-with-outgoing-webhooks/

One alert is created, acknowledged, noted upon and closed under one `alert.alertId`, so that is no
delivery id; there is none.
"""

from __future__ import annotations

from router.sources.body import text_at
from router.sources.preset import Headers, Parsed, SharedSecret, SourcePreset


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "action")


PRESET = SourcePreset(
    name="opsgenie",
    title="Opsgenie",
    proof=SharedSecret(bearer=True, basic=True),
    docs="https://support.atlassian.com/opsgenie/docs/integrate-opsgenie-with-outgoing-webhooks/",
    certainty="documented",
    event_type=_event_type,
    event_type_from="body action: Create, Acknowledge, AddNote, Close and so on",
    dedupe_why="It numbers nothing: nothing is a duplicate by default. A good key is {{ body.alert.alertId }}:{{ body.action }}:{{ body.alert.updatedAt }}.",
    retries="not documented",
    waits="not documented",
    setup=(
        "Open Settings → Integrations → Add integration and choose Webhook.",
        "The webhook URL is the address of the connector.",
        "Add a custom header: Authorization with the value Bearer and the secret.",
        "Choose the alert actions that the rules ask for, turn the integration on and save.",
    ),
)
