"""CloudEvents through HTTP: the handshake, and its three modes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client import REGISTRY

from router.core.intake_table import ConnectorIntake
from tests.support.site import Site

TOKEN = "test-secret-of-the-events-0b3e"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
EVENT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "order.created"}


async def use(site: Site, **options: Any) -> None:
    source = {"preset": "cloudevents", **options}
    site.secrets["other"] = TOKEN
    await site.use(ConnectorIntake(name="events", source=source, secrets=("other",)))


async def ask(
    site: Site, method: str, headers: Mapping[str, str], body: bytes | None = None, query: str = ""
) -> tuple[int, Mapping[str, str]]:
    async with site.client.request(
        method, "/hooks/events" + query, data=body, headers=headers
    ) as answer:
        await answer.read()
        return answer.status, answer.headers.copy()


def handshakes() -> float:
    labels = {"connector": "events", "outcome": "handshake"}
    return REGISTRY.get_sample_value("hookyard_requests_total", labels) or 0


@pytest.mark.parametrize("sender", ["eventemitter.example.com", "*.example.com", "localhost"])
async def test_who_asks_whether_it_may_send_is_told_yes_and_nothing_is_made(
    site: Site, sender: str
) -> None:
    await use(site)
    before = handshakes()
    asking = {"WebHook-Request-Origin": sender, "WebHook-Request-Rate": "120"}

    status, headers = await ask(site, "OPTIONS", asking)

    assert status == 200
    assert headers["Allow"] == "POST"
    assert headers["WebHook-Allowed-Origin"] == sender
    assert headers["WebHook-Allowed-Rate"] == "*"
    assert handshakes() == before + 1
    assert await site.events() == []
    assert await site.refusals() == []


@pytest.mark.parametrize("sender", ["", "a b", "a\tb", "ü", "x" * 256, "https://a.example"])
async def test_who_does_not_say_who_it_is_gets_no_permission(site: Site, sender: str) -> None:
    await use(site)

    status, headers = await ask(site, "OPTIONS", {"WebHook-Request-Origin": sender})
    proven, _ = await ask(site, "OPTIONS", BEARER)

    assert (status, proven) == (401, 405)
    assert "WebHook-Allowed-Origin" not in headers


async def test_permission_is_no_proof(site: Site) -> None:
    await use(site)
    await ask(site, "OPTIONS", {"WebHook-Request-Origin": "a.example"})

    status, _ = await ask(
        site,
        "POST",
        {"WebHook-Request-Origin": "a.example", "Content-Type": "application/json"},
        b"{}",
    )

    assert status == 401


async def test_the_token_may_be_where_the_specification_also_has_it(site: Site) -> None:
    await use(site, query="access_token")
    headers = {"Content-Type": "application/cloudevents+json"}
    body = json.dumps(EVENT).encode()

    taken, _ = await ask(site, "POST", headers, body, f"?access_token={TOKEN}&p=q")
    refused, _ = await ask(site, "POST", headers, body, "?access_token=x")

    assert (taken, refused) == (202, 401)
    (event,) = await site.events()
    assert dict(event.query) == {"p": "q"}


@pytest.mark.parametrize(
    ("headers", "body", "named"),
    [
        (
            {
                "Content-Type": "application/json",
                "ce-id": "n%20%E2%82%AC",
                "ce-source": "/shop",
                "ce-type": "order.created",
            },
            b'{"id": "other", "source": "other", "type": "other"}',
            ("order.created", "/shop:n €"),
        ),
        (
            {
                "Content-Type": "text/plain",
                "CE-ID": "7",
                "CE-Source": "/shop",
                "CE-Type": "note",
            },
            b"a note",
            ("note", "/shop:7"),
        ),
        (
            {"Content-Type": "application/json", "ce-id": "7", "ce-type": "note"},
            b"{}",
            ("note", None),
        ),
        (
            {"Content-Type": "application/cloudevents+json; charset=utf-8"},
            json.dumps(EVENT).encode(),
            ("order.created", "/shop:1"),
        ),
        (
            {"Content-Type": "Application/CloudEvents+JSON", "ce-id": "forged"},
            json.dumps(EVENT).encode(),
            ("order.created", "/shop:1"),
        ),
        (
            {"Content-Type": "application/cloudevents-batch+json"},
            json.dumps([EVENT, {**EVENT, "id": "2"}]).encode(),
            ("order.created", "/shop:1,/shop:2"),
        ),
        (
            {"Content-Type": "application/cloudevents-batch+json"},
            json.dumps([EVENT, {**EVENT, "type": "order.paid"}, {"id": "3"}]).encode(),
            ("order.created+", None),
        ),
        ({"Content-Type": "application/cloudevents-batch+json"}, b"[]", (None, None)),
    ],
)
async def test_type_and_id_are_found_in_each_mode(
    site: Site, headers: dict[str, str], body: bytes, named: tuple[str | None, str | None]
) -> None:
    await use(site)

    status, _ = await ask(site, "POST", {**headers, **BEARER}, body)

    assert status == 202
    (event,) = await site.events()
    assert (event.type, event.delivery_id) == named
    assert event.body == body


@pytest.mark.parametrize("kind", ["application/cloudevents+xml", "application/octet-stream"])
async def test_forms_that_cannot_be_read_are_415(site: Site, kind: str) -> None:
    await use(site)

    status, _ = await ask(site, "POST", {"Content-Type": kind, **BEARER}, b"<event/>")

    assert status == 415
