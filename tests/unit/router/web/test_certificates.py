"""Certificates are fetched once, checked, and remembered; strangers cannot have many fetched."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from router.sources.certified import CertifiedScheme
from router.sources.preset import Refusal
from router.sources.registry import compile_source
from router.web.certificates import KnownCertificates
from router.web.fetching import Fetcher, FetchError
from tests.conformance.sources_cases import headers_of
from tests.support.certificates import (
    SNS_ADDRESS,
    SNS_NAME,
    TOPIC,
    Issued,
    intermediate,
    issue,
    leaf,
    root,
    sns_seal,
    stranger,
)
from tests.support.manual_clock import ManualClock
from tests.support.waiting import wait_until

ISSUER_AT = "http://crt.r2m01.amazontrust.com/r2m01.cer"
HOUR_MS = 3_600_000
BODY = json.dumps(
    {"Type": "Notification", "MessageId": "m", "TopicArn": TOPIC, "Message": "disk full"}
).encode()


class Web(Fetcher):
    """What is to be had where; an exception is what comes of asking."""

    def __init__(self) -> None:
        super().__init__()
        self.pages: dict[str, bytes | FetchError] = {
            SNS_ADDRESS: leaf(SNS_NAME).pem,
            ISSUER_AT: intermediate().der,
        }
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self, address: str) -> bytes:
        self.asked.append(address)
        await self.gate.wait()
        page = self.pages.get(address, FetchError("the answer was 404"))
        if isinstance(page, FetchError):
            raise page
        return page

    async def roots(self) -> list[bytes]:
        return [root().der, b"an old root that cannot be read"]


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def known(web: Web, clock: ManualClock) -> KnownCertificates:
    return KnownCertificates(web, clock)


def scheme() -> CertifiedScheme:
    source = compile_source({"preset": "aws-sns", "topics": [TOPIC]}, [])
    assert source.certified is not None
    return source.certified


def message(clock: ManualClock, *, by: Issued | None = None, address: str = SNS_ADDRESS) -> bytes:
    return sns_seal(BODY, clock().timestamp(), by=by, address=address)


async def ask(
    known: KnownCertificates, clock: ManualClock, body: bytes | None = None
) -> Refusal | None:
    body = message(clock) if body is None else body
    return await known.verify(scheme(), headers_of({}), body, clock().timestamp())


async def code(
    known: KnownCertificates, clock: ManualClock, body: bytes | None = None
) -> str | None:
    refusal = await ask(known, clock, body)
    return None if refusal is None else refusal.code


async def test_it_is_fetched_with_its_issuers_once_for_all_that_name_it(
    known: KnownCertificates, web: Web, clock: ManualClock
) -> None:
    assert [await code(known, clock) for _ in range(3)] == [None] * 3
    assert await code(known, clock, message(clock, by=stranger())) == "signature-mismatch"

    assert web.asked == [SNS_ADDRESS, ISSUER_AT]


async def test_those_who_ask_at_once_wait_for_one_answer(
    known: KnownCertificates, web: Web, clock: ManualClock
) -> None:
    web.gate.clear()
    asking = [asyncio.create_task(code(known, clock)) for _ in range(20)]
    await wait_until(lambda: web.asked, "it is asked for")
    asking[0].cancel()  # its sender is gone; the others are not
    web.gate.set()

    results = await asyncio.gather(*asking, return_exceptions=True)

    assert results[1:] == [None] * 19
    assert web.asked == [SNS_ADDRESS, ISSUER_AT]


async def test_a_chain_that_comes_whole_needs_nothing_else(
    known: KnownCertificates, web: Web, clock: ManualClock
) -> None:
    web.pages = {SNS_ADDRESS: leaf(SNS_NAME).pem + intermediate().pem}

    assert await code(known, clock) is None
    assert web.asked == [SNS_ADDRESS]


async def test_what_cannot_be_fetched_is_503_and_is_asked_for_again_later(
    known: KnownCertificates, web: Web, clock: ManualClock
) -> None:
    good = web.pages[SNS_ADDRESS]
    web.pages[SNS_ADDRESS] = FetchError("no answer within 5 s")

    first = await ask(known, clock)
    again = await ask(known, clock)
    assert first is not None
    assert (first.status, first.code) == (503, "certificate-unavailable")
    assert "no answer within 5 s" in first.reason
    assert "certificates: FILE" in first.reason
    assert again == first
    assert web.asked == [SNS_ADDRESS]

    web.pages[SNS_ADDRESS] = good
    clock.forward(21_000)
    assert await ask(known, clock) is None


async def test_an_issuer_that_cannot_be_fetched_is_503_too(
    known: KnownCertificates, web: Web, clock: ManualClock
) -> None:
    del web.pages[ISSUER_AT]

    refusal = await ask(known, clock)

    assert refusal is not None
    assert refusal.status == 503


@pytest.mark.parametrize("content", [b"", b"<html>", stranger().pem, b"-----BEGIN"])
async def test_what_does_not_count_is_503_and_not_fetched_for_each_request(
    known: KnownCertificates, web: Web, clock: ManualClock, content: bytes
) -> None:
    web.pages[SNS_ADDRESS] = content
    body = message(clock, by=stranger())

    refusals = [await ask(known, clock, body) for _ in range(5)]

    assert {(each.status, each.code) for each in refusals if each} == {
        (503, "certificate-untrusted")
    }
    assert web.asked == [SNS_ADDRESS]


async def test_one_that_has_ended_does_not_count(
    known: KnownCertificates, web: Web, clock: ManualClock
) -> None:
    ended = issue(
        "ended yesterday",
        intermediate(),
        hosts=[SNS_NAME],
        ends=datetime.fromtimestamp(clock().timestamp(), UTC) - timedelta(days=1),
    )
    web.pages[SNS_ADDRESS] = ended.pem + intermediate().pem

    assert await code(known, clock, message(clock, by=ended)) == "certificate-untrusted"


async def test_it_is_looked_at_again_each_day_and_kept_while_it_cannot_be_had(
    known: KnownCertificates, web: Web, clock: ManualClock
) -> None:
    assert await code(known, clock) is None
    clock.forward(25 * HOUR_MS)
    web.pages = {}

    assert await code(known, clock) is None
    assert await code(known, clock) is None
    assert web.asked.count(SNS_ADDRESS) == 2
    clock.forward(21_000)
    assert await code(known, clock) is None
    assert web.asked.count(SNS_ADDRESS) == 3


async def test_one_that_ended_meanwhile_is_not_used_though_it_is_remembered(
    known: KnownCertificates, web: Web, clock: ManualClock
) -> None:
    soon = issue(
        "ends soon",
        intermediate(),
        hosts=[SNS_NAME],
        ends=datetime.fromtimestamp(clock().timestamp(), UTC) + timedelta(hours=1),
    )
    web.pages[SNS_ADDRESS] = soon.pem + intermediate().pem
    assert await code(known, clock, message(clock, by=soon)) is None
    clock.forward(2 * HOUR_MS)
    web.pages = {}

    assert await code(known, clock, message(clock, by=soon)) == "certificate-expired"


async def test_strangers_cannot_have_more_fetched_than_a_few_a_minute(
    known: KnownCertificates, web: Web, clock: ManualClock
) -> None:
    made_up = [
        message(clock, by=stranger(), address=SNS_ADDRESS.replace("0123", f"{number:04}"))
        for number in range(100)
    ]

    codes = [await code(known, clock, body) for body in made_up]

    assert set(codes) == {"certificate-unavailable"}
    assert len(web.asked) == 20
    assert await code(known, clock) == "certificate-unavailable"
    clock.forward(61_000)
    assert await code(known, clock) is None


async def test_what_is_known_already_is_used_whatever_strangers_ask_for(
    known: KnownCertificates, web: Web, clock: ManualClock
) -> None:
    assert await code(known, clock) is None
    for number in range(200):
        clock.forward(4_000)
        other = SNS_ADDRESS.replace("0123", f"{number:04}")
        await code(known, clock, message(clock, by=stranger(), address=other))
    asked = len(web.asked)
    assert await code(known, clock) is None
    assert len(web.asked) == asked
    assert len(known._bad) == 64


async def test_one_that_is_to_be_looked_at_again_is_used_while_strangers_ask_for_too_many(
    known: KnownCertificates, web: Web, clock: ManualClock
) -> None:
    assert await code(known, clock) is None
    clock.forward(25 * HOUR_MS)
    for number in range(30):
        other = SNS_ADDRESS.replace("0123", f"{number:04}")
        await code(known, clock, message(clock, by=stranger(), address=other))

    assert await code(known, clock) is None


async def test_a_request_that_is_not_proven_anyway_has_nothing_fetched(
    known: KnownCertificates, web: Web, clock: ManualClock
) -> None:
    body = json.loads(message(clock))
    for spoilt in ({"Signature": ""}, {"TopicArn": TOPIC + "-x"}, {"SigningCertURL": "https://a"}):
        assert await code(known, clock, json.dumps({**body, **spoilt}).encode()) is not None

    assert web.asked == []
