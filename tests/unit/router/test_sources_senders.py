"""What is particular to single senders: what they call their events, ids that are none, older versions."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict

from router.sources.preset import NO_TARGET, Facts, Refusal, Target
from router.sources.registry import REGISTRY, compile_source, info_of, source_info
from router.sources.source import Source

NOW = 1_700_000_000.0
URL = "https://hooks.example/hooks/crm"
SECRET = "c2VjcmV0"
FORM = "application/x-www-form-urlencoded"
Headers = CIMultiDictProxy[str]


def headers_of(headers: dict[str, str]) -> Headers:
    return CIMultiDictProxy(CIMultiDict(headers))


def source_of(preset: str, **options: Any) -> Source:
    return compile_source({"preset": preset, **options}, [SECRET])


def named(preset: str, headers: dict[str, str], content: Any, **options: Any) -> Any:
    source = source_of(preset, **options)
    return source.name(headers_of(headers), b"{}", lambda: content)


EVENT = {"eventId": 1, "subscriptionId": 2, "occurredAt": 3, "subscriptionType": "contact.creation"}


@pytest.mark.parametrize(
    ("preset", "headers", "content", "expected"),
    [
        ("gitlab", {"X-Gitlab-Event": "Push Hook"}, {"object_kind": "push"}, ("push", None)),
        (
            "gitlab",
            {"Idempotency-Key": "k", "X-Gitlab-Event-UUID": "shared"},
            {"event_name": "user_create"},
            ("user_create", "k"),
        ),
        ("woocommerce", {"X-WC-Webhook-Topic": "order.created"}, {}, ("order.created", None)),
        ("woocommerce", {"X-WC-Webhook-Delivery-ID": "of this second"}, {}, (None, None)),
        (
            "sentry",
            {"Sentry-Hook-Resource": "issue", "Request-ID": "r"},
            {"action": "created"},
            ("issue", "r"),
        ),
        ("zendesk", {}, {"type": "zen:event-type:a.b", "id": "1"}, ("zen:event-type:a.b", "1")),
        ("zendesk", {}, {"type": "of mine", "id": "35436"}, ("of mine", None)),
        ("zendesk", {"X-Zendesk-Webhook-Invocation-Id": "i"}, {"id": "35436"}, (None, "i")),
        ("jira", {}, {"webhookEvent": "comment_created"}, ("comment_created", None)),
        ("bitbucket", {"X-Event-Key": "pr:opened", "X-Request-Id": "d"}, {}, ("pr:opened", "d")),
        ("bitbucket", {}, {"eventKey": "repo:refs_changed"}, ("repo:refs_changed", None)),
        ("pagerduty", {}, {"event": {"id": "1", "event_type": "a.b"}}, ("a.b", "1")),
        (
            "pagerduty",
            {},
            {"messages": [{"id": "1", "event": "incident.trigger"}, {"id": "2", "event": "x"}]},
            ("incident.trigger+", "1:2"),
        ),
        ("pagerduty", {}, {"messages": [{"type": "incident.trigger"}]}, ("incident.trigger", None)),
        ("pagerduty", {}, {"messages": {}}, (None, None)),
        ("slack", {}, {"type": "event_callback", "event": {"type": "message"}}, ("message", None)),
        ("slack", {}, {"type": "event_callback", "event_id": "Ev1"}, (None, "Ev1")),
        ("slack", {}, {"type": "view_submission", "trigger_id": "1.2"}, ("view_submission", "1.2")),
        ("slack", {}, {"command": "/task", "trigger_id": "3.4"}, ("/task", "3.4")),
        ("twilio", {}, {"CallSid": "CA1", "CallStatus": "busy"}, ("busy", "CA1:busy")),
        (
            "twilio",
            {},
            {"MessageSid": "SM1", "SmsSid": "SM1", "SmsStatus": "received"},
            ("received", "SM1:received"),
        ),
        ("twilio", {}, {"SmsSid": "SM1", "SmsStatus": "sent"}, ("sent", "SM1:sent")),
        (
            "twilio",
            {},
            {"CallSid": "CA1", "CallStatus": "in-progress", "Digits": "1"},
            ("in-progress", None),
        ),
        ("twilio", {}, {"CallSid": "CA1"}, (None, None)),
        (
            "twilio",
            {},
            [{"id": "EZ1", "type": "a.b"}, {"id": "EZ2", "type": "c"}],
            ("a.b+", "EZ1:EZ2"),
        ),
        ("hubspot", {}, [EVENT], ("contact.creation", "1:2:3")),
        ("hubspot", {}, [EVENT, EVENT | {"eventId": 9}], ("contact.creation", "1:2:3:9:2:3")),
        (
            "hubspot",
            {},
            [EVENT, EVENT | {"eventId": 9, "subscriptionType": "deal.creation"}],
            ("contact.creation+", "1:2:3:9:2:3"),
        ),
        (
            "hubspot",
            {},
            [EVENT, {"subscriptionType": "contact.creation"}],
            ("contact.creation", None),
        ),
        ("hubspot", {}, [EVENT | {"eventId": True}], ("contact.creation", None)),
        ("hubspot", {}, {"objectType": "COMPANY", "objectId": 1}, ("COMPANY", None)),
        ("hubspot", {}, {"vid": 1, "is-contact": True}, ("CONTACT", None)),
        ("linear", {"Linear-Event": "Issue"}, {"type": "other"}, ("Issue", None)),
        ("intercom", {}, {"topic": "ping", "id": None}, ("ping", None)),
        ("calendly", {}, {"event": "invitee.created"}, ("invitee.created", None)),
        ("square", {}, {"type": "a.b", "event_id": "e"}, ("a.b", "e")),
        ("typeform", {}, {"event_type": "form_response", "event_id": "e"}, ("form_response", "e")),
        ("bigcommerce", {"webhook-id": "m"}, {"scope": "store/a", "hash": "h"}, ("store/a", "m")),
    ],
)
def test_events_are_called_what_their_sender_calls_them(
    preset: str, headers: dict[str, str], content: Any, expected: tuple[str | None, str | None]
) -> None:
    assert named(preset, headers, content) == expected


def test_unsigned_webhooks_of_bigcommerce_are_known_by_their_hash() -> None:
    body = {"scope": "store/order/created", "hash": "cb07f1", "created_at": 1561479335}

    assert named("bigcommerce", {"webhook-id": "not signed"}, body, header="X-Key") == (
        "store/order/created",
        "cb07f1:1561479335",
    )
    assert named("bigcommerce", {}, {"hash": "cb07f1"}, header="X-Key").delivery_id is None
    assert named("bigcommerce", {}, [], header="X-Key").delivery_id is None


def test_gitlabs_signed_id_is_the_one_that_counts() -> None:
    headers = {"webhook-id": "signed", "Idempotency-Key": "not signed"}

    assert named("gitlab", headers, {}, signing_token=True).delivery_id == "signed"


class TestHubSpotVersions:
    def signed(self, *versions: str) -> dict[str, str]:
        source = source_of("hubspot", versions=list(versions))
        return source.sign(b"[]", now=NOW, headers={}, target=Target("POST", URL, MultiDict()))

    def verdict(self, headers: dict[str, str], **options: Any) -> str:
        target = Target("POST", URL, MultiDict())
        refusal = source_of("hubspot", **options).verify(headers_of(headers), b"[]", NOW, target)
        return refusal.code if refusal else "in"

    @pytest.mark.parametrize("version", ["v1", "v2"])
    def test_older_versions_are_off_by_default(self, version: str) -> None:
        assert self.verdict(self.signed(version)) == "signature-missing"
        assert self.verdict(self.signed(version), versions=[version]) == "in"

    def test_a_version_that_was_not_asked_for_stays_off(self) -> None:
        assert self.verdict(self.signed("v1"), versions=["v2"]) == "signature-missing"
        assert self.verdict(self.signed("v1"), versions=["v2", "v1"]) == "in"

    def test_a_signature_counts_only_as_the_version_it_says_it_is(self) -> None:
        headers = self.signed("v1") | {"X-HubSpot-Signature-Version": "v2"}

        assert self.verdict(headers, versions=["v1", "v2"]) == "signature-mismatch"

    def test_both_schemes_are_said_in_words(self) -> None:
        source = source_of("hubspot", versions=["v2"])

        assert source.preset.proof.summary == (
            "HMAC-SHA256 (base64) of {method}{url}{body}{timestamp} in X-HubSpot-Signature-v3, "
            "or SHA256 (hex) of the secret and {method}{url}{body} in X-HubSpot-Signature"
        )
        assert source.seal(b"[]", NOW) == b"[]"

    def test_v3_is_taken_whatever_was_asked_for(self) -> None:
        assert self.verdict(self.signed("v3"), versions=["v1"]) == "in"

    def test_where_v3_is_there_an_older_signature_does_not_help(self) -> None:
        headers = self.signed("v2") | {"X-HubSpot-Signature-v3": "A" * 43 + "="}

        assert self.verdict(headers, versions=["v2"]) == "timestamp-missing"
        headers["X-HubSpot-Request-Timestamp"] = "1700000000000"
        assert self.verdict(headers, versions=["v2"]) == "signature-mismatch"

    def test_both_spellings_of_an_escaped_address_count(self) -> None:
        decoded = URL + "?to=a@b:c/d"
        written = URL + "?to=a%40b%3ac%2Fd"
        source = source_of("hubspot")
        headers = source.sign(
            b"[]", now=NOW, headers={}, target=Target("POST", decoded, MultiDict())
        )

        for url in (decoded, written):
            target = Target("POST", url, MultiDict())
            assert source.verify(headers_of(headers), b"[]", NOW, target) is None
        other = Target("POST", URL + "?to=" + quote("a@b:c/x", safe=""), MultiDict())
        assert source.verify(headers_of(headers), b"[]", NOW, other) is not None


class TestTwilioBodies:
    source = source_of("twilio")

    def verdict(self, body: bytes, content_type: str, query: dict[str, str] | None = None) -> str:
        """Return what is said of a body to an address that is signed and carries a query."""
        url = URL + "?a=1"
        signed = self.source.sign(b"", now=NOW, headers={}, target=Target("POST", url, MultiDict()))
        headers = headers_of(signed | {"Content-Type": content_type})
        refusal = self.source.verify(
            headers, body, NOW, Target("POST", url, MultiDict(query or {}))
        )
        return refusal.code if refusal else "in"

    def test_a_body_that_nothing_binds_is_refused(self) -> None:
        assert self.verdict(b"", "") == "in"
        assert self.verdict(b"{}", "application/json") == "signature-missing"
        assert self.verdict(b"{}", "multipart/form-data") == "signature-missing"
        assert self.verdict(b"{}", "application/json", {"bodySHA256": "0"}) == "signature-mismatch"
        assert self.verdict(b"a=b", FORM) == "signature-mismatch"

    def test_a_hash_that_is_there_twice_is_refused(self) -> None:
        given = MultiDict([("bodySHA256", "a"), ("bodySHA256", "b")])
        headers = headers_of({"X-Twilio-Signature": "A" * 27 + "="})

        refusal = self.source.verify(headers, b"{}", NOW, Target("POST", URL, given))

        assert refusal is not None
        assert refusal.code == "signature-repeated"

    def test_a_form_of_very_many_fields_is_not_sorted(self) -> None:
        headers = headers_of({"X-Twilio-Signature": "A" * 27 + "=", "Content-Type": FORM})
        body = b"&".join(b"%d=1" % number for number in range(1001))

        refusal = self.source.verify(headers, body, NOW, Target("POST", URL, MultiDict()))

        assert refusal is not None
        assert refusal.code == "signature-malformed"

    def test_the_reason_names_the_address_and_not_its_query(self) -> None:
        headers = headers_of({"X-Twilio-Signature": "A" * 27 + "="})
        target = Target("POST", URL + "?token=canary", MultiDict())

        refusal = self.source.verify(headers, b"", NOW, target)

        assert refusal is not None
        assert URL in refusal.reason
        assert "HOOKYARD_PUBLIC_URL" in refusal.reason
        assert "canary" not in refusal.reason

    @pytest.mark.parametrize("url", ["", "no address", "https://", "https://a/\udcff", "\ud800"])
    def test_an_address_that_is_none_is_refused_and_does_not_raise(self, url: str) -> None:
        headers = headers_of({"X-Twilio-Signature": "A" * 27 + "="})

        assert self.source.verify(headers, b"", NOW, NO_TARGET._replace(url=url)) is not None


class TestLinearTime:
    source = source_of("linear")

    def verdict(self, body: bytes, now: float = NOW) -> str:
        headers = headers_of(self.source.sign(body, now=now, headers={}))
        refusal = self.source.verify(headers, body, now)
        return refusal.code if refusal else "in"

    def test_the_time_in_the_body_counts(self) -> None:
        body = json.dumps({"webhookTimestamp": int(NOW * 1000)}).encode()

        assert self.verdict(body, NOW + 60) == "in"
        assert self.verdict(body, NOW + 61) == "timestamp-stale"
        assert self.verdict(body, NOW - 61) == "timestamp-stale"

    @pytest.mark.parametrize(
        "body", [b"{}", b"[]", b"", b"no json", b'{"webhookTimestamp": "x"}', b"\xff"]
    )
    def test_a_body_without_a_time_is_taken_as_it_is_signed(self, body: bytes) -> None:
        assert self.verdict(body) == "in"

    def test_a_time_that_is_none_is_refused(self) -> None:
        assert self.verdict(b'{"webhookTimestamp": -5}') == "timestamp-malformed"

    def test_what_is_sent_gets_the_time_of_sending(self) -> None:
        old = b'{"a": {"webhookTimestamp" : 5}, "webhookTimestamp": 6}'

        assert self.source.seal(b'{"webhookTimestamp":5,"b":1}', NOW) == (
            b'{"webhookTimestamp":1700000000000,"b":1}'
        )
        assert self.source.seal(b'{"b": 1}', NOW) == b'{"b": 1}'
        assert b"1700000000000" in self.source.seal(old, NOW)
        assert source_of("github").seal(old, NOW) == old


class TestSlackChallenge:
    def answer(self, body: bytes, refusal: Refusal | None = None) -> Any:
        shake = source_of("slack").shake
        assert shake is not None
        return shake(Facts("POST", headers_of({}), body, refusal))

    def test_it_is_answered_with_itself_once_it_is_proven(self) -> None:
        body = b'{"token": "x", "challenge": "3eZbrw1a\\u00fc", "type": "url_verification"}'

        assert self.answer(body).body == "3eZbrw1aü".encode()
        assert self.answer(body, Refusal(401, "signature-mismatch", "")) is None

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b'"url_verification"',
            b'{"type": "url_verification"}',
            b'{"type": "url_verification", "challenge": 7}',
            b'{"type": "event_callback", "challenge": "x", "text": "url_verification"}',
            b'{"type": "url_verification"',
            b"type=url_verification&challenge=x",
        ],
    )
    def test_anything_else_is_no_challenge(self, body: bytes) -> None:
        assert self.answer(body) is None


def test_senders_that_sign_the_address_say_so() -> None:
    signing = {preset.name for preset in REGISTRY if info_of(preset).signs_url}

    assert signing == {"square", "twilio", "hubspot"}
    assert source_info({"preset": "hubspot", "versions": ["v1"]}).signs_url
    assert not source_info({"header": "X-Key"}).signs_url


def test_the_public_test_secret_of_zendesk_proves_nothing_not_even_where_it_is_configured() -> None:
    public = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="
    source = compile_source({"preset": "zendesk"}, [public])
    headers = source.sign(b"{}", now=NOW, headers={})

    refusal = source.verify(headers_of(headers), b"{}", NOW)

    assert refusal is not None
    assert refusal.code == "signed-in-test"
