"""`/api/v1/connectors`."""

from __future__ import annotations

from router.core.intake_table import ConnectorIntake
from tests.support.site import BASE_URL, OPEN, SHOP, Site


async def test_connectors_are_listed_by_name(site: Site) -> None:
    custom = ConnectorIntake(
        name="custom", source={"header": "X-Key"}, secrets=("shop_webhook",), body_limit=10
    )
    await site.use(SHOP, custom, OPEN.model_copy(update={"reply": "routed"}))

    answer = await site.get("/api/v1/connectors")

    assert answer["next_cursor"] is None
    assert answer["data"][0] == {
        "name": "custom",
        "source": "header",
        "url": f"{BASE_URL}/hooks/custom",
        "reply": "accepted",
        "body_limit": 10,
        "problem": None,
    }
    shown = [
        (one["name"], one["source"], one["reply"], one["body_limit"]) for one in answer["data"]
    ]
    assert shown[1:] == [("open", "none", "routed", 1000), ("shop", "shopify", "accepted", 1000)]


async def test_what_keeps_one_from_working_is_said_without_a_secret(site: Site) -> None:
    del site.secrets["shop_webhook"]
    await site.use(SHOP)

    (connector,) = (await site.get("/api/v1/connectors"))["data"]

    assert "HOOKYARD_SECRET_SHOP_WEBHOOK" in connector["problem"]


async def test_before_there_are_rules_there_is_none(site: Site) -> None:
    assert await site.get("/api/v1/connectors") == {"data": [], "next_cursor": None}


async def test_there_is_nothing_to_filter_by(site: Site) -> None:
    assert (await site.get("/api/v1/connectors?name=shop", status=400))["code"] == "bad-filter"
