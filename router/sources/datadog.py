"""Datadog monitors: Bearer or Basic credentials, or a header of one's own; the body is the operator's.

https://docs.datadoghq.com/integrations/webhooks/

Datadog signs nothing and its body is whatever template the operator wrote, so nothing in it can be
counted on but what our template puts there (docs/sources/datadog.md).
"""

from __future__ import annotations

from router.sources.body import text_at
from router.sources.preset import JSON, URLENCODED, Headers, Parsed, SharedSecret, SourcePreset

_NAMES = ("transition", "alert_transition", "event_type")
"""Where the name may be: in our template, in many others, and in Datadog's own."""


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    body = parsed()
    return next((name for key in _NAMES if (name := text_at(body, key))), None)


PRESET = SourcePreset(
    name="datadog",
    title="Datadog",
    proof=SharedSecret(bearer=True, basic=True),
    docs="https://docs.datadoghq.com/integrations/webhooks/",
    certainty="documented",
    event_type=_event_type,
    event_type_from="body transition, else alert_transition, else event_type: what the template puts there",
    dedupe_why="The body is a template of the operator's, so nothing is a duplicate by default. With the template below a good key is {{ body.id }}:{{ body.transition }}.",
    retries="After 5xx and missed connections it tries again, up to five times. Any other answer ends it.",
    waits="15 seconds",
    setup=(
        "Open Integrations → Webhooks → New; the URL is the address of the connector.",
        "Make a custom variable with a long random text as its value and hide it; as custom headers write Authorization with the value Bearer and the variable.",
        "Replace the payload by the template below.",
        "Write @webhook- and the name of the webhook into the message of each monitor that should be heard.",
    ),
    content_types=JSON | {URLENCODED},
)
