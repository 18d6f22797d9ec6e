"""Vectors that senders publish, and libraries that others wrote, agree with what is done here."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
import standardwebhooks
import stripe
from gidgethub import ValidationFailure, sansio
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from multidict import MultiDict

from router.core.clock import utc_now
from router.sources.preset import Target
from router.sources.registry import REGISTRY, compile_source
from tests.conformance.sources_cases import (
    FIXTURES,
    NOW,
    OTHER_SECRET,
    SECRETS_OF,
    headers_of,
    spelled,
)

VECTORS = [
    pytest.param(path.parent.name, vector, id=vector["name"])
    for path in sorted(FIXTURES.glob("*/vectors.json"))
    for vector in json.loads(path.read_bytes())
]
WITHOUT_VECTORS = {
    "alertmanager": "signs nothing",
    "aws-sns": "AWS publishes none; see test_sources_certified",
    "azure-monitor": "signs nothing",
    "cloudevents": "signs nothing",
    "datadog": "signs nothing",
    "form": "signs nothing",
    "newrelic": "signs nothing",
    "paypal": "the certificate of the published one is gone; see test_sources_certified",
    "none": "signs nothing",
    "opsgenie": "signs nothing",
    "pingdom": "signs nothing",
    "uptime-kuma": "signs nothing",
    "uptimerobot": "signs nothing",
    "task": "signs nothing",
}

bodies = st.text().map(str.encode) | st.dictionaries(st.text(), st.floats() | st.text()).map(
    lambda value: json.dumps(value).encode()
)
text_secrets = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)
keys = st.binary(min_size=1, max_size=64)
few = settings(max_examples=150, deadline=None)


@pytest.mark.parametrize(("name", "vector"), VECTORS)
def test_published_vectors_are_accepted_and_their_neighbours_are_not(
    name: str, vector: dict[str, Any]
) -> None:
    form = {"preset": name, **vector.get("source", {})}
    source = compile_source(form, [vector["secret"]])
    headers = headers_of(vector["headers"])
    body = vector["body"].encode()
    now = vector.get("now", NOW)
    url = vector.get("url", "")
    query = MultiDict(parse_qsl(url.partition("?")[2]))
    target = Target(vector.get("method", "POST"), url, query)

    refusal = source.verify(headers, body, now, target)

    assert (refusal.code if refusal else None) == vector.get("refused_as")
    assert source.verify(headers, body + b"x", now, target) is not None
    another = spelled(name, OTHER_SECRET) if name in SECRETS_OF else "c3RyYW5nZXI="
    stranger = compile_source(form, [another]).verify(headers, body, now, target)
    assert (stranger.code if stranger else None) == vector.get("refused_as", "signature-mismatch")
    if url:
        elsewhere = target._replace(url=url.replace("://", "://not."))
        assert source.verify(headers, body, now, elsewhere) is not None


def test_every_signing_preset_has_vectors_with_their_origin() -> None:
    with_vectors = {path.parent.name for path in FIXTURES.glob("*/vectors.json")}

    assert {preset.name for preset in REGISTRY} - with_vectors == set(WITHOUT_VECTORS)
    for path in FIXTURES.glob("*/vectors.json"):
        assert all(vector["origin"] for vector in json.loads(path.read_bytes())), path


@few
@given(body=bodies, secret=text_secrets)
def test_shopify_is_base64_of_hmac_sha256(body: bytes, secret: str) -> None:
    source = compile_source({"preset": "shopify"}, [secret])
    expected = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest())

    assert source.sign(body, now=NOW, headers={}) == {"X-Shopify-Hmac-Sha256": expected.decode()}
    assert source.verify(headers_of({"x-shopify-hmac-sha256": expected.decode()}), body, 0) is None


@few
@given(body=bodies, secret=text_secrets, other=text_secrets)
def test_github_agrees_with_gidgethub(body: bytes, secret: str, other: str) -> None:
    source = compile_source({"preset": "github"}, [secret])
    signature = source.sign(body, now=NOW, headers={})["X-Hub-Signature-256"]

    sansio.validate_event(body, signature=signature, secret=secret)
    assert source.verify(headers_of({"X-Hub-Signature-256": signature}), body, NOW) is None

    assume(other.encode() != secret.encode())
    stranger = compile_source({"preset": "github"}, [other])
    try:
        sansio.validate_event(body, signature=signature, secret=other)
        accepted = True
    except ValidationFailure:
        accepted = False
    refusal = stranger.verify(headers_of({"X-Hub-Signature-256": signature}), body, NOW)
    assert (refusal is None) == accepted


@few
@given(
    body=st.text(),
    secret=text_secrets,
    sent=st.integers(min_value=0, max_value=4_000_000_000),
    flip=st.booleans(),
)
def test_stripe_agrees_with_its_own_library(
    body: str, secret: str, sent: int, *, flip: bool
) -> None:
    source = compile_source({"preset": "stripe"}, [secret])
    ours = source.sign(body.encode(), now=sent, headers={})["Stripe-Signature"]
    theirs = stripe.WebhookSignature.generate_signature_header(body, secret, sent)
    received = body + "!" if flip else body

    assert ours == theirs
    try:
        stripe.WebhookSignature.verify_header(received, ours, secret)
        accepted = True
    except stripe.SignatureVerificationError:
        accepted = False
    refusal = source.verify(headers_of({"Stripe-Signature": ours}), received.encode(), sent)
    assert (refusal is None) == accepted == (not flip)


@few
@given(body=st.text(), key=keys, message_id=st.from_regex(r"[A-Za-z0-9_]{1,40}", fullmatch=True))
def test_standard_webhooks_agrees_with_its_own_library(
    body: str, key: bytes, message_id: str
) -> None:
    secret = "whsec_" + base64.b64encode(key).decode()
    library = standardwebhooks.Webhook(secret)
    source = compile_source({"preset": "standard-webhooks"}, [secret])
    now = utc_now()
    ours = source.sign(body.encode(), now=now.timestamp(), headers={"webhook-id": message_id})

    library.verify(body, ours, json_parse=False)
    assert ours["webhook-signature"] == library.sign(message_id, now, body)
    assert source.verify(headers_of(ours), body.encode(), now.timestamp()) is None

    changed = body + "!"
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        library.verify(changed, ours, json_parse=False)
    assert source.verify(headers_of(ours), changed.encode(), now.timestamp()) is not None


@few
@given(key=keys, prefixed=st.booleans(), padding=st.integers(min_value=0, max_value=3))
def test_a_standard_webhooks_secret_counts_with_or_without_prefix_and_padding(
    key: bytes, padding: int, *, prefixed: bool
) -> None:
    encoded = base64.b64encode(key).decode()
    written = ("whsec_" if prefixed else "") + encoded.rstrip("=") + "=" * padding
    reference = compile_source({"preset": "standard-webhooks"}, ["whsec_" + encoded])
    headers = reference.sign(b"{}", now=NOW, headers={})

    source = compile_source({"preset": "standard-webhooks"}, [written])

    assert source.verify(headers_of(headers), b"{}", NOW) is None
