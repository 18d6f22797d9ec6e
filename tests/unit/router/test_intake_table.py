from __future__ import annotations

import fakeredis
import pytest
from pydantic import ValidationError

from router.core import keys
from router.core.intake_table import (
    ConnectorIntake,
    IntakeTable,
    Published,
    fetch,
    publish,
    published,
)

TABLE = IntakeTable(
    hash="abc",
    connectors={
        "shop": ConnectorIntake(
            name="shop", source={"preset": "shopify"}, secrets=("shop_webhook",), reply="routed"
        )
    },
)


@pytest.mark.parametrize(
    ("public_url", "address"),
    [
        (None, "https://base.example/up/hooks/till"),
        ("https://x.example", "https://x.example/hooks/till"),
        ("http://x.example:81/", "http://x.example:81/hooks/till"),
        ("https://x.example/till", "https://x.example/till"),
        ("https://x.example/a/", "https://x.example/a/"),
    ],
)
def test_a_host_alone_is_followed_by_the_usual_path(public_url: str | None, address: str) -> None:
    intake = ConnectorIntake(name="till", source={"preset": "square"}, public_url=public_url)

    assert intake.address("https://base.example/up") == address


async def test_what_is_published_is_fetched() -> None:
    redis = fakeredis.FakeAsyncRedis()

    await publish(redis, TABLE)

    assert await fetch(redis) == TABLE


async def test_before_anything_was_published_there_is_no_table() -> None:
    assert await fetch(fakeredis.FakeAsyncRedis()) is None


async def test_a_later_table_replaces_an_earlier_one() -> None:
    redis = fakeredis.FakeAsyncRedis()
    await publish(redis, TABLE)

    await publish(redis, IntakeTable(hash="def"))

    assert await fetch(redis) == IntakeTable(hash="def", connectors={})


async def test_of_which_set_the_table_is_and_since_when_is_known_without_reading_it() -> None:
    redis = fakeredis.FakeAsyncRedis()
    assert await published(redis) is None

    await publish(redis, TABLE, at_ms=17)
    assert await published(redis) == Published("abc", 17)

    await redis.delete(keys.INTAKE_TABLE)
    assert await published(redis) is None


async def test_a_table_that_is_none_is_an_error_and_not_an_empty_table() -> None:
    redis = fakeredis.FakeAsyncRedis()
    await redis.set(keys.INTAKE_TABLE, '{"hash": "a", "surprise": 1}')

    with pytest.raises(ValidationError):
        await fetch(redis)


def test_a_connector_leaves_its_body_limit_to_the_settings_by_default() -> None:
    assert TABLE.connectors["shop"].body_limit is None


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(ValidationError):
        ConnectorIntake(name="shop", source={"preset": "none"}, body_limit=0)
