"""What is particular: lists, times, credentials, names."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from router.sources.registry import compile_source
from router.sources.source import Source

NOW = 1_700_000_000.0
BODY = b'{"id": "evt_1"}'
SECRET = "s3cret"


def headers_of(*headers: tuple[str, str]) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(headers))


def code(source: Source, *headers: tuple[str, str], body: bytes = BODY, now: float = NOW) -> str:
    refusal = source.verify(headers_of(*headers), body, now)
    return refusal.code if refusal else "in"


def hexed(message: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


class TestStripe:
    source = compile_source({"preset": "stripe"}, [SECRET])
    good = hexed(b"1700000000." + BODY)

    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("t=1700000000,v1={good}", "in"),
            ("v1={good},t=1700000000", "in"),
            ("t=1700000000, v1={good}", "in"),
            ("t=1700000000,v1={bad},v1={good},v0={bad}", "in"),
            ("t=1700000000,v1={good},v9=what,ever", "in"),
            ("t=1700000000,t=1700000000,v1={good}", "in"),
            ("t=1700000000,v0={good}", "signature-malformed"),
            ("t=1700000000,v1=", "signature-malformed"),
            ("t=1700000000,t=1700000001,v1={good}", "signature-malformed"),
            ("v1={good}", "timestamp-missing"),
            ("t=,v1={good}", "signature-mismatch"),
            ("t=1700000001,v1={good}", "signature-mismatch"),
            ("t=1700000000,v1={bad}", "signature-mismatch"),
            ("t=1700000000,V1={good}", "signature-malformed"),
            (",,,", "signature-malformed"),
        ],
    )
    def test_its_list(self, header: str, expected: str) -> None:
        text = header.format(good=self.good, bad="0" * 64)

        assert code(self.source, ("Stripe-Signature", text)) == expected

    def test_a_header_sent_twice_is_one_list(self) -> None:
        rolled = ("Stripe-Signature", f"t=1700000000,v1={'0' * 64}")

        assert code(self.source, rolled, ("Stripe-Signature", f"v1={self.good}")) == "in"

    def test_its_secret_is_the_key_as_it_stands(self) -> None:
        secret = "whsec_bm90IGRlY29kZWQ="
        source = compile_source({"preset": "stripe"}, [secret])
        signature = hexed(b"1700000000." + BODY, secret)

        assert code(source, ("Stripe-Signature", f"t=1700000000,v1={signature}")) == "in"

    def test_the_future_counts_as_far_as_the_past(self) -> None:
        header = ("Stripe-Signature", f"t=1700000000,v1={self.good}")

        assert code(self.source, header, now=NOW - 300) == "in"
        assert code(self.source, header, now=NOW - 301) == "timestamp-stale"

    @pytest.mark.parametrize(
        "time", ["soon", "1e9", "-5", "1700000000.5", "9" * 16, "\uff11\uff17", ""]
    )
    def test_a_signed_time_that_is_none_is_malformed(self, time: str) -> None:
        signature = hexed(time.encode() + b"." + BODY)

        header = ("Stripe-Signature", f"t={time},v1={signature}")

        assert code(self.source, header) == "timestamp-malformed"


class TestStandardWebhooks:
    source = compile_source({"preset": "standard-webhooks"}, ["whsec_c2VjcmV0"])
    signed = source.sign(BODY, now=NOW, headers={"webhook-id": "msg_1"})

    def with_names(self, family: str, **changed: str) -> list[tuple[str, str]]:
        values = {
            name.removeprefix("webhook-"): value for name, value in self.signed.items()
        } | changed
        return [(f"{family}-{name}", value) for name, value in values.items()]

    @pytest.mark.parametrize("family", ["webhook", "svix"])
    def test_both_families_of_headers_count_and_name_the_id(self, family: str) -> None:
        headers = self.with_names(family)

        assert code(self.source, *headers) == "in"
        named = self.source.name(headers_of(*headers), BODY, lambda: {"type": "a.b"})
        assert named == ("a.b", "msg_1")

    def test_an_id_of_the_other_family_beside_the_signed_one_changes_nothing(self) -> None:
        replay = [*self.with_names("svix"), ("webhook-id", "msg_new")]

        named = self.source.name(headers_of(*replay), BODY, lambda: None)

        assert code(self.source, *replay) == "in"
        assert named.delivery_id == "msg_1"

    def test_families_are_not_mixed(self) -> None:
        mixed = [("webhook-signature", self.signed["webhook-signature"]), *self.with_names("svix")]

        assert code(self.source, *mixed) == "timestamp-missing"

    @pytest.mark.parametrize(
        ("signature", "expected"),
        [
            ("v1,{bad} {good}", "in"),
            ("v1a,whatever v2,{bad} {good}", "in"),
            ("{good} {good}", "in"),
            ("v2,{value}", "signature-malformed"),
            ("{value}", "signature-malformed"),
            ("v1,{bad}", "signature-mismatch"),
            ("v1={value}", "signature-malformed"),
        ],
    )
    def test_its_list(self, signature: str, expected: str) -> None:
        good = self.signed["webhook-signature"]
        text = signature.format(good=good, value=good.removeprefix("v1,"), bad="A" * 43 + "=")

        assert code(self.source, *self.with_names("webhook", signature=text)) == expected

    def test_lists_of_a_header_sent_twice_are_joined(self) -> None:
        headers = self.with_names("webhook")
        other = ("webhook-signature", "v1," + "A" * 43 + "=")

        assert code(self.source, other, *headers) == "in"

    def test_the_id_is_signed(self) -> None:
        assert code(self.source, *self.with_names("webhook", id="msg_2")) == "signature-mismatch"

    def test_a_secret_that_is_nothing_after_its_prefix_does_not_compile(self) -> None:
        with pytest.raises(ValueError, match="a secret is empty"):
            compile_source({"preset": "standard-webhooks"}, ["whsec_"])


class TestGenericTime:
    @pytest.mark.parametrize(
        "written",
        ["1700000000", "1700000000000", "2023-11-14T22:13:20Z", "2023-11-14T23:13:20.5+01:00"],
    )
    def test_a_time_header_takes_seconds_milliseconds_and_rfc_3339(self, written: str) -> None:
        assert self.verdict(written) == "in"

    @pytest.mark.parametrize(
        "written", ["yesterday", "2023-11-14T22:13:20", "9999-12-31T23:59:59-23:59", "\udcff"]
    )
    def test_what_is_no_instant_is_malformed_or_stale(self, written: str) -> None:
        assert self.verdict(written) in {"timestamp-malformed", "timestamp-stale"}

    def verdict(self, written: str) -> str:
        source = compile_source(
            {
                "hmac": {
                    "header": "X-Signature",
                    "signed": "{timestamp}:{body}",
                    "timestamp_header": "X-Time",
                }
            },
            [SECRET],
        )
        signature = hexed(written.encode("utf-8", "surrogatepass") + b":" + BODY)
        return code(source, ("X-Signature", signature), ("X-Time", written))


class TestCredentials:
    @staticmethod
    def basic(user: str, password: str) -> tuple[str, str]:
        return (
            "Authorization",
            "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode(),
        )

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (f"Bearer {SECRET}", "in"),
            (f"bearer {SECRET}", "in"),
            (f"BEARER  {SECRET} ", "in"),
            (f"Bearer {SECRET}x", "credentials-mismatch"),
            ("Bearer", "credentials-mismatch"),
            (SECRET, "credentials-malformed"),
            (f"Token {SECRET}", "credentials-malformed"),
            ("Basic !!!", "credentials-malformed"),
            ("Basic " + base64.b64encode(SECRET.encode()).decode(), "credentials-malformed"),
            ("", "credentials-missing"),
        ],
    )
    def test_alertmanager_shows_bearer(self, value: str, expected: str) -> None:
        source = compile_source({"preset": "alertmanager"}, [SECRET])

        assert code(source, ("Authorization", value)) == expected

    @pytest.mark.parametrize("user", ["", "any", "ü", "alertmanager"])
    def test_alertmanager_shows_basic_with_any_user(self, user: str) -> None:
        source = compile_source({"preset": "alertmanager"}, [SECRET])

        assert code(source, self.basic(user, SECRET)) == "in"
        assert code(source, self.basic(user, "wrong")) == "credentials-mismatch"
        assert code(source, self.basic(SECRET, user)) == "credentials-mismatch"

    def test_a_named_user_is_asked_for_and_nothing_but_basic(self) -> None:
        for form in ({"basic": "jane"}, {"preset": "alertmanager", "basic": "jane"}):
            source = compile_source(form, ["pass:word"])
            assert code(source, self.basic("jane", "pass:word")) == "in"
            assert code(source, self.basic("joan", "pass:word")) == "credentials-mismatch"
            assert code(source, ("Authorization", "Bearer pass:word")) == "credentials-malformed"

    def test_bearer_alone_takes_no_basic(self) -> None:
        source = compile_source({"bearer": True}, [SECRET])

        assert code(source, ("Authorization", f"Bearer {SECRET}")) == "in"
        assert code(source, self.basic("any", SECRET)) == "credentials-malformed"

    def test_a_header_is_the_secret_and_nothing_more(self) -> None:
        source = compile_source({"header": "X-Api-Key"}, [SECRET])

        assert code(source, ("x-api-key", SECRET)) == "in"
        assert code(source, ("x-api-key", SECRET.upper())) == "credentials-mismatch"
        assert code(source, ("Authorization", f"Bearer {SECRET}")) == "credentials-missing"
        assert "x-api-key" in source.hidden

    def test_a_secret_beyond_ascii_is_compared_as_utf_8(self) -> None:
        source = compile_source({"header": "X-Api-Key"}, ["pässwörd"])

        assert code(source, ("X-Api-Key", "pässwörd")) == "in"
        assert code(source, ("X-Api-Key", "p\udce4ssw\udcf6rd")) == "credentials-mismatch"


class TestNames:
    def named(self, preset: str, headers: dict[str, str], content: Any = None) -> Any:
        source = compile_source({"preset": preset}, ["c2VjcmV0"])
        return source.name(headers_of(*headers.items()), BODY, lambda: content)

    def test_what_senders_call_their_events(self) -> None:
        shopify = {"x-shopify-topic": "orders/create", "x-shopify-webhook-id": "1"}
        github = {"X-GitHub-Event": "issues", "X-GitHub-Delivery": "2"}

        assert self.named("shopify", shopify) == ("orders/create", "1")
        assert self.named("github", github, {"action": "opened"}) == ("issues", "2")
        assert self.named("stripe", {}, {"id": "evt_1", "type": "charge.failed"}) == (
            "charge.failed",
            "evt_1",
        )
        assert self.named("alertmanager", {}, {"status": "firing"}) == ("firing", None)
        assert self.named("none", {}, {"id": "1", "type": "a"}) == (None, None)

    def test_names_can_be_stored_whatever_was_sent(self) -> None:
        odd = {"x-shopify-topic": " orders\x00/\udcffcreate ", "x-shopify-webhook-id": " "}
        long = {"x-shopify-topic": "t" * 999, "x-shopify-webhook-id": "1" * 256}

        assert self.named("shopify", odd) == ("orders\ufffd/\ufffdcreate", None)
        named = self.named("shopify", long)
        assert len(named.type) == 255
        assert named.delivery_id == "sha256:" + hashlib.sha256(b"1" * 256).hexdigest()

    def test_an_empty_body_is_not_parsed(self) -> None:
        source = compile_source({"preset": "stripe"}, ["secret"])

        def parsed() -> Any:
            raise AssertionError("there is nothing to parse")

        assert source.name(headers_of(), b"", parsed) == (None, None)


class TestContentTypes:
    @pytest.mark.parametrize(
        ("preset", "content_type", "taken"),
        [
            ("shopify", "application/json", True),
            ("shopify", "Application/JSON; charset=utf-8", True),
            ("shopify", "", True),
            ("shopify", "application/vnd.api+json", True),
            ("shopify", "application/xml", False),
            ("shopify", "application/x-www-form-urlencoded", False),
            ("github", "application/x-www-form-urlencoded", True),
            ("none", "application/x-www-form-urlencoded", True),
            ("none", "text/plain", False),
        ],
    )
    def test_what_is_taken(self, preset: str, content_type: str, *, taken: bool) -> None:
        assert compile_source({"preset": preset}, ["secret"]).takes(content_type) == taken

    def test_github_says_in_which_field_its_forms_hold_the_body(self) -> None:
        assert compile_source({"preset": "github"}, ["secret"]).form_field == "payload"


def test_signing_shows_the_first_secret_in_its_place() -> None:
    def signed(source: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
        compiled = compile_source(source, ["first", "second"])
        return compiled.sign(BODY, now=NOW, headers={}), compiled.sign_query()

    assert signed({"header": "X-Api-Key"}) == ({"X-Api-Key": "first"}, {})
    assert signed({"bearer": True}) == ({"Authorization": "Bearer first"}, {})
    assert signed({"basic": "jane"}) == ({"Authorization": "Basic amFuZTpmaXJzdA=="}, {})
    assert signed({"preset": "alertmanager", "query": "key"}) == ({}, {"key": "first"})
    assert signed({"preset": "none"}) == ({}, {})
