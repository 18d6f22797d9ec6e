"""New Relic workflows: Bearer or Basic credentials, or a header of one's own; the body is a template.

https://docs.newrelic.com/docs/alerts/get-notified/notification-integrations/

`id` is that of the issue, which is sent again with each change of its state, so it is no delivery id.
"""

from __future__ import annotations

from router.sources.body import text_at
from router.sources.preset import Headers, Parsed, SharedSecret, SourcePreset


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    body = parsed()
    return text_at(body, "state") or text_at(body, "current_state")


PRESET = SourcePreset(
    name="newrelic",
    title="New Relic",
    proof=SharedSecret(bearer=True, basic=True),
    docs="https://docs.newrelic.com/docs/alerts/get-notified/notification-integrations/",
    certainty="assumed",
    event_type=_event_type,
    event_type_from="body state: ACTIVATED, ACKNOWLEDGED, CLOSED; of older channels body current_state",
    dedupe_why="It numbers nothing: nothing is a duplicate by default. With the usual template a good key is {{ body.id }}:{{ body.state }}:{{ body.updatedAt }}.",
    retries="not known",
    waits="not known",
    setup=(
        "Open Alerts → Destinations → Webhook; the endpoint URL is the address of the connector.",
        "Choose Bearer token as the authorization and enter the secret; Basic with any user and a custom header are understood too.",
        "Open Alerts → Workflows, add a workflow, and choose the destination; leave the template as it is.",
        "Press Send test notification, then switch the workflow on.",
    ),
)
