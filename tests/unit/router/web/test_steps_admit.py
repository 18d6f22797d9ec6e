"""A connector with `allow` takes webhooks from its addresses alone, through proxies too."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from router.core.intake_table import ConnectorIntake
from router.core.networks import Networks, parse_network
from router.core.store.engine import Store
from router.web.remote import Proxies
from router.web.steps import STEPS
from tests.support.manual_clock import ManualClock
from tests.support.senders import Request, order, shopify
from tests.support.site import Site, open_site
from tests.support.slow_redis import SlowRedis

SENDER = "203.0.113.9"
STRANGER = "198.51.100.1"
HERE = "127.0.0.1"
JSON = {"Content-Type": "application/json"}
CONNECTORS = (
    ConnectorIntake(
        name="shop",
        source={"preset": "shopify"},
        secrets=("shop_webhook",),
        allow=("203.0.113.0/24", "2001:db8::/32"),
        body_limit=500,
    ),
    ConnectorIntake(name="here", source={"preset": "none"}, allow=(HERE,)),
    ConnectorIntake(name="open", source={"preset": "none"}),
    ConnectorIntake(
        name="pings",
        source={"preset": "woocommerce"},
        secrets=("shop_webhook",),
        allow=("203.0.113.0/24",),
    ),
)


@pytest.fixture
async def behind_proxy(redis: SlowRedis, store: Store, clock: ManualClock) -> AsyncIterator[Site]:
    proxies = Proxies([parse_network(HERE)])
    async with open_site(redis, store, clock, proxies=proxies) as site:
        await site.use(*CONNECTORS)
        yield site


@pytest.fixture
async def direct(site: Site) -> Site:
    await site.use(*CONNECTORS)
    return site


def from_address(request: Request, address: str | None) -> Request:
    return request.with_headers(x_forwarded_for=address)


GOOD = shopify(order(1001), "delivery-a")
NOTE = Request("open", b"{}", JSON)


async def answers(site: Site, *requests: Request) -> list[int]:
    return [(await site.send(request)).status for request in requests]


async def senders(site: Site) -> list[str]:
    """Return who sent what is stored, in the order of the addresses' texts."""
    return sorted(str(event.remote) for event in await site.events())


async def test_only_the_named_addresses_are_let_in(behind_proxy: Site) -> None:
    sent = [from_address(GOOD, address) for address in (SENDER, "2001:db8::7", f"::ffff:{SENDER}")]
    strange = [from_address(GOOD, address) for address in (STRANGER, "2001:db9::7")]

    assert await answers(behind_proxy, *sent, *strange) == [202, 202, 202, 401, 401]
    assert await senders(behind_proxy) == ["2001:db8::7", SENDER, SENDER]


async def test_what_a_sender_adds_in_front_does_not_let_it_in(behind_proxy: Site) -> None:
    spoofed = [
        from_address(GOOD, f"{SENDER}, {STRANGER}"),
        from_address(GOOD, STRANGER).with_headers(forwarded=f"for={SENDER}"),
        from_address(GOOD, None).with_headers(forwarded=f"for={SENDER}, for={STRANGER}"),
        from_address(GOOD, STRANGER).with_headers(x_real_ip=SENDER),
        from_address(GOOD, f"{SENDER}, unknown"),
    ]

    assert await answers(behind_proxy, *spoofed) == [401] * len(spoofed)
    assert await behind_proxy.events() == []


async def test_without_a_trusted_proxy_the_peer_alone_counts(direct: Site) -> None:
    to_here = from_address(Request("here", b"{}", JSON), STRANGER)

    assert await answers(direct, from_address(GOOD, SENDER), to_here) == [401, 202]
    (event,) = await direct.events()
    assert event.remote == HERE


async def test_connectors_without_the_list_take_webhooks_from_anywhere(behind_proxy: Site) -> None:
    sent = [from_address(NOTE, address) for address in (STRANGER, None, "unknown")]

    assert await answers(behind_proxy, *sent) == [202, 202, 202]
    assert await senders(behind_proxy) == [HERE, HERE, STRANGER]


async def test_a_stranger_is_told_what_a_forger_is_told(behind_proxy: Site) -> None:
    forged = GOOD.with_headers(x_shopify_hmac_sha256="A" * 43 + "=")
    elsewhere = await behind_proxy.send(from_address(GOOD, STRANGER))
    forger = await behind_proxy.send(from_address(forged, SENDER))

    assert (elsewhere.status, await elsewhere.read()) == (forger.status, await forger.read())
    assert elsewhere.headers["WWW-Authenticate"] == forger.headers["WWW-Authenticate"]
    told = await elsewhere.text()
    assert "not-proven" in told
    assert STRANGER not in told
    assert "allow" not in told


async def test_operators_are_told_the_address_and_what_to_do(behind_proxy: Site) -> None:
    await behind_proxy.send(from_address(GOOD, STRANGER))
    await behind_proxy.send(from_address(GOOD, "unknown"))

    of = {row["remote"]: row for row in await behind_proxy.refusals()}
    unknown, stranger = of[HERE], of[STRANGER]
    assert (stranger["status"], stranger["code"]) == (401, "address-not-allowed")
    assert stranger["remote"] == STRANGER
    assert stranger["reason"] == f"{STRANGER} is not among the addresses in `allow`"
    assert unknown["remote"] == HERE
    assert unknown["reason"].startswith("who sent it cannot be told: X-Forwarded-For, from the")
    assert unknown["headers"]["x-forwarded-for"] == "unknown"


async def test_a_proxy_that_nobody_named_is_suspected(direct: Site) -> None:
    await direct.send(from_address(GOOD, SENDER))
    await direct.send(GOOD)

    plain = f"{HERE} is not among the addresses in `allow`"
    advice = "; if that is your proxy, name it in HOOKYARD_TRUSTED_PROXIES"
    assert {row["reason"] for row in await direct.refusals()} == {plain, plain + advice}


async def test_a_handshake_is_answered_to_the_named_addresses_alone(behind_proxy: Site) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    ping = Request("pings", b"webhook_id=7", form)

    assert await answers(
        behind_proxy, from_address(ping, SENDER), from_address(ping, STRANGER)
    ) == [200, 401]


async def test_what_is_too_large_is_told_so_from_anywhere_and_before_the_address(
    behind_proxy: Site,
) -> None:
    large = Request("shop", b"x" * 501, JSON)

    assert await answers(behind_proxy, from_address(large, STRANGER)) == [413]


def test_the_address_is_looked_at_before_anything_is_compared_or_parsed() -> None:
    names = [step.__name__ for step in STEPS]

    assert names.index("read") < names.index("admit") < names.index("prove")


def test_a_connector_says_its_addresses_in_the_published_table() -> None:
    intake = ConnectorIntake.model_validate_json(CONNECTORS[0].model_dump_json())

    assert intake == CONNECTORS[0]
    assert intake.allow is not None
    assert list(map(str, intake.allow)) == ["203.0.113.0/24", "2001:db8::/32"]
    assert Networks(intake.allow)
