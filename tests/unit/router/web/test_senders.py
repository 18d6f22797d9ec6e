"""What senders want otherwise than most: handshakes, other methods, other answers, the signed address."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from multidict import MultiDict
from prometheus_client import REGISTRY

from router.core.intake_table import ConnectorIntake
from router.sources.preset import Target
from router.sources.registry import compile_source
from tests.support.manual_clock import ManualClock
from tests.support.site import BASE_URL, Site

SECRET = "test-secret-of-the-senders-5d17"
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ZENDESK_IN_TESTS = "dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ=="


class Sender:
    """A sender of one connector, which is named after its preset."""

    def __init__(self, site: Site, clock: ManualClock, intake: ConnectorIntake) -> None:
        self.site = site
        self._clock = clock
        self.intake = intake

    @property
    def counted(self) -> float:
        """How many handshakes were answered."""
        labels = {"connector": self.intake.name, "outcome": "handshake"}
        return REGISTRY.get_sample_value("hookyard_requests_total", labels) or 0

    async def send(
        self,
        body: bytes,
        headers: Mapping[str, str] = JSON,
        *,
        method: str = "POST",
        query: Mapping[str, str] | None = None,
        secret: str = SECRET,
        signed: bool = True,
        signed_at: str | None = None,
    ) -> tuple[int, str]:
        """Send a request, signed for the address the sender has; return status and body."""
        source = compile_source(self.intake.source, [secret])
        parameters = {**(query or {}), **source.sign_query(body, headers)}
        written = f"?{urlencode(parameters)}" if parameters else ""
        url = (signed_at or self.intake.address(BASE_URL)) + written
        target = Target(method, url, MultiDict(parameters))
        now = self._clock().timestamp()
        proof = source.sign(body, now=now, headers=headers, target=target) if signed else headers
        path = f"/hooks/{self.intake.name}{written}"
        async with self.site.client.request(
            method, path, data=body or None, headers=proof
        ) as answer:
            return answer.status, await answer.text()


async def sender(site: Site, clock: ManualClock, preset: str, **given: Any) -> Sender:
    """Return a sender whose connector is in force."""
    options = given.pop("options", {})
    intake = ConnectorIntake(
        name=preset, source={"preset": preset, **options}, secrets=("other",), **given
    )
    site.secrets["other"] = SECRET
    await site.use(intake)
    return Sender(site, clock, intake)


async def test_the_ping_of_woocommerce_is_answered_though_it_is_not_signed(
    site: Site, clock: ManualClock
) -> None:
    shop = await sender(site, clock, "woocommerce")
    before = shop.counted

    assert await shop.send(b"webhook_id=17", FORM, signed=False) == (200, "")

    assert shop.counted == before + 1
    assert await site.events() == []
    assert await site.refusals() == []


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"webhook_id=17&a=b", FORM),
        (b'{"webhook_id": 17}', JSON),
        (b"webhook_id=", FORM),
        (b"", FORM),
        (b"webhook_id=17", {**FORM, "X-WC-Webhook-Signature": "x" * 44}),
    ],
)
async def test_what_is_no_ping_must_be_signed(
    site: Site, clock: ManualClock, body: bytes, headers: dict[str, str]
) -> None:
    shop = await sender(site, clock, "woocommerce")

    status, _ = await shop.send(body, headers, signed=False)

    assert status == 401
    assert await site.events() == []


async def test_a_test_that_anybody_can_sign_is_answered_and_makes_nothing(
    site: Site, clock: ManualClock
) -> None:
    support = await sender(site, clock, "zendesk")
    before = support.counted

    assert await support.send(b'{"type": "test"}', secret=ZENDESK_IN_TESTS) == (200, "")
    assert await site.events() == []
    assert (await support.send(b'{"type": "real"}'))[0] == 202

    assert support.counted == before + 1
    assert [event.type for event in await site.events()] == ["real"]


async def test_of_a_request_without_a_body_the_query_is_the_body(
    site: Site, clock: ManualClock
) -> None:
    support = await sender(site, clock, "zendesk")

    status, _ = await support.send(b"", {}, method="GET", query={"type": "urgent", "text": "ü&="})

    assert status == 202
    (event,) = await site.events()
    assert event.type == "urgent"
    assert event.content_type == "application/json"
    assert event.body == '{"type":"urgent","text":"ü&="}'.encode()


async def test_each_sender_has_its_own_methods(site: Site, clock: ManualClock) -> None:
    support = await sender(site, clock, "zendesk")
    assert (await support.send(b"{}", method="PATCH"))[0] == 202
    assert (await support.send(b"", {}, method="OPTIONS"))[0] == 405

    shop = await sender(site, clock, "woocommerce")
    for method in ("GET", "PUT", "DELETE", "HEAD", "OPTIONS"):
        assert (await shop.send(b"{}", method=method))[0] == 405


async def test_the_challenge_of_slack_is_answered_if_it_is_signed_and_is_no_event(
    site: Site, clock: ManualClock
) -> None:
    chat = await sender(site, clock, "slack")
    challenge = b'{"type": "url_verification", "challenge": "3eZbrw1a", "token": "x"}'
    before = chat.counted

    assert await chat.send(challenge) == (200, "3eZbrw1a")
    assert (await chat.send(challenge, secret="another"))[0] == 401

    assert chat.counted == before + 1
    assert await site.events() == []
    assert await site.reasons() == [("slack", 401, "signature-mismatch")]


async def test_commands_and_interactivity_of_slack_are_forms(
    site: Site, clock: ManualClock
) -> None:
    chat = await sender(site, clock, "slack")
    payload = urlencode({"payload": '{"type": "block_actions", "trigger_id": "1.2"}'}).encode()

    assert (await chat.send(b"command=%2Ftask&text=now&trigger_id=3.4", FORM))[0] == 202
    assert (await chat.send(payload, FORM))[0] == 202
    assert (await chat.send(b"payload=%7B", FORM))[0] == 400

    second, first = await site.events()
    assert (first.type, first.delivery_id) == ("/task", "3.4")
    assert (second.type, second.delivery_id) == ("block_actions", "1.2")


async def test_twilio_is_told_nothing_but_that_it_was_taken(site: Site, clock: ManualClock) -> None:
    texts = await sender(site, clock, "twilio")
    body = b"MessageSid=SM1&SmsStatus=received&Body=%C3%BC"

    assert await texts.send(body, FORM, query={"team": "a b"}) == (204, "")
    assert (await texts.send(body, FORM, signed_at="https://other.example/x"))[0] == 401

    (event,) = await site.events()
    assert (event.type, event.delivery_id) == ("received", "SM1:received")
    assert event.query == {"team": "a b"}
    (refusal,) = await site.refusals()
    assert f"{BASE_URL}/hooks/twilio does not match" in refusal["reason"]


async def test_twilio_may_use_get_and_bodies_that_are_no_forms(
    site: Site, clock: ManualClock
) -> None:
    texts = await sender(site, clock, "twilio")
    query = {"CallSid": "CA1", "CallStatus": "completed"}

    assert (await texts.send(b"", {}, method="GET", query=query))[0] == 204
    assert (await texts.send(b'[{"id": "EZ1", "type": "a.b"}]', JSON))[0] == 204

    stream, call = await site.events()
    assert (call.type, call.delivery_id) == ("completed", "CA1:completed")
    assert (stream.type, stream.delivery_id) == ("a.b", "EZ1")
    assert "bodySHA256" not in stream.query


async def test_a_sender_that_asked_to_wait_is_told_our_answer(
    site: Site, clock: ManualClock
) -> None:
    texts = await sender(site, clock, "twilio", reply="routed")
    body = b"MessageSid=SM1&SmsStatus=received"

    async with asyncio.TaskGroup() as group:
        answer = group.create_task(texts.send(body, FORM))
        await site.decide("dropped", reason="no rule matched")

    assert answer.result()[0] == 200
    assert "dropped" in answer.result()[1]


@pytest.mark.parametrize(
    ("public_url", "signed_at"),
    [
        (None, f"{BASE_URL}/hooks/square"),
        ("https://shop.example", "https://shop.example/hooks/square"),
        ("https://shop.example/", "https://shop.example/hooks/square"),
        ("https://shop.example:8443/till", "https://shop.example:8443/till"),
    ],
)
async def test_the_address_that_is_signed_is_the_one_the_sender_was_given(
    site: Site, clock: ManualClock, public_url: str | None, signed_at: str
) -> None:
    till = await sender(site, clock, "square", public_url=public_url)

    assert (await till.send(b'{"event_id": "1"}', signed_at=signed_at))[0] == 202
    assert (await till.send(b'{"event_id": "1"}', signed_at=signed_at + "/"))[0] == 401


async def test_the_query_is_signed_as_it_was_written(site: Site, clock: ManualClock) -> None:
    till = await sender(site, clock, "square")
    odd = {"a": "ü &=", "b": "", "c": "%41"}

    assert (await till.send(b'{"event_id": "1"}', query=odd))[0] == 202


async def test_intercom_may_try_an_address_with_head(site: Site, clock: ManualClock) -> None:
    messages = await sender(site, clock, "intercom")
    before = messages.counted

    assert await messages.send(b"", {}, method="HEAD", signed=False) == (200, "")
    assert (await messages.send(b"", {}, method="GET", signed=False))[0] == 405
    assert (await messages.send(b"{}", signed=False))[0] == 401

    assert messages.counted == before + 1
    assert await site.events() == []


async def test_a_method_of_handshakes_brings_no_event_even_if_it_is_proven(
    site: Site, clock: ManualClock
) -> None:
    messages = await sender(site, clock, "intercom")
    connector = site.connectors.find("intercom")
    assert connector is not None
    assert connector.source is not None
    connector.source.shake = lambda _facts: None

    assert (await messages.send(b"", {}, method="HEAD"))[0] == 405
    assert (await messages.send(b"", {}, method="HEAD", signed=False))[0] == 401
    assert await site.events() == []
