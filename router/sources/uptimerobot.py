"""UptimeRobot: the secret in the address or a header; JSON, a form or a GET with the operator's fields.

https://uptimerobot.com/help/alert-contacts/

All values are texts filled into a template; a placeholder that means nothing for a monitor arrives as it
was written, as `*alertDuration*`. It signs and numbers nothing.
"""

from __future__ import annotations

from router.sources.body import value_at
from router.sources.preset import JSON, URLENCODED, Headers, Parsed, SharedSecret, SourcePreset

_BY_NUMBER = {"1": "Down", "2": "Up", "3": "SSL expiry"}
"""What UptimeRobot calls the numbers of `alertType`."""


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    body = parsed()
    name = value_at(body, "alertTypeFriendlyName")
    if isinstance(name, str) and name and not name.startswith("*"):
        return name
    number = value_at(body, "alertType")
    return _BY_NUMBER.get(str(number)) if type(number) in {str, int} else None


PRESET = SourcePreset(
    name="uptimerobot",
    title="UptimeRobot",
    proof=SharedSecret(bearer=True, basic=True),
    docs="https://uptimerobot.com/help/alert-contacts/",
    certainty="assumed",
    event_type=_event_type,
    event_type_from="body alertTypeFriendlyName: Down, Up; else alertType: 1 is Down, 2 Up, 3 SSL expiry",
    dedupe_why="It numbers nothing: nothing is a duplicate, and rules tell alerts apart by monitorID.",
    retries="not known",
    waits="not known",
    setup=(
        "Open Integrations & API → Webhook, or My Settings → Alert Contacts of older accounts.",
        "The URL to notify is the address of the connector, with ?token= and the secret behind it; where custom headers can be set, write Authorization: Bearer and the secret instead.",
        "Choose to send as JSON and write the POST value below; a form and the query are understood too.",
        "Choose the integration in each monitor that should be heard.",
    ),
    methods=frozenset({"GET", "POST"}),
    content_types=JSON | {URLENCODED},
)
