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
)
