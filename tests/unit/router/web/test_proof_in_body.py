"""Senders whose proof is in the body, through HTTP: tokens that count once, and answers of their own."""

from __future__ import annotations

import json
from typing import Any

import fakeredis
import pytest

from router.core import keys
from router.core.intake_table import ConnectorIntake
from router.sources.registry import compile_source
from tests.support.manual_clock import ManualClock
from tests.support.site import Site
from tests.support.slow_redis import SlowRedis

SECRET = "6b6579206f66206d61696c73"
EVENT = {"event-data": {"id": "a", "event": "failed", "recipient": "a@example.com"}}
ITEM = {"pspReference": "1", "eventCode": "CAPTURE", "success": "true"}
PAYMENT = {"notificationItems": [{"NotificationRequestItem": ITEM}]}


class Sender:
    """A sender of one connector, which is named after its preset."""

    def __init__(self, site: Site, clock: ManualClock, preset: str) -> None:
        self.site = site
        self.name = preset
        self._source = compile_source({"preset": preset}, [SECRET])
        self._clock = clock

    def sealed(self, content: Any) -> bytes:
        return self._source.seal(json.dumps(content).encode(), self._clock().timestamp())

    async def post(
        self, body: bytes, content_type: str = "application/json", **headers: str
    ) -> tuple[int, str, str]:
        """Return status, content type and body of the answer."""
        given = {"Content-Type": content_type, **headers}
        async with self.site.client.post(f"/hooks/{self.name}", data=body, headers=given) as answer:
            return answer.status, answer.content_type, await answer.text()


async def sender(site: Site, clock: ManualClock, preset: str, **given: Any) -> Sender:
    options = given.pop("options", {})
    source = {"preset": preset, **options}
    site.secrets["other"] = SECRET
    await site.use(ConnectorIntake(name=preset, source=source, secrets=("other",), **given))
    return Sender(site, clock, preset)


async def test_the_same_request_once_more_is_let_in(site: Site, clock: ManualClock) -> None:
    mails = await sender(site, clock, "mailgun")
    body = mails.sealed(EVENT)

    first, again = await mails.post(body), await mails.post(body)

    assert (first[0], again[0]) == (200, 200)
    assert [event.delivery_id for event in await site.events()] == ["a", "a"]
    assert await site.refusals() == []


async def test_a_token_with_another_body_is_a_replay(site: Site, clock: ManualClock) -> None:
    mails = await sender(site, clock, "mailgun")
    body = mails.sealed(EVENT)
    forged = body.replace(b'"failed"', b'"complained"')

    first, replayed, again = (
        await mails.post(body),
        await mails.post(forged),
        await mails.post(body),
    )

    assert (first[0], replayed[0], again[0]) == (200, 401, 200)
    assert json.loads(replayed[2])["code"] == "not-proven"
    assert [event.body for event in await site.events()] == [body, body]
    assert await site.reasons() == [("mailgun", 401, "token-replayed")]


async def test_the_token_of_a_form_counts_whatever_stands_between_its_parts(
    site: Site, clock: ManualClock
) -> None:
    mails = await sender(site, clock, "mailgun")
    block = json.loads(mails.sealed({}))["signature"]

    def form(boundary: str, event: str) -> bytes:
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in {**block, "event": event}.items()
        ]
        return "".join([*parts, f"--{boundary}--"]).encode()

    statuses = [
        (await mails.post(form(name, event), f"multipart/form-data; boundary={name}"))[0]
        for name, event in (("a", "dropped"), ("b", "dropped"), ("c", "opened"))
    ]

    assert statuses == [200, 200, 401]


async def test_a_token_of_one_connector_is_new_to_another(site: Site, clock: ManualClock) -> None:
    source = {"preset": "mailgun"}
    site.secrets["other"] = SECRET
    await site.use(
        ConnectorIntake(name="mailgun", source=source, secrets=("other",)),
        ConnectorIntake(name="second", source=source, secrets=("other",)),
    )
    mails = Sender(site, clock, "mailgun")
    body = mails.sealed(EVENT)

    assert (await mails.post(body))[0] == 200
    mails.name = "second"
    assert (await mails.post(body.replace(b'"failed"', b'"opened"')))[0] == 200


async def test_what_is_not_proven_uses_up_no_token(site: Site, clock: ManualClock) -> None:
    mails = await sender(site, clock, "mailgun")
    body = mails.sealed(EVENT)
    signature = json.loads(body)["signature"]["signature"]

    refused = await mails.post(body.replace(signature.encode(), b"0" * 64).replace(b"a@", b"b@"))
    taken = await mails.post(body)

    assert (refused[0], taken[0]) == (401, 200)
    assert await site.reasons() == [("mailgun", 401, "signature-mismatch")]


@pytest.mark.parametrize(("options", "seconds"), [({}, 2 * 86_400), ({"tolerance": "10m"}, 1200)])
async def test_a_token_is_remembered_as_long_as_its_time_counts(
    site: Site, clock: ManualClock, redis: SlowRedis, options: dict[str, str], seconds: int
) -> None:
    mails = await sender(site, clock, "mailgun", options=options)

    await mails.post(mails.sealed(EVENT))

    (key,) = [key async for key in redis.scan_iter(f"{keys.PREFIX}once:mailgun:*")]
    assert seconds - 5 <= await redis.ttl(key) <= seconds
    token = json.loads((await site.events())[0].body)["signature"]["token"]
    assert token not in key.decode() if isinstance(key, bytes) else token not in key


async def test_while_redis_is_away_the_sender_is_told_to_send_again(
    site: Site, clock: ManualClock, redis_server: fakeredis.FakeServer
) -> None:
    mails = await sender(site, clock, "mailgun")
    redis_server.connected = False

    status, _, content = await mails.post(mails.sealed(EVENT))

    assert (status, json.loads(content)["code"]) == (503, "not-durable")


async def test_what_cannot_be_read_is_not_proven_rather_than_not_parseable(
    site: Site, clock: ManualClock
) -> None:
    mails = await sender(site, clock, "mailgun")

    statuses = [(await mails.post(body))[0] for body in (b"", b"{", b"[" * 500)]

    assert statuses == [401, 401, 401]
    assert {code for _, _, code in await site.reasons()} == {"signature-missing"}


async def test_mailgun_is_told_200_and_adyen_accepted(site: Site, clock: ManualClock) -> None:
    mails = await sender(site, clock, "mailgun")
    assert await mails.post(mails.sealed(EVENT)) == (200, "application/octet-stream", "")
    payments = await sender(site, clock, "adyen")
    body = payments.sealed(PAYMENT)
    assert await payments.post(body) == (200, "text/plain", "[accepted]")

    status, _, content = await payments.post(body, Prefer="wait=1")
    assert (status, json.loads(content)["status"]) == (202, "accepted")
    assert {event.type for event in await site.events()} == {"failed", "CAPTURE"}
    assert {event.delivery_id for event in await site.events()} == {"a", "1:CAPTURE:true"}
