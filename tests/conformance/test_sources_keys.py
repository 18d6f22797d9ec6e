"""SendGrid's library, and keys as SendGrid shows them; Adyen's and Mailgun's recipes, written anew."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sendgrid import EventWebhook  # type: ignore[import-untyped]  # it ships no types

from router.sources.registry import compile_source
from router.sources.source import SourceError
from tests.conformance.sources_cases import NOW, headers_of

few = settings(max_examples=100, deadline=None)
texts = st.text(st.characters(exclude_categories=["Cs"]))
RSA = rsa.generate_private_key(65537, 2048)
KEY = ec.derive_private_key(4711, ec.SECP256R1())
SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"


def private(key: Any, encryption: Any = None) -> bytes:
    der: bytes = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, encryption or NoEncryption())
    return der


def public(key: Any) -> bytes:
    der: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return der


def line(der: bytes) -> str:
    return base64.b64encode(der).decode()


def pem(der: bytes, kind: str) -> str:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {kind} KEY-----\n{text}-----END {kind} KEY-----\n"


@few
@given(
    body=texts,
    sent=st.integers(0, 4_000_000_000),
    number=st.integers(1, 2**200),
    flip=st.booleans(),
)
def test_sendgrid_agrees_with_its_own_library(
    body: str, sent: int, number: int, *, flip: bool
) -> None:
    key = ec.derive_private_key(number, ec.SECP256R1())
    sender = compile_source({"preset": "sendgrid"}, [line(private(key))])
    source = compile_source({"preset": "sendgrid"}, [line(public(key))])
    headers = sender.sign(body.encode(), now=sent, headers={})
    received = body + "!" if flip else body

    accepted = EventWebhook(line(public(key))).verify_signature(
        received, headers[SIGNATURE], headers[TIMESTAMP]
    )
    refusal = source.verify(headers_of(headers), received.encode(), sent)

    assert (refusal is None) == accepted == (not flip)


@pytest.mark.parametrize(
    "written",
    [
        line(public(KEY)),
        f"  {line(public(KEY))}\n",
        pem(public(KEY), "PUBLIC"),
        pem(public(KEY), "PUBLIC").replace("\n", "\r\n"),
        line(private(KEY)),
        pem(private(KEY), "PRIVATE"),
    ],
)
def test_a_key_counts_however_it_is_copied(written: str) -> None:
    headers = compile_source({"preset": "sendgrid"}, [line(private(KEY))]).sign(
        b"[]", now=NOW, headers={}
    )

    source = compile_source({"preset": "sendgrid"}, [written])

    assert source.verify(headers_of(headers), b"[]", NOW) is None


@pytest.mark.parametrize(
    "written",
    [
        "SG.canary",
        line(b"canary"),
        line(public(KEY))[:-8],
        line(public(ec.derive_private_key(1, ec.SECP384R1()))),
        line(private(ec.derive_private_key(1, ec.SECP384R1()))),
        line(public(RSA)),
        line(private(RSA)),
        line(public(ed25519.Ed25519PrivateKey.generate())),
        line(private(KEY, BestAvailableEncryption(b"canary"))),
    ],
)
def test_another_key_is_refused_when_it_is_set_and_not_shown(written: str) -> None:
    with pytest.raises(SourceError) as error:
        compile_source({"preset": "sendgrid"}, [written])

    assert "as this sender shows it" in str(error.value)
    assert written not in str(error.value)
    assert "canary" not in str(error.value)
    assert error.value.__cause__ is None


def test_with_a_public_key_nothing_can_be_signed_and_it_is_said_what_to_do() -> None:
    source = compile_source({"preset": "sendgrid"}, [line(public(KEY)), line(private(KEY))])

    with pytest.raises(SourceError, match="private key of your own in its place"):
        source.sign(b"[]", now=NOW, headers={})


@pytest.mark.parametrize(
    ("signature", "code"),
    [
        ("", "signature-missing"),
        ("not base64 !", "signature-malformed"),
        ("A" * 1_000_000, "signature-malformed"),
        ("é", "signature-malformed"),
        ("\udcff", "signature-malformed"),
        ("AAAA", "signature-mismatch"),
        (line(b"0" * 70), "signature-mismatch"),
        (hashlib.sha256(b"[]").hexdigest(), "signature-mismatch"),
    ],
)
def test_what_is_no_signature_is_refused_and_never_raises(signature: str, code: str) -> None:
    source = compile_source({"preset": "sendgrid"}, [line(public(KEY))])

    refusal = source.verify(
        headers_of({SIGNATURE: signature, TIMESTAMP: str(int(NOW))}), b"[]", NOW
    )

    assert refusal is not None
    assert (refusal.status, refusal.code) == (401, code)


def by_hand(key: bytes, message: str) -> bytes:
    return hmac.new(key, message.encode(), hashlib.sha256).digest()


@few
@given(
    key=st.binary(min_size=1, max_size=64),
    fields=st.fixed_dictionaries(
        {"pspReference": texts, "eventCode": texts, "success": st.sampled_from(["true", "false"])},
        optional={"originalReference": texts, "merchantReference": texts, "reason": texts},
    ),
    amount=st.integers(-(10**20), 10**20),
)
def test_adyen_signs_eight_fields_joined_with_colons(
    key: bytes, fields: dict[str, str], amount: int
) -> None:
    item: dict[str, Any] = {**fields, "amount": {"value": amount, "currency": "EUR"}}
    said = (
        f"{fields['pspReference']}:{fields.get('originalReference', '')}::"
        f"{fields.get('merchantReference', '')}:{amount}:EUR:{fields['eventCode']}:"
        f"{fields['success']}"
    )
    item["additionalData"] = {"hmacSignature": base64.b64encode(by_hand(key, said)).decode()}
    body = json.dumps({"notificationItems": [{"NotificationRequestItem": item}]}).encode()
    source = compile_source({"preset": "adyen"}, [key.hex().upper()])
    headers = headers_of({"content-type": "application/json"})

    refusal = source.verify(headers, body, NOW)

    # Beyond 64 bits a number is not read exactly, and a NUL not at all: neither is ever sent.
    is_sent = abs(amount) < 2**63 and "\x00" not in said
    assert refusal is None or not is_sent


@few
@given(secret=texts.filter(str.strip), token=texts.filter(bool), sent=st.integers(0, 4_000_000_000))
def test_mailgun_signs_time_and_token(secret: str, token: str, sent: int) -> None:
    signature = by_hand(secret.encode(), f"{sent}{token}").hex()
    block = {"timestamp": str(sent), "token": token, "signature": signature}
    body = json.dumps({"signature": block, "event-data": {}}).encode()
    source = compile_source({"preset": "mailgun"}, [secret])

    refusal = source.verify(headers_of({"content-type": "application/json"}), body, sent)

    assert refusal is None
