"""`/api/v1/refusals`."""

from __future__ import annotations

import pytest

from router.core.intake_table import RateLimit
from tests.support.rows import HOUR_MS, NOW_MS, refusal_row
from tests.support.senders import shopify
from tests.support.site import SHOP, Site


async def connectors_of(site: Site, query: str) -> list[str]:
    answer = await site.get(f"/api/v1/refusals?{query}")
    return [refusal["connector"] for refusal in answer["data"]]


async def add(site: Site) -> None:
    """Write three refusals that differ."""
    rows = [
        refusal_row(connector="a", status=401),
        refusal_row(connector="b", status=429, code="rate-limited", remote="2001:db8::7"),
        refusal_row(connector="c", status=401, at_ms=NOW_MS + HOUR_MS),
    ]
    await site.recorder._save(rows)


async def test_a_refusal_says_why_and_keeps_credentials_and_body_to_itself(site: Site) -> None:
    await site.use(SHOP)
    forged = shopify(b'{"canary": 1}', "d-1").with_headers(
        x_shopify_hmac_sha256="canary", authorization="Bearer canary"
    )
    await site.send(forged)
    await site.recorder.close()

    answer = await site.get("/api/v1/refusals")

    (refusal,) = answer["data"]
    assert (refusal["connector"], refusal["status"]) == ("shop", 401)
    assert refusal["at"] == "2026-11-23T09:12:45.120Z"
    assert refusal["headers"]["x-shopify-hmac-sha256"] == "[redacted]"
    assert refusal["headers"]["x-shopify-topic"] == "orders/create"
    assert "canary" not in str(answer)


async def test_the_newest_comes_first_page_after_page(site: Site) -> None:
    await add(site)

    first = await site.get("/api/v1/refusals?limit=2")
    second = await site.get(f"/api/v1/refusals?limit=2&cursor={first['next_cursor']}")

    shown = [row["connector"] for page in (first, second) for row in page["data"]]
    assert shown == ["c", "b", "a"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("connector=b", ["b"]),
        ("status=401", ["c", "a"]),
        ("status=500", []),
        ("code=rate-limited", ["b"]),
        ("code=%00", []),
        ("remote=2001:db8::7", ["b"]),
        ("remote=203.0.113.9&status=401", ["c", "a"]),
        ("since=2026-11-23T10:00:00Z", ["c"]),
        ("until=2026-11-23T10:00:00Z", ["b", "a"]),
        ("status=401&until=2026-11-23T10:00:00Z", ["a"]),
    ],
)
async def test_filters(site: Site, query: str, expected: list[str]) -> None:
    await add(site)

    assert await connectors_of(site, query) == expected


@pytest.mark.parametrize("status", ["", "4", "4011", "abc", "-40", "٤٠١"])
async def test_a_status_that_is_none_is_refused(site: Site, status: str) -> None:
    problem = await site.get(f"/api/v1/refusals?status={status}", status=400)

    assert (problem["code"], problem["detail"]) == (
        "bad-filter",
        "status is that of an answer, such as 401",
    )


async def test_a_cursor_of_another_list_is_refused(site: Site) -> None:
    assert (await site.get("/api/v1/refusals?cursor=MQ", status=400))["code"] == "bad-cursor"


async def test_what_was_beyond_the_limit_is_one_refusal_with_its_count(site: Site) -> None:
    rate = RateLimit(count=1, span_ms=3_600_000, burst=1)
    await site.use(SHOP.model_copy(update={"rate": rate}))
    for number in range(4):
        await site.send(shopify(b"{}", f"d-{number}"))
    await site.recorder.close()

    (refusal,) = (await site.get("/api/v1/refusals?status=429"))["data"]

    assert refusal["code"] == "rate-limited"
    assert refusal["reason"].startswith("3 refusals within this minute")
