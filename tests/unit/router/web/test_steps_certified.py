"""Amazon SNS and PayPal through HTTP: certificates are fetched, subscriptions confirmed, copies refused."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import REGISTRY
from redis.exceptions import ConnectionError as RedisConnectionError

from router.core.intake_table import ConnectorIntake
from router.core.store.engine import Store
from router.web.certificates import KnownCertificates
from router.web.fetching import Fetcher
from tests.support.certificates import (
    PAYPAL_ADDRESS,
    PAYPAL_HOST,
    PAYPAL_NAME,
    SNS_ADDRESS,
    SNS_HOST,
    SNS_NAME,
    TOPIC,
    WEBHOOK_ID,
    intermediate,
    leaf,
    paypal_headers,
    sns_seal,
    stranger,
)
from tests.support.checksums import forged
from tests.support.manual_clock import ManualClock
from tests.support.outside import Outside, outside
from tests.support.senders import Request
from tests.support.site import OPEN, Site, open_site
from tests.support.slow_redis import SlowRedis

ALARMS = ConnectorIntake(name="alarms", source={"preset": "aws-sns", "topics": [TOPIC]})
PAY = ConnectorIntake(name="pay", source={"preset": "paypal", "webhook_id": WEBHOOK_ID})
CONFIRM_AT = f"https://{SNS_HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336"
ISSUER_AT = "http://crt.r2m01.amazontrust.com/r2m01.cer"
TEXT = {"Content-Type": "text/plain; charset=UTF-8"}
JSON = {"Content-Type": "application/json"}
NOTE = {
    "Type": "Notification",
    "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
    "TopicArn": TOPIC,
    "Message": '{"AlarmName": "disk", "NewStateValue": "ALARM"}',
}
CONFIRMATION = {
    "Type": "SubscriptionConfirmation",
    "MessageId": "47138184-6831-46b8-8f7c-afc488602d7d",
    "TopicArn": TOPIC,
    "Token": "2336",
    "Message": "confirm it",
    "SubscribeURL": CONFIRM_AT,
}


@pytest.fixture
async def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Outside]:
    async with outside(tmp_path, monkeypatch, SNS_HOST, PAYPAL_HOST) as web_of_test:
        web_of_test.pages = {
            SNS_ADDRESS: leaf(SNS_NAME).pem,
            ISSUER_AT: intermediate().der,
            PAYPAL_ADDRESS: leaf(PAYPAL_NAME).pem + intermediate().pem,
            CONFIRM_AT: b"<ConfirmSubscriptionResponse/>",
        }
        yield web_of_test


@pytest.fixture
async def site(
    redis: SlowRedis, store: Store, clock: ManualClock, there: Outside
) -> AsyncIterator[Site]:
    del there  # the web is there before anybody goes out
    certificates = KnownCertificates(Fetcher(), clock)
    async with open_site(redis, store, clock, certificates=certificates) as opened:
        await opened.use(ALARMS, PAY, OPEN)
        yield opened


def sns(clock: ManualClock, message: dict[str, Any], **by: Any) -> Request:
    body = sns_seal(json.dumps(message).encode(), clock().timestamp(), **by)
    return Request("alarms", body, TEXT)


def paypal(clock: ManualClock, body: bytes, **given: Any) -> Request:
    return Request("pay", body, JSON | paypal_headers(body, clock().timestamp(), **given))


def handshakes() -> float:
    labels = {"connector": "alarms", "outcome": "handshake"}
    return REGISTRY.get_sample_value("hookyard_requests_total", labels) or 0


async def said(site: Site, request: Request) -> tuple[int, str | None]:
    """Return status and code of the answer to a request."""
    answer = await site.send(request)
    is_problem = answer.content_type == "application/problem+json"
    return answer.status, (await answer.json(content_type=None))["code"] if is_problem else None


async def test_a_notification_is_proven_named_and_read_as_the_json_it_is(
    site: Site, there: Outside, clock: ManualClock
) -> None:
    request = sns(clock, NOTE)

    assert await said(site, request) == (202, None)
    assert await said(site, request) == (202, None)

    first, second = await site.events()
    assert first.body == second.body == request.body
    assert (first.type, first.delivery_id) == ("Notification", NOTE["MessageId"])
    assert first.content_type == "application/json"
    assert first.headers["content-type"] == TEXT["Content-Type"]
    assert there.asked == [SNS_ADDRESS, ISSUER_AT]


async def test_a_subscription_is_confirmed_and_is_no_event(
    site: Site, there: Outside, clock: ManualClock
) -> None:
    before = handshakes()

    answer = await site.send(sns(clock, CONFIRMATION))

    assert (answer.status, await answer.read()) == (200, b"")
    assert there.asked[-1] == CONFIRM_AT
    assert handshakes() == before + 1
    assert await site.events() == []


async def test_only_what_is_proven_has_an_address_called(
    site: Site, there: Outside, clock: ManualClock
) -> None:
    elsewhere = {
        **CONFIRMATION,
        "SubscribeURL": "https://169.254.169.254/?Action=ConfirmSubscription",
    }
    forgeries = [
        sns(clock, CONFIRMATION, by=stranger()),
        sns(clock, elsewhere),
        sns(clock, {**CONFIRMATION, "TopicArn": TOPIC + "-of-another"}),
        Request("alarms", json.dumps(CONFIRMATION).encode(), TEXT),
    ]

    assert [(await said(site, one))[0] for one in forgeries] == [401] * 4
    assert set(there.asked) == {SNS_ADDRESS, ISSUER_AT}


async def test_a_confirmation_that_could_not_be_made_is_503(
    site: Site, there: Outside, clock: ManualClock
) -> None:
    async def away(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "https://169.254.169.254/"})

    there.pages[CONFIRM_AT] = away
    answer = await site.send(sns(clock, CONFIRMATION))

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "30"
    (refusal,) = await site.refusals()
    assert refusal["code"] == "handshake-unfinished"
    assert "the answer was 302" in refusal["reason"]
    assert there.asked[-1] == CONFIRM_AT


async def test_a_certificate_that_cannot_be_fetched_is_503_because_sns_takes_401_for_delivered(
    site: Site, there: Outside, clock: ManualClock
) -> None:
    del there.pages[SNS_ADDRESS]
    answer = await site.send(sns(clock, NOTE))

    assert answer.status == 503
    assert answer.headers["Retry-After"] == "30"
    assert "WWW-Authenticate" not in answer.headers
    told = await answer.json(content_type=None)
    assert told["code"] == "certificate-unavailable"
    assert "404" not in json.dumps(told)
    (refusal,) = await site.refusals()
    assert "the answer was 404" in refusal["reason"]
    assert await site.events() == []


async def test_a_forged_notification_is_401(site: Site, clock: ManualClock) -> None:
    assert await said(site, sns(clock, NOTE, by=stranger())) == (401, "not-proven")
    (refusal,) = await site.refusals()
    assert refusal["code"] == "signature-mismatch"


async def test_a_transmission_of_paypal_is_proven_and_named(site: Site, clock: ManualClock) -> None:
    body = json.dumps({"id": "WH-1", "event_type": "PAYMENT.SALE.COMPLETED"}).encode()

    assert await said(site, paypal(clock, body)) == (202, None)

    (event,) = await site.events()
    assert (event.type, event.delivery_id) == ("PAYMENT.SALE.COMPLETED", "WH-1")
    assert "paypal-transmission-sig" not in event.headers
    assert event.headers["paypal-transmission-id"]


async def test_a_body_made_to_fit_a_captured_signature_is_refused(
    site: Site, clock: ManualClock
) -> None:
    body = json.dumps({"id": "WH-1", "event_type": "PAYMENT.SALE.COMPLETED"}).encode()
    request = paypal(clock, body)
    copied = forged(b'{"id": "WH-666", "amount": "9999", "x": "', b'"}', zlib.crc32(body))
    forgery = Request("pay", copied, request.headers)
    assert zlib.crc32(copied) == zlib.crc32(body)

    answers = [await said(site, one) for one in (request, forgery, request, forgery)]

    assert answers == [(202, None), (401, "not-proven"), (202, None), (401, "not-proven")]
    assert {row["code"] for row in await site.refusals()} == {"token-replayed"}
    assert {event.delivery_id for event in await site.events()} == {"WH-1"}


async def test_without_redis_nobody_can_tell_a_copy_from_the_first(
    site: Site, clock: ManualClock, redis: SlowRedis
) -> None:
    request = paypal(clock, b'{"id": "WH-1"}')
    redis.failure = RedisConnectionError("gone")

    assert await said(site, request) == (503, "not-durable")
    redis.failure = None
    assert await said(site, request) == (202, None)


async def test_a_file_of_certificates_takes_the_place_of_fetching(
    site: Site, there: Outside, clock: ManualClock, tmp_path: Path
) -> None:
    file = tmp_path / "sns.pem"
    file.write_bytes(stranger().pem)
    own = {**ALARMS.source, "certificates": str(file)}
    await site.use(ALARMS.model_copy(update={"source": own}), OPEN)

    assert await said(site, sns(clock, NOTE, by=stranger())) == (202, None)
    assert await said(site, sns(clock, NOTE)) == (401, "not-proven")

    file.write_bytes(leaf(SNS_NAME).pem)
    await site.connectors.refresh()
    assert await said(site, sns(clock, NOTE)) == (202, None)
    assert await said(site, sns(clock, NOTE, by=stranger())) == (401, "not-proven")
    assert there.asked == []


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
async def test_a_file_that_cannot_be_used_stops_its_connector_alone(
    site: Site, clock: ManualClock, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "sns.pem"
    if content is not None:
        file.write_bytes(content)
    own = {**ALARMS.source, "certificates": str(file)}
    await site.use(ALARMS.model_copy(update={"source": own}), OPEN)

    assert await said(site, sns(clock, NOTE)) == (503, "connector-not-ready")
    assert await said(site, Request("open", b"{}", JSON)) == (202, None)
    connector = site.connectors.find("alarms")
    assert connector is not None
    assert "certificates" in str(connector.problem)


async def test_a_certificate_that_is_no_good_is_503_too(
    site: Site, there: Outside, clock: ManualClock
) -> None:
    there.pages[SNS_ADDRESS] = b"<html>captive portal</html>"

    assert await said(site, sns(clock, NOTE)) == (503, "certificate-unavailable")
    (refusal,) = await site.refusals()
    assert refusal["code"] == "certificate-untrusted"
