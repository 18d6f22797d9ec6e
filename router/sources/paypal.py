"""PayPal: an RSA signature over id and time of the transmission, the webhook's id and a checksum of the body.

https://developer.paypal.com/api/rest/webhooks/rest/

The id of the webhook is not in the request and has to be known. The checksum is a CRC-32, for which
another body can be made to fit: so a transmission counts with the first body it comes with and no other.
"""

from __future__ import annotations

import binascii
import re
import zlib
from dataclasses import replace
from functools import partial
from typing import Self

from multidict import istr
from pydantic import ConfigDict, model_validator

from router.sources.body import text_at
from router.sources.fields import Word
from router.sources.options import CertifiedOptions
from router.sources.preset import Certificates, Certified, Claim, Headers, Parsed, SourcePreset
from router.sources.signature_header import UnprovenError, signed_header

_ID = istr("PAYPAL-TRANSMISSION-ID")
_TIME = istr("PAYPAL-TRANSMISSION-TIME")
_SIGNATURE = istr("PAYPAL-TRANSMISSION-SIG")
_CERTIFICATE = istr("PAYPAL-CERT-URL")
_ALGORITHM = istr("PAYPAL-AUTH-ALGO")
_CERTIFICATES = Certificates(
    address=re.compile(
        r"https://api(?:-m)?(?:\.sandbox)?\.paypal\.com/v1/notifications/certs/[\w-]{1,200}",
        re.ASCII,
    ),
    names=re.compile(r"messageverificationcerts(?:\.sandbox)?\.paypal\.com"),
    issuers=re.compile(
        r"http://(?:[a-z0-9-]+\.){1,3}digicert\.com/[\w.-]{1,100}\.(?:cer|crt)", re.ASCII
    ),
)
_DAY_S = 86_400.0


def _claim(webhook_id: str, headers: Headers, body: bytes) -> Claim:
    """Return what a transmission claims; see `Certified`."""
    written = signed_header(headers, _SIGNATURE, "signature-missing")
    transmission = signed_header(headers, _ID, "signature-missing")
    sent = signed_header(headers, _TIME, "timestamp-missing")
    if signed_header(headers, _ALGORITHM, "signature-missing") != b"SHA256withRSA":
        raise UnprovenError("signature-malformed", f"{_ALGORITHM} is not SHA256withRSA")
    address = signed_header(headers, _CERTIFICATE, "signature-missing").decode("utf-8", "replace")
    if not _CERTIFICATES.address.fullmatch(address):
        raise UnprovenError(
            "certificate-refused", f"{_CERTIFICATE} is not the address of a certificate of PayPal"
        )
    try:
        signature = binascii.a2b_base64(written, strict_mode=True)
    except ValueError:
        raise UnprovenError("signature-malformed", f"{_SIGNATURE} is not base64") from None
    checksum = str(zlib.crc32(body)).encode()
    signed = b"|".join((transmission, sent, webhook_id.encode(), checksum))
    return Claim(address, signature, "sha256", signed, sent)


class _Options(CertifiedOptions):
    """What stands beside `preset: paypal`."""

    model_config = ConfigDict(json_schema_extra={"required": ["preset", "webhook_id"]})

    webhook_id: Word | None = None

    @model_validator(mode="after")
    def _names_the_webhook(self) -> Self:
        if self.webhook_id is None:
            raise ValueError(
                "does not say the webhook's id, which is signed and not sent: write "
                "{preset: paypal, webhook_id: …}"
            )
        return self

    def applied(self, preset: SourcePreset) -> SourcePreset:
        """Return the preset for the webhook."""
        preset = super().applied(preset)
        assert isinstance(preset.proof, Certified)  # noqa: S101  it is, below
        claim = partial(_claim, self.webhook_id or "")
        return replace(preset, proof=replace(preset.proof, claim=claim))


def _delivery_id(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "id")


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "event_type")


def _transmission(headers: Headers, _parsed: Parsed) -> str | None:
    return headers.get(_ID)


PRESET = SourcePreset(
    name="paypal",
    title="PayPal",
    proof=Certified(
        certificates=_CERTIFICATES,
        claim=partial(_claim, ""),
        summary=(
            f"RSA signature of transmission id, time, webhook id and CRC-32 of the body in {_SIGNATURE}"
        ),
        tolerance_s=_DAY_S,
        also_hidden=(_SIGNATURE,),
    ),
    docs="https://developer.paypal.com/api/rest/webhooks/rest/",
    certainty="documented",
    delivery_id=_delivery_id,
    delivery_id_from="body id",
    event_type=_event_type,
    event_type_from="body event_type",
    retries="It tries 25 times within 3 days.",
    waits="not published",
    setup=(
        "In the developer dashboard open the app → Webhooks → Add Webhook: the URL is the address of the connector, on port 443.",
        "Choose the events that the rules ask for, and save.",
        "Copy the Webhook ID that is shown then: it is webhook_id. It is no secret; a webhook of the sandbox has another one.",
    ),
    once=_transmission,
    options=_Options,
)
