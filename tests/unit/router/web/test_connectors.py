"""The connectors in force: read from Redis, compiled, kept through all that may go wrong."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import fakeredis
import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from router.core import keys
from router.core.intake_table import ConnectorIntake, publish
from router.core.redaction import REDACTED, scrub
from router.core.settings import Secrets, load_settings
from router.web import connectors as module
from router.web.connectors import Connectors
from tests.support.senders import SECRETS
from tests.support.site import ALERTS, OPEN, SHOP, secrets_of, table
from tests.support.waiting import wait_until


@pytest.fixture
def secrets() -> dict[str, str]:
    return dict(SECRETS)


@pytest.fixture
def connectors(redis: Redis, secrets: dict[str, str]) -> Connectors:
    return Connectors(redis, secrets_of(secrets), body_limit=1000)


async def test_before_a_table_is_published_there_is_none(connectors: Connectors) -> None:
    await connectors.refresh()

    assert (connectors.hash, connectors.find("shop"), dict(connectors.by_name)) == (None, None, {})


async def test_a_published_table_is_put_in_force(redis: Redis, connectors: Connectors) -> None:
    await publish(redis, table(SHOP, OPEN.model_copy(update={"body_limit": 10})))
    with capture_logs() as logs:
        await connectors.refresh()

    shop, door = connectors.find("shop"), connectors.find("open")
    assert shop is not None
    assert door is not None
    assert connectors.hash == "c0ffee"
    assert (shop.body_limit, door.body_limit) == (1000, 10)
    assert shop.source is not None
    assert shop.problem is None
    assert repr(shop) == "<Connector shop>"
    assert [entry["event"] for entry in logs] == ["intake_table_in_force"]


async def test_a_connector_that_is_no_longer_there_is_gone(
    redis: Redis, connectors: Connectors
) -> None:
    for intakes in ((SHOP, OPEN), (OPEN,)):
        await publish(redis, table(*intakes))
        await connectors.refresh()

    assert list(connectors.by_name) == ["open"]


async def test_what_did_not_change_is_not_compiled_anew(
    redis: Redis, connectors: Connectors
) -> None:
    await publish(redis, table(SHOP, OPEN))
    await connectors.refresh()
    shop, door = connectors.find("shop"), connectors.find("open")

    await publish(redis, table(SHOP, OPEN.model_copy(update={"body_limit": 5}), rules_hash="new"))
    await connectors.refresh()

    assert connectors.hash == "new"
    assert connectors.find("shop") is shop
    assert connectors.find("open") is not door


async def test_a_table_that_cannot_be_read_changes_nothing(
    redis: Redis, connectors: Connectors
) -> None:
    await publish(redis, table(SHOP))
    await connectors.refresh()
    await redis.set(keys.INTAKE_TABLE, json.dumps({"hash": "x", "canary": 1}))
    with capture_logs() as logs:
        for _ in range(3):
            await connectors.refresh()

    assert connectors.hash == "c0ffee"
    assert connectors.find("shop") is not None
    assert [entry["event"] for entry in logs] == ["intake_table_unreadable"]
    assert "canary" not in str(logs)


async def test_a_table_that_is_deleted_stays_in_force(redis: Redis, connectors: Connectors) -> None:
    await publish(redis, table(SHOP))
    await connectors.refresh()
    await redis.delete(keys.INTAKE_TABLE)

    await connectors.refresh()

    assert connectors.find("shop") is not None


async def test_a_missing_secret_is_a_problem_until_it_is_there(
    redis: Redis, connectors: Connectors, secrets: dict[str, str]
) -> None:
    value = secrets.pop("shop_webhook")
    await publish(redis, table(SHOP))
    with capture_logs() as logs:
        await connectors.refresh()
        await connectors.refresh()
    before = connectors.find("shop")
    secrets["shop_webhook"] = value
    await connectors.refresh()
    after = connectors.find("shop")

    assert before is not None
    assert before.source is None
    assert "HOOKYARD_SECRET_SHOP_WEBHOOK" in str(before.problem)
    assert [entry["event"] for entry in logs].count("connector_not_ready") == 1
    assert after is not None
    assert (after.source is not None, after.problem) == (True, None)


async def test_a_secret_that_is_rotated_is_seen(
    redis: Redis, connectors: Connectors, secrets: dict[str, str]
) -> None:
    await publish(redis, table(SHOP))
    await connectors.refresh()
    before = connectors.find("shop")
    secrets["shop_webhook"] = "rotated-secret-9a"

    await connectors.refresh(secrets_too=False)
    assert connectors.find("shop") is before
    await connectors.refresh()

    after = connectors.find("shop")
    assert after is not before
    assert after is not None
    assert after.material is not None
    assert after.material.secrets == ("rotated-secret-9a",)
    assert scrub("a rotated-secret-9a b") == f"a {REDACTED} b"


async def test_a_source_that_cannot_be_compiled_is_a_problem_of_its_connector_alone(
    redis: Redis, connectors: Connectors
) -> None:
    odd = ConnectorIntake(name="odd", source={"preset": "of a later release"})
    await publish(redis, table(odd, OPEN))
    for _ in range(2):
        await connectors.refresh()

    found = connectors.find("odd")
    assert found is not None
    assert (found.source, found.problem) == (None, "source.preset is not a preset")
    assert connectors.find("open") is not None


async def test_the_table_is_looked_at_again_and_again_through_an_outage(
    redis: Redis,
    redis_server: fakeredis.FakeServer,
    connectors: Connectors,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_EVERY_S", 0.001)
    looked = 0
    refresh = connectors.refresh

    async def counted(*, secrets_too: bool = True) -> None:
        nonlocal looked
        looked += 1
        await refresh(secrets_too=secrets_too)

    monkeypatch.setattr(connectors, "refresh", counted)
    await publish(redis, table(SHOP))
    running = asyncio.create_task(connectors.run())
    try:
        await wait_until(lambda: connectors.hash == "c0ffee", "the table is in force")
        redis_server.connected = False
        seen = looked
        await wait_until(lambda: looked > seen + 2, "it is looked at while Redis is away")
        assert connectors.find("shop") is not None
        redis_server.connected = True
        await publish(redis, table(SHOP, OPEN, rules_hash="new"))
        await wait_until(lambda: connectors.find("open"), "the new table is in force")
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_secrets_are_looked_up_each_tenth_round(
    connectors: Connectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_EVERY_S", 0)
    rounds: list[bool] = []

    async def noted(*, secrets_too: bool = True) -> None:
        rounds.append(secrets_too)

    monkeypatch.setattr(connectors, "refresh", noted)
    running = asyncio.create_task(connectors.run())
    await wait_until(lambda: len(rounds) > 20, "twenty rounds")
    running.cancel()
    await asyncio.wait([running])

    assert [at for at, secrets_too in enumerate(rounds) if secrets_too][:3] == [0, 10, 20]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "is not set; looked in HOOKYARD_SECRET_SHOP_WEBHOOK"),
        ("  ", "a secret is empty"),
        ("\n", "a secret is empty"),
        ("canary-\udcff\udcfe", "a secret is not text in UTF-8"),
        (None, "cannot be read"),
    ],
    ids=["unset", "blank", "line break", "no UTF-8", "no file"],
)
async def test_a_secret_that_cannot_be_used_stops_its_connector_and_no_other(
    redis: Redis, secrets: dict[str, str], tmp_path: Path, value: str | None, words: str
) -> None:
    if value is None:
        settings = load_settings(secrets_dir=tmp_path)
        variables = {"HOOKYARD_SECRET_SHOP_WEBHOOK_FILE": str(tmp_path)}
        given = Secrets(settings, {**variables, "HOOKYARD_SECRET_ALERTS_TOKEN": "token"})
    else:
        given = secrets_of({**secrets, "shop_webhook": value})
    connectors = Connectors(redis, given)
    await publish(redis, table(SHOP, ALERTS, OPEN))

    for _ in range(2):
        await connectors.refresh()

    shop = connectors.find("shop")
    assert shop is not None
    assert shop.source is None
    assert words in str(shop.problem)
    assert "canary" not in str(shop.problem)
    for name in ("alerts", "open"):
        other = connectors.find(name)
        assert other is not None
        assert other.source is not None
