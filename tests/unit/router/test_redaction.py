from __future__ import annotations

import pytest

from router.core import redaction
from router.core.redaction import (
    REDACTED,
    forget_value,
    is_secret_name,
    redact_fields,
    redact_headers,
    redact_url,
    scrub,
)


@pytest.fixture(autouse=True)
def _no_known_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", set())
    monkeypatch.setattr(redaction, "_known_pattern", None)


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "Proxy-Authorization",
        "Cookie",
        "Set-Cookie",
        "X-Hub-Signature-256",
        "X-Shopify-Hmac-Sha256",
        "Stripe-Signature",
        "webhook-signature",
        "X-Gitlab-Token",
        "X-Api-Key",
        "X-APIKey",
        "X-Auth",
        "X-Key",
        "X-Secret",
        "Paypal-Transmission-Sig",
        "X-Amz-Security-Token",
        "X-Session",
    ],
)
def test_headers_that_prove_or_identify_lose_their_value(name: str) -> None:
    assert redact_headers({name: "abc"}) == {name: REDACTED}


@pytest.mark.parametrize(
    "name",
    [
        "Content-Type",
        "X-Shopify-Topic",
        "X-Shopify-Webhook-Id",
        "X-GitHub-Delivery",
        "webhook-id",
        "webhook-timestamp",
        "User-Agent",
        "Idempotency-Key",
        "X-Keyboard",
        "X-Author",
    ],
)
def test_other_headers_keep_their_value(name: str) -> None:
    assert redact_headers({name: "abc"}) == {name: "abc"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:pw@h:6379/0", "redis://:[redacted]@h:6379/0"),
        ("postgresql://u:p%40w@h/db", "postgresql://u:[redacted]@h/db"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        ("https://h/x?token=abc&page=2", "https://h/x?token=[redacted]&page=2"),
        (
            "https://h/x?a=1&api_key=abc;sig=x#end",
            "https://h/x?a=1&api_key=[redacted];sig=[redacted]#end",
        ),
        (
            "see redis://u:p@h and amqp://a:b@c",
            "see redis://u:[redacted]@h and amqp://a:[redacted]@c",
        ),
        ("http://h:8080/a:b@c", "http://h:8080/a:b@c"),
    ],
)
def test_urls_lose_passwords_and_secret_parameters(url: str, shown: str) -> None:
    assert redact_url(url) == shown


def test_a_known_value_is_scrubbed_wherever_it_turns_up() -> None:
    forget_value("canary/value")

    assert scrub("got canary/value and canary%2Fvalue") == f"got {REDACTED} and {REDACTED}"
    assert redact_headers({"x-echo": "canary/value"}) == {"x-echo": REDACTED}


def test_the_longer_of_two_known_values_goes_first() -> None:
    forget_value("canary")
    forget_value("canary-and-more")

    assert scrub("canary-and-more") == REDACTED


def test_values_of_a_few_signs_are_not_scrubbed_from_everything() -> None:
    forget_value("a")
    forget_value("")

    assert scrub("a banana") == "a banana"


def test_a_value_told_twice_is_kept_once() -> None:
    forget_value("canary-value")
    first = redaction._known_pattern
    forget_value("canary-value")

    assert redaction._known_pattern is first


def test_fields_are_redacted_by_name_at_any_depth() -> None:
    forget_value("canary-value")
    fields = {
        "event": "hello",
        "token": "abc",
        "empty_token": "",
        "secret_name": "shop_webhook",
        "secrets": ["shop_webhook"],
        "key": "order-1",
        "deep": {
            "password": "x",
            "list": ["canary-value", {"api_key": 1}],
            "set": {"canary-value"},
        },
        "number": 1,
        "nothing": None,
        "yes": True,
        "object": ValueError("canary-value"),
    }

    assert redact_fields(fields) == {
        "event": "hello",
        "token": REDACTED,
        "empty_token": "",
        "secret_name": "shop_webhook",
        "secrets": ["shop_webhook"],
        "key": "order-1",
        "deep": {
            "password": REDACTED,
            "list": [REDACTED, {"api_key": REDACTED}],
            "set": [REDACTED],
        },
        "number": 1,
        "nothing": None,
        "yes": True,
        "object": REDACTED,
    }


@pytest.mark.parametrize("name", ["client_secret", "signingKey", "accessKey", "passphrase"])
def test_names_that_say_secret(name: str) -> None:
    assert is_secret_name(name)
