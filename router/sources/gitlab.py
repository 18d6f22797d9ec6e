"""GitLab: the secret token itself in a header; with `signing_token: true` Standard Webhooks.

https://docs.gitlab.com/user/project/integrations/webhooks/

`Idempotency-Key` stays the same when a webhook is sent again, and is what is signed as `webhook-id`.
`X-Gitlab-Event-UUID` is shared by the hooks that one change triggers, so it is no delivery id.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from pydantic import StrictBool, model_validator

from router.sources.body import text_at
from router.sources.fields import Tolerance
from router.sources.options import PlainOptions
from router.sources.preset import (
    Headers,
    Hmac,
    ListFormat,
    Parsed,
    SharedSecret,
    SignatureHeaders,
    SourcePreset,
)

_TOKEN = "X-Gitlab-Token"  # noqa: S105  the name of a header
_SIGNED = Hmac(
    headers=(
        SignatureHeaders("webhook-signature", timestamp="webhook-timestamp", id="webhook-id"),
    ),
    encoding="base64",
    signed="{id}.{timestamp}.{body}",
    format=ListFormat(separator=" ", assign=",", signature="v1"),
    key="whsec",
    tolerance_s=300,
    also_hidden=(_TOKEN,),
)


class _Options(PlainOptions):
    """What may stand beside `preset: gitlab`."""

    signing_token: StrictBool = False
    tolerance: Tolerance | None = None

    @model_validator(mode="after")
    def _tolerance_of_a_time(self) -> Self:
        if self.tolerance is not None and not self.signing_token:
            raise ValueError("has a tolerance, but a time is signed only with signing_token: true")
        return self

    def applied(self, preset: SourcePreset) -> SourcePreset:
        """Return the preset with the proof that was asked for."""
        if not self.signing_token:
            return preset
        proof = _SIGNED
        if self.tolerance is not None:
            proof = replace(proof, tolerance_s=self.tolerance.total_seconds())
        return replace(preset, proof=proof, delivery_id=_signed_id)


def _delivery_id(headers: Headers, _parsed: Parsed) -> str | None:
    return headers.get("Idempotency-Key")


def _signed_id(headers: Headers, _parsed: Parsed) -> str | None:
    """Return the id that was signed."""
    return headers.get("webhook-id")


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    body = parsed()
    return text_at(body, "object_kind") or text_at(body, "event_name")


PRESET = SourcePreset(
    name="gitlab",
    title="GitLab",
    proof=SharedSecret(header=_TOKEN),
    docs="https://docs.gitlab.com/user/project/integrations/webhooks/",
    certainty="documented",
    delivery_id=_delivery_id,
    delivery_id_from="header Idempotency-Key (webhook-id where it is signed)",
    event_type=_event_type,
    event_type_from="body object_kind; body event_name for system hooks",
    dedupe_why="GitLab before 17.4 sends no Idempotency-Key: of it nothing is a duplicate.",
    retries="It does not try again by itself; people can resend. Four failures in a row disable the webhook for a minute, then for longer and longer, forty for good.",
    waits="10 seconds on GitLab.com, elsewhere as the administrator set it",
    setup=(
        "Open Settings → Webhooks → Add new webhook of the project or group; system hooks are in the admin area.",
        "The URL is the address of the connector; choose the triggers that the rules ask for.",
        "Enter a long random text as the secret token; or let GitLab make a signing token and write source: {preset: gitlab, signing_token: true}.",
    ),
    options=_Options,
)
