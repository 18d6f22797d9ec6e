"""Which address is answered by what, through the router and past it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from router.core.store.engine import Store
from tests.support.manual_clock import ManualClock
from tests.support.senders import Request, shopify
from tests.support.site import OPEN, SHOP, Site, open_site


@pytest.fixture(params=["past the router", "through the router"])
async def any_site(
    request: pytest.FixtureRequest, redis: Redis, store: Store, clock: ManualClock
) -> AsyncIterator[Site]:
    through_router = request.param == "through the router"
    async with open_site(redis, store, clock, through_router=through_router) as opened:
        await opened.use(SHOP, OPEN)
        yield opened


@pytest.mark.parametrize("query", ["", "?a=1", "?a=1&b=/c"])
async def test_a_connector_is_reached_by_its_name(any_site: Site, query: str) -> None:
    answer = await any_site.send(shopify(b"{}", "d-1", connector=f"shop{query}"))

    assert answer.status == 202
    (event,) = await any_site.events()
    assert event.connector == "shop"


@pytest.mark.parametrize("path", ["/hooks/Shop", "/hooks/shop%2F", "/hooks/%2e%2e", "/hooks/"])
async def test_a_name_that_is_not_quite_one_is_404(any_site: Site, path: str) -> None:
    raw = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode()

    assert (await any_site.exchange(raw)).startswith(b"HTTP/1.1 404 ")
    assert await any_site.events() == []


@pytest.mark.parametrize("path", ["/hooks", "/hooks/shop/", "/hooks/shop/more", "/api/hooks/shop"])
async def test_what_is_no_connector_is_404(any_site: Site, path: str) -> None:
    async with any_site.client.post(path, data=b"{}") as answer:
        assert answer.status == 404
        assert answer.content_type == "application/problem+json"
    assert await any_site.refusals() == []


async def test_the_other_addresses_are_answered(any_site: Site) -> None:
    for path in ("/healthz", "/readyz", "/api/v1/stats"):
        await any_site.get(path)


async def test_one_connection_serves_them_all(any_site: Site) -> None:
    note = Request("open", b"{}", {"Content-Type": "application/json"})
    for _ in range(2):
        assert (await any_site.send(note)).status == 202
        await any_site.get("/healthz")
        assert (await any_site.send(Request("gone", b"{}"))).status == 404
