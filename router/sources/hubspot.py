"""HubSpot: base64 HMAC-SHA256 of method, address, body and time with the app's client secret (v3).

https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation

The older versions are plain SHA-256 over the secret and what is sent (v1: the body, v2: method, address
and body) without a time, and are taken only where the connector asks for them. `eventId` alone is not
unique.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from router.sources.body import batch_name, joined, text_at
from router.sources.options import TimedOptions
from router.sources.preset import (
    AnyOf,
    Headers,
    Hmac,
    Parsed,
    SignatureHeaders,
    SourcePreset,
)

_OLDER = "X-HubSpot-Signature"
_VERSION = "X-HubSpot-Signature-Version"
_V3 = Hmac(
    headers=(SignatureHeaders("X-HubSpot-Signature-v3", timestamp="X-HubSpot-Request-Timestamp"),),
    encoding="base64",
    signed="{method}{url}{body}{timestamp}",
    time_form="ms",
    tolerance_s=300,
    url_form="decoded",
    also_hidden=(_OLDER,),
)
_V2 = Hmac(
    headers=(SignatureHeaders(_OLDER, marked=(_VERSION, "v2")),),
    keyed="prefix",
    signed="{method}{url}{body}",
    url_form="decoded",
)
_V1 = Hmac(headers=(SignatureHeaders(_OLDER, marked=(_VERSION, "v1")),), keyed="prefix")


_Version = Literal["v1", "v2", "v3"]


def _some(versions: list[_Version]) -> list[_Version]:
    if not versions:
        raise ValueError("names no version")
    return versions


def _newest() -> list[_Version]:
    return ["v3"]


class _Options(TimedOptions):
    """What may stand beside `preset: hubspot`."""

    versions: Annotated[list[_Version], AfterValidator(_some)] = Field(default_factory=_newest)

    def applied(self, preset: SourcePreset) -> SourcePreset:
        """Return the preset with the older versions that were asked for; v3 is always taken."""
        preset = super().applied(preset)
        assert isinstance(preset.proof, Hmac)  # noqa: S101  it is, below
        known = {"v3": preset.proof, "v2": _V2, "v1": _V1}
        taken = [scheme for version, scheme in known.items() if version in {"v3", *self.versions}]
        if len(taken) == 1:
            return preset
        return replace(preset, proof=AnyOf(tuple(taken), known[self.versions[0]]))


def _delivery_id(_headers: Headers, parsed: Parsed) -> str | None:
    """Return what names the events of a request; webhooks of workflows carry no such thing."""
    body = parsed()
    if not isinstance(body, list):
        return None
    return joined([part for event in body for part in _parts(event)])


def _parts(event: Any) -> list[Any]:
    names = ("eventId", "subscriptionId", "occurredAt")
    return [event.get(name) if isinstance(event, dict) else None for name in names]


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    body = parsed()
    if isinstance(body, list):
        return batch_name([text_at(event, "subscriptionType") for event in body])
    if isinstance(body, dict) and body.get("is-contact") is True:
        return "CONTACT"
    return text_at(body, "objectType")


PRESET = SourcePreset(
    name="hubspot",
    title="HubSpot",
    proof=_V3,
    docs="https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation",
    certainty="verified",
    delivery_id=_delivery_id,
    delivery_id_from="body eventId, subscriptionId and occurredAt of each event",
    event_type=_event_type,
    event_type_from="body subscriptionType of the first event, with + where others differ; of workflows the kind of record",
    dedupe_why="Webhooks of workflows carry no id: of them nothing is a duplicate.",
    retries="Webhooks of apps are tried 10 times within 24 hours; those of workflows for days, and not after a 4xx other than 429.",
    waits="5 seconds for a request with up to 100 events; workflows 30 seconds",
    setup=(
        "In the developer account open the app, then Webhooks: the target URL is the address of the connector, letter for letter, because it is signed.",
        "Subscribe to the events that the rules ask for.",
        "Copy the client secret from Auth: it is the secret.",
        "If requests are refused for want of X-HubSpot-Signature-v3, write source: {preset: hubspot, versions: [v1]} or [v2].",
    ),
    options=_Options,
)
