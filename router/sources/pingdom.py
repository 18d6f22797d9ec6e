"""Pingdom: a secret in the address, for nothing is signed; the body tells the old state and the new.

https://www.pingdom.com/resources/webhooks/
"""

from __future__ import annotations

from router.sources.body import text_at
from router.sources.preset import Headers, Parsed, SharedSecret, SourcePreset


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "current_state")


PRESET = SourcePreset(
    name="pingdom",
    title="Pingdom",
    proof=SharedSecret(bearer=True, basic=True),
    docs="https://www.pingdom.com/resources/webhooks/",
    certainty="assumed",
    event_type=_event_type,
    event_type_from="body current_state: DOWN, UP, and of transaction checks FAILING, SUCCESS",
    dedupe_why="It numbers nothing: nothing is a duplicate by default. A good key is {{ body.check_id }}:{{ body.state_changed_timestamp }}, unless reminders should count.",
    retries="not known",
    waits="not known",
    setup=(
        "Open Integrations → Add integration and choose Webhook; the URL is the address of the connector, with ?token= and the secret behind it.",
        "Tick Active and save.",
        "Choose the integration in each check that should be heard.",
    ),
)
