"""Azure Monitor action groups: a secret in the address; the common alert schema, or the older ones.

https://learn.microsoft.com/en-us/azure/azure-monitor/alerts/alerts-common-schema

An alert keeps its `alertId` when it is resolved, so the delivery id is composed of it, of what
happened and of when it fired. The older schemas carry nothing like it.
"""

from __future__ import annotations

from router.sources.body import joined, text_at, value_at
from router.sources.preset import Headers, Parsed, SharedSecret, SourcePreset


def _delivery_id(_headers: Headers, parsed: Parsed) -> str | None:
    essentials = value_at(parsed(), "data", "essentials")
    names = ("alertId", "monitorCondition", "firedDateTime")
    return joined([text_at(essentials, name) for name in names])


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    body = parsed()
    return (
        text_at(body, "data", "essentials", "monitorCondition")
        or text_at(body, "data", "status")
        or text_at(body, "status")
    )


PRESET = SourcePreset(
    name="azure-monitor",
    title="Azure Monitor",
    proof=SharedSecret(bearer=True, basic=True),
    docs="https://learn.microsoft.com/en-us/azure/azure-monitor/alerts/alerts-common-schema",
    certainty="documented",
    delivery_id=_delivery_id,
    delivery_id_from="body data.essentials: alertId, monitorCondition and firedDateTime",
    event_type=_event_type,
    event_type_from="body data.essentials.monitorCondition: Fired, Resolved; of older schemas status: Activated, Deactivated",
    dedupe_why="Only the common alert schema carries what an id can be made of: with the older ones nothing is a duplicate.",
    retries="After no answer, 408, 429 and 5xx it tries again a few times within minutes, and then leaves the address alone for a while.",
    waits="10 seconds",
    setup=(
        "Open Monitor → Alerts → Action groups → Create, and add an action of the type Webhook.",
        "The URI is the address of the connector, with ?token= and the secret behind it.",
        "Enable the common alert schema.",
        "Choose the action group in each alert rule that should be heard.",
    ),
)
