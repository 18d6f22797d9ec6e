"""Grafana Alerting: Bearer or Basic credentials, or hex HMAC-SHA256 of the body.

https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/

Where a header for the time is set in the contact point, `{timestamp}:{body}` is signed instead of the
body. Both headers may be named at will. Like Alertmanager it numbers nothing and repeats itself on
purpose.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from pydantic import model_validator

from router.sources.body import text_at
from router.sources.fields import HeaderName, Tolerance
from router.sources.options import SharedOptions
from router.sources.preset import (
    AnyOf,
    Headers,
    Hmac,
    Parsed,
    SharedSecret,
    SignatureHeaders,
    SourcePreset,
)

_SIGNATURE = "X-Grafana-Alerting-Signature"
_TIMESTAMP = "X-Grafana-Alerting-Timestamp"
_DAY_S = 86_400


def _timed(signature: str, timestamp: str, tolerance_s: float = _DAY_S) -> Hmac:
    """Return how a contact point signs that sends the time."""
    headers = (SignatureHeaders(signature, timestamp=timestamp, if_timed=True),)
    return Hmac(headers=headers, signed="{timestamp}:{body}", tolerance_s=tolerance_s)


def _untimed(signature: str) -> Hmac:
    """Return how a contact point signs that sends no time."""
    return Hmac(headers=(SignatureHeaders(signature),))


_PLAIN = _untimed(_SIGNATURE)
_SHARED = SharedSecret(bearer=True, basic=True)


def _any_of(tolerance_s: float = _DAY_S) -> AnyOf:
    """Return whatever a contact point can be set to, with the names that Grafana suggests."""
    return AnyOf((_timed(_SIGNATURE, _TIMESTAMP, tolerance_s), _PLAIN, _SHARED), signing=_PLAIN)


class _Options(SharedOptions):
    """What may stand beside `preset: grafana`; a header of a signature makes the signature a must."""

    signature_header: HeaderName | None = None
    timestamp_header: HeaderName | None = None
    tolerance: Tolerance | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        signed = self.signature_header is not None or self.timestamp_header is not None
        shown = any(place is not None for place in (self.header, self.basic, self.query))
        if signed and shown:
            raise ValueError("says both how the secret is shown and how it signs")
        if self.tolerance is not None and (shown or (signed and self.timestamp_header is None)):
            raise ValueError("has a tolerance, but no time is signed: name the timestamp_header")
        return self

    def applied(self, preset: SourcePreset) -> SourcePreset:
        """Return the preset with the proof that was asked for."""
        tolerance_s = self.tolerance.total_seconds() if self.tolerance else _DAY_S
        signature = self.signature_header or _SIGNATURE
        if self.timestamp_header is not None:
            proof = _timed(signature, self.timestamp_header, tolerance_s)
            return replace(preset, proof=proof)
        if self.signature_header is not None:
            return replace(preset, proof=_untimed(signature))
        if self.tolerance is not None:
            return replace(preset, proof=_any_of(tolerance_s))
        return super().applied(preset)


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    body = parsed()
    return text_at(body, "status") or text_at(body, "state")


PRESET = SourcePreset(
    name="grafana",
    title="Grafana Alerting",
    proof=_any_of(),
    docs="https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/",
    certainty="documented",
    event_type=_event_type,
    event_type_from="body status: firing as long as one alert of the group fires, else resolved (before Grafana 9: body state)",
    dedupe_why="It numbers nothing and repeats itself on purpose: nothing is a duplicate, and rules tell alerts apart by item.fingerprint.",
    retries="After 5xx and broken connections it tries again within the interval of the group. It repeats what still fires, as the notification policy says.",
    waits="not documented",
    setup=(
        "Open Alerting → Contact points → Add contact point and choose the integration Webhook; the URL is the address of the connector.",
        "Under Optional settings enter a long random text as the credentials of the Authorization header, whose scheme stays Bearer; or as the secret under HMAC Signature.",
        "With HMAC Signature, set the timestamp header to X-Grafana-Alerting-Timestamp too: then an old request cannot be sent again for ever.",
        "Press Test, then send alerts there with a notification policy.",
    ),
    methods=frozenset({"POST", "PUT"}),
    options=_Options,
)
