"""`/api/v1/stats`."""

from __future__ import annotations

from tests.support.senders import Request
from tests.support.site import OPEN, RULES_HASH, SHOP, Site

NOTE = Request("open", b"{}", {"Content-Type": "application/json"})


async def test_the_backlog_and_its_age_are_shown(site: Site) -> None:
    await site.use(OPEN, SHOP)
    for _ in range(2):
        await site.send(NOTE)
        site.clock.forward(1500)

    assert await site.get("/api/v1/stats") == {
        "backlog": {"events": 2, "age_seconds": 3.0},
        "rules": {"hash": RULES_HASH},
        "connectors": 2,
    }


async def test_where_nothing_waits_there_is_no_age(site: Site) -> None:
    assert await site.get("/api/v1/stats") == {
        "backlog": {"events": 0, "age_seconds": 0.0},
        "rules": {"hash": None},
        "connectors": 0,
    }


async def test_a_clock_that_goes_back_makes_no_age_below_none(site: Site) -> None:
    await site.use(OPEN)
    await site.send(NOTE)
    site.clock.forward(-5000)

    assert (await site.get("/api/v1/stats"))["backlog"] == {"events": 1, "age_seconds": 0}
