"""Amazon SNS: an RSA signature over named fields of the JSON body, with the key of a certificate of AWS.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html

Anyone with an account of AWS can send signed notifications, so the topics are named. SNS sends JSON as
`text/plain`. The certificate comes without that of its issuer, and is issued to `sns.amazonaws.com`, in
newer regions to `sns-signing.REGION.amazonaws.com`. With raw message delivery nothing is signed.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import AfterValidator, ConfigDict, model_validator

from router.sources.body import text_at
from router.sources.options import CertifiedOptions
from router.sources.preset import (
    JSON,
    Answer,
    Certificates,
    Certified,
    Claim,
    Facts,
    Headers,
    Parsed,
    SourcePreset,
)
from router.sources.signature_header import UnprovenError

_HOST = r"https://sns\.[a-z]{2}(?:-[a-z]+){1,2}-\d{1,2}\.amazonaws\.com(?:\.cn)?"
"""A region's SNS. Names such as `sns.s3-….amazonaws.com` are somebody's own."""
_CERTIFICATES = Certificates(
    address=re.compile(_HOST + r"/[\w.-]{1,200}\.pem", re.ASCII),
    names=re.compile(
        r"sns\.amazonaws\.com"
        r"|sns(?:-signing)?\.[a-z]{2}(?:-[a-z]+){1,2}-\d{1,2}\.amazonaws\.com(?:\.cn)?"
        r"|sns-[a-z]{2}(?:-[a-z]+){1,2}-\d{1,2}\.amazonaws\.com(?:\.cn)?"
    ),
    issuers=re.compile(
        r"http://(?:[a-z0-9-]+\.){1,3}(?:amazontrust|digicert)\.com/[\w.-]{1,100}\.(?:cer|crt)",
        re.ASCII,
    ),
)
_CONFIRMATION = "SubscriptionConfirmation"
_CONFIRM = re.compile(_HOST + r"/\?(?:[!-~]*&)?Action=ConfirmSubscription(?:&[!-~]*)?")
_OF_CONFIRMATIONS = (
    "Message",
    "MessageId",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
)
_SIGNED: Mapping[str, tuple[str, ...]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    _CONFIRMATION: _OF_CONFIRMATIONS,
    "UnsubscribeConfirmation": _OF_CONFIRMATIONS,
}
"""The fields that are signed, by the type of a message, in the order of their bytes."""
_ALGORITHMS: Mapping[Any, Literal["sha1", "sha256"]] = {"1": "sha1", "2": "sha256"}
_MANY_LINES = "Message"
_OPTIONAL = "Subject"
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d+:[\w-]{1,256}(?:\.fifo)?", re.ASCII)
_DAY_S = 86_400.0


def _claim(topics: tuple[str, ...], headers: Headers, body: bytes) -> Claim:
    """Return what a message claims; see `Certified`."""
    if headers.get("x-amz-sns-rawdelivery", "").strip().lower() == "true":
        raise UnprovenError(
            "signature-missing",
            "raw message delivery sends no signature; switch it off for this subscription",
        )
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError:
        message = None
    kind = text_at(message, "Type") or ""
    if kind not in _SIGNED:
        raise UnprovenError(
            "signature-missing", f"the body is no message of SNS, of type {' or '.join(_SIGNED)}"
        )
    signature = _signature(text_at(message, "Signature"))
    signed = _signed(message, kind)
    if text_at(message, "TopicArn") not in topics:
        raise UnprovenError(
            "topic-not-named",
            "the topic is none of `topics`; the header x-amz-sns-topic-arn says which it is",
        )
    algorithm = _ALGORITHMS.get(text_at(message, "SignatureVersion"))
    if algorithm is None:
        raise UnprovenError("signature-malformed", "SignatureVersion is neither 1 nor 2")
    address = text_at(message, "SigningCertURL") or ""
    if not _CERTIFICATES.address.fullmatch(address):
        raise UnprovenError(
            "certificate-refused", "SigningCertURL is not the address of a certificate of SNS"
        )
    sent = (text_at(message, "Timestamp") or "").encode("utf-8", "surrogatepass")
    return Claim(address, signature, algorithm, signed, sent)


def _signed(message: Any, kind: str) -> bytes:
    """Return what is signed of a message: each name and value on lines of their own.

    Only `Message` may have several lines: with line breaks in others, two messages would be signed alike.
    """
    lines: list[str] = []
    for name in _SIGNED[kind]:
        value = text_at(message, name)
        if value is None and name == _OPTIONAL and message.get(name) is None:
            continue
        if value is None or ("\n" in value and name != _MANY_LINES):
            raise UnprovenError("signature-malformed", f"{name} is missing, or not of its form")
        lines += (name, value)
    if kind == _CONFIRMATION and not _CONFIRM.fullmatch(message["SubscribeURL"]):
        raise UnprovenError("signature-malformed", "SubscribeURL does not lead to SNS")
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass")


def _signature(written: str | None) -> bytes:
    if not written:
        raise UnprovenError("signature-missing", "the message has no Signature")
    try:
        return binascii.a2b_base64(written.encode("ascii"), strict_mode=True)
    except ValueError:
        raise UnprovenError("signature-malformed", "the Signature is not base64") from None


def _topic(value: str) -> str:
    if not _TOPIC.fullmatch(value):
        raise ValueError("is not the ARN of a topic, arn:aws:sns:REGION:ACCOUNT:NAME")
    return value


class _Options(CertifiedOptions):
    """What stands beside `preset: aws-sns`."""

    model_config = ConfigDict(json_schema_extra={"required": ["preset", "topics"]})

    topics: tuple[Annotated[str, AfterValidator(_topic)], ...] = ()

    @model_validator(mode="after")
    def _names_topics(self) -> Self:
        if not self.topics:
            raise ValueError(
                "names no topics, and anyone with an account of AWS could send: write "
                "{preset: aws-sns, topics: [arn:aws:sns:…]}"
            )
        return self

    def applied(self, preset: SourcePreset) -> SourcePreset:
        """Return the preset for the topics that are named."""
        preset = super().applied(preset)
        assert isinstance(preset.proof, Certified)  # noqa: S101  it is, below
        return replace(preset, proof=replace(preset.proof, claim=partial(_claim, self.topics)))


def _delivery_id(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "MessageId")


def _event_type(_headers: Headers, parsed: Parsed) -> str | None:
    return text_at(parsed(), "Type")


def _shake(facts: Facts) -> Answer | None:
    """Confirm a subscription to a topic that is named: SNS waits for a call of the address it gives."""
    if facts.refusal is not None or _CONFIRMATION.encode() not in facts.body:
        return None
    message = orjson.loads(facts.body)  # it is proven, so it can be read
    if message["Type"] != _CONFIRMATION:
        return None
    return Answer(call=message["SubscribeURL"])


PRESET = SourcePreset(
    name="aws-sns",
    title="Amazon SNS (CloudWatch alarms)",
    proof=Certified(
        certificates=_CERTIFICATES,
        claim=partial(_claim, ()),
        summary="RSA signature of named fields of the body, with a certificate of AWS",
        tolerance_s=_DAY_S,
    ),
    docs="https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html",
    certainty="documented",
    delivery_id=_delivery_id,
    delivery_id_from="body MessageId",
    event_type=_event_type,
    event_type_from="body Type: Notification or UnsubscribeConfirmation",
    handshake="SubscriptionConfirmation: its SubscribeURL is called, then 200",
    shake=_shake,
    retries="It tries 3 times more, 20 seconds apart, unless the subscription has a policy of its own. Any 4xx counts as delivered; what cannot be proven because of the certificate is therefore answered 503.",
    waits="15 seconds",
    setup=(
        "Create the connector first, with the ARN of the topic under topics.",
        "In the console of SNS open the topic → Create subscription: protocol HTTPS, the endpoint is the address of the connector.",
        "Leave Enable raw message delivery off: raw messages are not signed.",
        "The subscription is confirmed by itself; its status is Confirmed within seconds.",
    ),
    content_types=JSON | {"text/plain"},
    json_types=frozenset({"text/plain"}),
    options=_Options,
)
