"""BigCommerce: Standard Webhooks with the raw client secret as key; else a header of your own.

https://developer.bigcommerce.com/docs/integrations/webhooks

The documentation has the client secret encoded in base64 before it is given to a library, which decodes
it again: the key is the client secret as it is shown. Webhooks of API accounts are not signed, and
carry the headers that were given when they were made.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from pydantic import model_validator

from router.sources.body import joined, text_at
from router.sources.fields import HeaderName
from router.sources.options import TimedOptions
from router.sources.preset import (
    Headers,
    Hmac,
    ListFormat,
    Parsed,
    SharedSecret,
    SignatureHeaders,
    SourcePreset,
)


class _Options(TimedOptions):
    """What may stand beside `preset: bigcommerce`."""

    header: HeaderName | None = None

    @model_validator(mode="after")
    def _tolerance_of_a_time(self) -> Self:
        if self.header is not None and self.tolerance is not None:
            raise ValueError("has a tolerance, but beside a header no time is signed")
        return self

    def applied(self, preset: SourcePreset) -> SourcePreset:
        """Return the preset with the proof that was asked for."""
        if self.header is None:
            return super().applied(preset)
        return replace(preset, proof=SharedSecret(header=self.header), delivery_id=_hash)


def _delivery_id(headers: Headers, _parsed: Parsed) -> str | None:
    return headers.get("webhook-id")


def _hash(_headers: Headers, parsed: Parsed) -> str | None:
    """Return what is the same when a webhook that is not signed fires twice for one event."""
    body = parsed()
    if not isinstance(body, dict):
        return None
    return joined([body.get("hash"), body.get("created_at")])


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "scope")


PRESET = SourcePreset(
    name="bigcommerce",
    title="BigCommerce",
    proof=Hmac(
        headers=(
            SignatureHeaders("webhook-signature", timestamp="webhook-timestamp", id="webhook-id"),
        ),
        encoding="base64",
        signed="{id}.{timestamp}.{body}",
        format=ListFormat(separator=" ", assign=",", signature="v1"),
        tolerance_s=300,
    ),
    docs="https://developer.bigcommerce.com/docs/integrations/webhooks",
    certainty="documented",
    delivery_id=_delivery_id,
    delivery_id_from="header webhook-id; with header: body hash and created_at",
    event_type=_event_type,
    event_type_from="body scope",
    retries="It tries 11 times within 48 hours, after longer and longer pauses, then deactivates the webhook and sends a mail. While under 90 % succeed it blocks the whole domain for three minutes.",
    waits="not documented",
    setup=(
        "Make an app in the Developer Portal and subscribe with POST /v3/hooks: the destination is the address of the connector.",
        "The secret is the app's client secret, as it is shown.",
        "For a webhook of an API account give it a header of your own with a long random value, and write source: {preset: bigcommerce, header: NAME}.",
    ),
    options=_Options,
)
