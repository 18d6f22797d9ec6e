"""Prometheus Alertmanager: Bearer or Basic credentials, as its `http_config` gives them.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config

It signs nothing and numbers nothing, and repeats itself on purpose (`repeat_interval`), so there is
no delivery id and nothing is a duplicate by default: rules tell alerts apart by `item.fingerprint`.
"""

from __future__ import annotations

from router.sources.body import text_at
from router.sources.preset import Headers, Parsed, SharedSecret, SourcePreset


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "status")


PRESET = SourcePreset(
    name="alertmanager",
    title="Prometheus Alertmanager",
    proof=SharedSecret(bearer=True, basic=True),
    docs="https://prometheus.io/docs/alerting/latest/configuration/#webhook_config",
    certainty="documented",
    event_type=_event_type,
    event_type_from="body status: firing as long as one alert of the group fires, else resolved",
    dedupe_why="It numbers nothing and repeats itself on purpose: nothing is a duplicate, and rules tell alerts apart by item.fingerprint.",
    retries="After 5xx and broken connections it tries again until the group is due again. It repeats what still fires every repeat_interval.",
    waits="at most the group_interval",
    setup=(
        "Add a receiver with webhook_configs to alertmanager.yml; the url is the address of the connector.",
        "Put a long random text into a file and name it as http_config.authorization.credentials_file; or use basic_auth with any user and the secret as password.",
    ),
)
