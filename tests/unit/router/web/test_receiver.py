"""Whatever comes to a connector is answered, counted, and noted where it was refused."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from router.sources.source import Source
from tests.support.senders import Request, order, shopify
from tests.support.site import OPEN, SHOP, Site
from tests.support.slow_redis import SlowRedis
from tests.support.waiting import wait_until

GOOD = shopify(order(1001), "delivery-a")
ANYBODY = Request("open", b"{}", {"Content-Type": "application/json"})
FORGED = GOOD.with_headers(X_Shopify_Hmac_Sha256=None)


def counted(connector: str, outcome: str) -> float:
    labels = {"connector": connector, "outcome": outcome}
    return REGISTRY.get_sample_value("hookyard_requests_total", labels) or 0


def timed() -> float:
    return REGISTRY.get_sample_value("hookyard_request_seconds_count") or 0


async def test_what_is_accepted_is_counted_and_timed(site: Site) -> None:
    await site.use(SHOP)
    before, timed_before = counted("shop", "accepted"), timed()

    for _ in range(3):
        await site.send(GOOD)

    assert (counted("shop", "accepted") - before, timed() - timed_before) == (3, 3)
    assert await site.refusals() == []


async def test_what_is_refused_is_counted_by_its_reason_and_not_timed(site: Site) -> None:
    await site.use(SHOP)
    before, timed_before = counted("shop", "signature-missing"), timed()

    await site.send(FORGED)

    assert counted("shop", "signature-missing") - before == 1
    assert timed() == timed_before


async def test_names_that_strangers_make_up_are_counted_as_one(site: Site) -> None:
    await site.use(SHOP)
    before = counted("(unknown)", "unknown-connector")

    for name in ("one", "two"):
        await site.send(Request(name, b"{}"))

    assert counted("(unknown)", "unknown-connector") - before == 2
    assert counted("one", "unknown-connector") == 0


@pytest.mark.parametrize("name", ["A", "%00", "a" * 64, "-a", "a%0Ab", "..%2fa", "a%20b"])
async def test_of_a_name_that_can_be_none_nothing_is_kept(site: Site, name: str) -> None:
    await site.use(SHOP)

    answer = await site.exchange(
        b"POST /hooks/%b HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" % name.encode()
    )

    assert answer.startswith(b"HTTP/1.1 404 ")
    assert await site.reasons() == [("(no such name)", 404, "unknown-connector")]


async def test_a_name_that_could_be_one_is_shown_to_operators(site: Site) -> None:
    await site.use(SHOP)

    await site.send(Request("shopp", b"{}"))

    assert await site.reasons() == [("shopp", 404, "unknown-connector")]


async def test_headers_that_prove_the_sender_are_not_recorded(site: Site) -> None:
    await site.use(SHOP)

    await site.send(Request("shop", b"{}", GOOD.headers))

    (refusal,) = await site.refusals()
    assert refusal["headers"]["x-shopify-hmac-sha256"] == "[redacted]"
    assert refusal["headers"]["x-shopify-topic"] == "orders/create"
    assert refusal["remote"] == "127.0.0.1"


async def test_a_mistake_of_ours_is_503_and_logged_and_nothing_is_stored(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.use(SHOP)

    def fail(*_: object) -> None:
        raise KeyError("a mistake")

    monkeypatch.setattr(Source, "name", fail)
    with capture_logs() as logs:
        answer = await site.send(GOOD)

    assert answer.status == 503
    assert (await answer.json(content_type=None))["code"] == "unexpected"
    assert answer.headers["Retry-After"] == "30"
    assert "reception_failed" in [line["event"] for line in logs]
    assert await site.events() == []
    assert await site.reasons() == [("shop", 503, "unexpected")]


async def test_draining_waits_for_what_is_in_hand_and_closes_connections(
    site: Site, redis: SlowRedis
) -> None:
    await site.use(OPEN)
    redis.gate.clear()
    sending = asyncio.create_task(site.send(ANYBODY))
    await wait_until(lambda: redis.begun, "the write is under way")
    draining = asyncio.create_task(site.receiver.drain(10))
    await asyncio.sleep(0)

    assert not draining.done()
    redis.gate.set()
    answer = await sending

    assert answer.status == 202
    assert answer.headers["Connection"] == "close"
    assert await draining


async def test_draining_ends_in_time(site: Site, redis: SlowRedis) -> None:
    await site.use(OPEN)
    redis.gate.clear()
    sending = asyncio.create_task(site.send(ANYBODY))
    await wait_until(lambda: redis.begun, "the write is under way")

    assert not await site.receiver.drain(0.01)
    assert site.receiver.in_hand == 1

    redis.gate.set()
    await sending
    assert await site.receiver.drain(0.01)


async def test_who_has_nothing_in_hand_is_drained_at_once(site: Site) -> None:
    assert await site.receiver.drain(0)


async def test_while_draining_refusals_close_the_connection_too(site: Site) -> None:
    await site.use(SHOP)
    await site.receiver.drain(1)

    answer = await site.send(FORGED)

    assert (answer.status, answer.headers["Connection"]) == (401, "close")
