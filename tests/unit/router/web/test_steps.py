"""The steps of reception through HTTP: what is refused as what, and what is stored of the rest."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from router.core.event import IncomingEvent
from router.core.ids import is_id
from router.core.intake_table import ConnectorIntake, RateLimit
from router.core.store.engine import Store
from router.core.store.schema import Row
from router.sources.preset import Refusal
from router.sources.registry import compile_source
from router.sources.source import Source
from router.web.steps import STEPS, walk
from tests.support.manual_clock import ManualClock
from tests.support.senders import Request, alerts, order, shopify
from tests.support.site import ALERTS, OPEN, Site, open_site, read_answer
from tests.support.slow_redis import SlowRedis
from tests.support.waiting import wait_until

Change = Callable[[Request], Request]
GOOD = shopify(order(1001), "delivery-a")
SECRET = "test-secret-of-the-others-91b2"
SMALL = 100
LARGE = 1024 * 1024
RARE = RateLimit(count=1, span_ms=90_000, burst=2)


def _connector(
    name: str, source: dict[str, Any], secret: str | None = "other", **given: Any
) -> Any:
    secrets = () if secret is None else (secret,)
    return ConnectorIntake(
        name=name, source=source, secrets=secrets, **{"body_limit": LARGE, **given}
    )


HUB = _connector("hub", {"preset": "github"})
PAY = _connector("pay", {"preset": "stripe"})
LIMITED = _connector("rare", {"header": "X-Key"}, rate=RARE)
CONNECTORS = (
    _connector("shop", {"preset": "shopify"}, "shop_webhook"),
    ALERTS,
    HUB,
    PAY,
    LIMITED,
    _connector("by-query", {"preset": "alertmanager", "query": "token"}),
    OPEN,
    _connector("small", {"preset": "none"}, None, body_limit=SMALL),
    _connector("routed", {"preset": "none"}, None, reply="routed"),
    _connector("broken", {"preset": "github"}, "not_set"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `content` is parsed where it is JSON."""

    status: int
    headers: Mapping[str, str]
    content: Any

    @property
    def code(self) -> str:
        """The code of a problem, of which all that goes for every problem is checked."""
        assert self.headers["Content-Type"] == "application/problem+json", self
        assert self.content["status"] == self.status, self
        return str(self.content["code"])


class Here:
    """A site with connectors of every kind, and answers with their content."""

    def __init__(self, site: Site) -> None:
        self.site = site

    async def send(self, request: Request, *, query: str = "", **headers: str) -> Answer:
        """Post a webhook; `_` in a header's name stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {**request.headers, **named}
        return await self.ask("POST", request.path + query, data=request.body, headers=given)

    async def post(self, connector: str, body: bytes = b"{}", **headers: str) -> Answer:
        """Post a body that nobody signs."""
        json_type = {"Content-Type": "application/json"}
        return await self.send(Request(connector, body, json_type), **headers)

    async def ask(self, method: str, path: str, **given: Any) -> Answer:
        async with self.site.client.request(method, path, **given) as answer:
            has_json = answer.content_type.endswith("json") and method != "HEAD"
            content = await (answer.json(content_type=None) if has_json else answer.text())
            return Answer(answer.status, answer.headers.copy(), content)

    async def raw(self, *pieces: bytes) -> bytes:
        """Send bytes as they are over a connection of their own; return the answer."""
        return await self.site.exchange(*pieces)

    async def stored(self) -> list[IncomingEvent]:
        return await self.site.events()

    async def refusals(self) -> list[Row]:
        return await self.site.refusals()


@pytest.fixture
async def here(site: Site) -> Here:
    site.secrets["other"] = SECRET
    await site.use(*CONNECTORS)
    return Here(site)


@asynccontextmanager
async def another(
    redis: SlowRedis, store: Store, clock: ManualClock, **given: Any
) -> AsyncIterator[Here]:
    """Give a site that differs in what it is given."""
    async with open_site(redis, store, clock, **given) as site:
        site.secrets["other"] = SECRET
        await site.use(*CONNECTORS)
        yield Here(site)


def signed(connector: ConnectorIntake, body: bytes, clock: ManualClock, **headers: str) -> Request:
    """Return a request as the sender of a connector makes it."""
    given = {"Content-Type": "application/json"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    source = compile_source(connector.source, [SECRET])
    proof = source.sign(body, now=clock().timestamp(), headers=given)
    return Request(connector.name, body, proof)


async def test_a_signed_webhook_is_stored_before_the_202(here: Here, clock: ManualClock) -> None:
    answer = await here.send(GOOD, query="?a=1&a=2&b=x%20y", X_Custom="seen")

    assert answer.status == 202
    assert answer.headers["Content-Type"] == "application/json"
    (event,) = await here.stored()
    assert answer.content == {"event_id": event.id, "status": "accepted"}
    assert is_id(event.id)
    assert event.body == GOOD.body
    assert (event.connector, event.type, event.delivery_id) == (
        "shop",
        "orders/create",
        "delivery-a",
    )
    assert (event.received_ms, event.content_type) == (clock.now_ms, "application/json")
    assert (event.query, event.remote, event.reply_to) == (
        {"a": "2", "b": "x y"},
        "127.0.0.1",
        None,
    )
    assert event.headers["x-custom"] == "seen"
    assert event.headers["x-shopify-topic"] == "orders/create"
    assert "x-shopify-hmac-sha256" not in event.headers


async def test_through_the_router_it_is_the_same(
    redis: SlowRedis, store: Store, clock: ManualClock
) -> None:
    async with another(redis, store, clock, through_router=True) as here:
        answer = await here.send(GOOD)
        unknown = await here.post("unknown")

        assert answer.status == 202
        assert [event.id for event in await here.stored()] == [answer.content["event_id"]]
        assert unknown.code == "unknown-connector"


async def test_nobody_is_told_202_while_the_write_is_under_way(
    here: Here, redis: SlowRedis
) -> None:
    redis.gate.clear()
    sending = asyncio.create_task(here.send(GOOD))
    await wait_until(lambda: redis.begun, "the write is under way")

    assert not sending.done()
    assert here.site.receiver.in_hand == 1
    redis.gate.set()
    assert (await sending).status == 202
    assert here.site.receiver.in_hand == 0


async def test_an_unknown_connector_is_404_and_nothing_of_it_is_read(here: Here) -> None:
    answer = await here.post("nobody", b"x" * 5000)

    assert (answer.status, answer.code) == (404, "unknown-connector")
    assert await here.stored() == []


async def test_before_there_are_rules_the_answer_is_503_and_not_404(
    redis: SlowRedis, store: Store, clock: ManualClock
) -> None:
    async with open_site(redis, store, clock) as site:
        answer = await Here(site).send(GOOD)

    assert (answer.status, answer.code) == (503, "not-ready")
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "PROPFIND"])
async def test_other_methods_are_405_and_say_what_is_allowed(here: Here, method: str) -> None:
    answer = await here.ask(method, GOOD.path, data=GOOD.body, headers=GOOD.headers)

    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"
    assert await here.stored() == []


async def test_a_connector_without_its_secret_is_503_and_says_why_to_operators_only(
    here: Here,
) -> None:
    answer = await here.post("broken")

    assert (answer.status, answer.code) == (503, "connector-not-ready")
    assert answer.headers["Retry-After"] == "60"
    assert "not_set" not in json.dumps(answer.content)
    (refusal,) = await here.refusals()
    assert "not_set" in refusal["reason"]


async def test_a_body_of_just_the_limit_is_taken_and_one_byte_more_is_413(here: Here) -> None:
    fits = await here.post("small", b'"' + b"x" * (SMALL - 2) + b'"')
    answer = await here.post("small", b'"' + b"x" * (SMALL - 1) + b'"')

    assert fits.status == 202
    assert (answer.status, answer.code) == (413, "too-large")
    assert answer.content["detail"] == "at most 100 bytes are taken"
    assert len(await here.stored()) == 1


async def test_a_content_length_beyond_the_limit_is_413_before_any_of_the_body_came(
    here: Here,
) -> None:
    answer = await here.raw(b"POST /hooks/small HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_chunked_body_is_413_as_soon_as_it_is_beyond_the_limit(here: Here) -> None:
    chunk = b"32\r\n" + b"x" * 50 + b"\r\n"

    answer = await here.raw(
        b"POST /hooks/small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        chunk,
        chunk,
        chunk,
    )

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert await here.stored() == []


async def test_a_chunked_body_that_fits_is_put_together(here: Here) -> None:
    answer = await here.raw(
        b"POST /hooks/small HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b'5\r\n{"a":\r\n',
        b"2\r\n1}\r\n0\r\n\r\n",
    )

    assert answer.startswith(b"HTTP/1.1 202 ")
    (event,) = await here.stored()
    assert event.body == b'{"a":1}'


async def test_who_asks_first_is_told_to_go_on_only_where_the_body_will_be_read(
    here: Here,
) -> None:
    head = (
        b"POST /hooks/%s HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
    )
    too_large = await here.raw(head % (b"small", SMALL + 1))
    unknown = await here.raw(head % (b"nobody", 2))
    async with asyncio.timeout(10), here.site.connection() as (reader, writer):
        writer.write(head % (b"small", 2))
        told = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"{}")
        answer = await read_answer(reader)

    assert too_large.startswith(b"HTTP/1.1 413 ")
    assert unknown.startswith(b"HTTP/1.1 404 ")
    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 202 ")


async def test_a_body_that_does_not_come_is_408(
    redis: SlowRedis, store: Store, clock: ManualClock
) -> None:
    async with another(redis, store, clock, body_within_s=0.02) as here:
        answer = await here.site.exchange(
            b"POST /hooks/open HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{",
            within_s=2,
        )

        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"too-slow"' in answer
        assert await here.stored() == []


async def test_a_body_that_breaks_off_is_refused_and_not_stored(here: Here) -> None:
    async with here.site.connection() as (_, writer):
        writer.write(b"POST /hooks/open HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{}")
        await wait_until(lambda: here.site.receiver.in_hand, "the request is in hand")

    await wait_until(lambda: not here.site.receiver.in_hand, "the request was answered")
    assert await here.stored() == []
    assert [row["code"] for row in await here.refusals()] == ["incomplete"]


async def test_chunks_that_are_none_are_refused_and_not_stored(here: Here) -> None:
    answer = await here.raw(
        b"POST /hooks/open HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"2\r\n{}\r\nzz\r\n",
    )

    assert answer.partition(b"\r\n")[0].endswith(b" 400 Bad Request")
    assert await here.stored() == []


NOT_PROVEN: dict[str, tuple[Change, str]] = {
    "no signature": (
        lambda request: request.with_headers(X_Shopify_Hmac_Sha256=None),
        "signature-missing",
    ),
    "another signature": (
        lambda request: request.with_headers(X_Shopify_Hmac_Sha256="AAAA"),
        "signature-malformed",
    ),
    "another body": (
        lambda request: Request("shop", request.body + b" ", request.headers),
        "signature-mismatch",
    ),
    "the signature of another body": (
        lambda request: Request("shop", request.body, shopify(b"{}", "a").headers),
        "signature-mismatch",
    ),
    "an empty body": (lambda request: Request("shop", b"", request.headers), "signature-mismatch"),
}


@pytest.mark.parametrize("what", NOT_PROVEN)
async def test_what_is_not_proven_is_401_and_the_answer_says_no_more(here: Here, what: str) -> None:
    change, recorded_as = NOT_PROVEN[what]

    answer = await here.send(change(GOOD))

    assert (answer.status, answer.code) == (401, "not-proven")
    assert answer.headers["WWW-Authenticate"] == "Hookyard"
    assert set(answer.content) == {"type", "title", "status", "code"}
    assert await here.stored() == []
    (refusal,) = await here.refusals()
    assert (refusal["status"], refusal["code"]) == (401, recorded_as)


async def test_credentials_in_the_query_prove_and_are_stored_nowhere(here: Here) -> None:
    request = Request("by-query", b"{}", {"Content-Type": "application/json"})
    proven = await here.send(request, query=f"?token={SECRET}&a=1")
    wrong = await here.send(request, query="?token=other")

    assert (proven.status, wrong.status) == (202, 401)
    (event,) = await here.stored()
    assert event.query == {"a": "1"}
    assert SECRET not in repr(event)


async def test_a_sender_whose_proof_cannot_be_judged_is_503(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where a certificate cannot be fetched (decision E7).
    refusal = Refusal(503, "certificate-away", "it cannot be fetched")
    monkeypatch.setattr(Source, "verify", lambda *_: refusal)

    answer = await here.send(GOOD)

    assert (answer.status, answer.code) == (503, "connector-not-ready")
    assert "WWW-Authenticate" not in answer.headers
    assert [row["code"] for row in await here.refusals()] == ["certificate-away"]


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "identity, gzip", "unknown"])
async def test_an_encoded_body_is_415_even_if_it_is_proven(here: Here, encoding: str) -> None:
    request = shopify(gzip.compress(b"{}"), "delivery-a")

    answer = await here.send(request, Content_Encoding=encoding)

    assert (answer.status, answer.code) == (415, "unsupported-encoding")
    assert answer.headers["Accept-Encoding"] == "identity"
    assert await here.stored() == []


async def test_what_was_compressed_on_its_way_is_suspected(here: Here) -> None:
    compressed = Request(GOOD.connector, gzip.compress(GOOD.body), GOOD.headers)

    answer = await here.send(compressed, Content_Encoding="gzip")

    assert answer.code == "not-proven"
    (refusal,) = await here.refusals()
    assert refusal["code"] == "signature-mismatch"
    assert "compressed it on its way" in refusal["reason"]


async def test_of_several_encodings_each_is_looked_at(here: Here) -> None:
    head = b"POST /hooks/open HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
    identity, compressed = b"Content-Encoding: identity\r\n", b"Content-Encoding: gzip\r\n"

    refused = await here.raw(head + identity + compressed + b"\r\n{}")
    taken = await here.raw(head + identity + identity + b"\r\n{}")

    assert refused.startswith(b"HTTP/1.1 415 ")
    assert taken.startswith(b"HTTP/1.1 202 ")


@pytest.mark.parametrize("encoding", ["identity", " Identity ", ""])
async def test_a_body_that_says_it_is_not_encoded_is_taken(here: Here, encoding: str) -> None:
    assert (await here.send(GOOD, Content_Encoding=encoding)).status == 202


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "jsonx", "multipart/a"])
async def test_a_content_type_its_sender_does_not_send_is_415(
    here: Here, content_type: str
) -> None:
    answer = await here.send(GOOD.with_headers(Content_Type=content_type))

    assert (answer.status, answer.code) == (415, "unsupported-content-type")
    assert answer.content["detail"] == "+json, application/json is taken here"
    assert await here.stored() == []


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON; charset=utf-8", "application/vnd.api+json", ""],
)
async def test_json_by_any_of_its_names_is_taken(here: Here, content_type: str) -> None:
    assert (await here.send(GOOD.with_headers(Content_Type=content_type))).status == 202


UNPARSEABLE = {
    "not json": b"not json",
    "cut off": b'{"a": 1',
    "two values": b"{} {}",
    "single quotes": b"{'a': 1}",
    "NaN": b'{"a": NaN}',
    "infinity": b"[-Infinity]",
    "not UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "101 levels": b"[" * 101 + b"]" * 101,
    "levels that never end": b"[" * 100_000,
    "4001 digits": b"1" * 4001,
    "NUL outside a text": b'{"a": 1}\x00',
    "NUL inside a text": b'{"a": "\x00"}',
    "a comma at the end": b"[1,]",
    "leading zero": b"[01]",
}


@pytest.mark.parametrize("what", UNPARSEABLE)
async def test_a_proven_body_that_is_no_json_is_400(here: Here, what: str) -> None:
    answer = await here.send(shopify(UNPARSEABLE[what], "delivery-a"))

    assert (answer.status, answer.code) == (400, "unparseable")
    assert answer.content["detail"]
    assert await here.stored() == []


PARSEABLE = {
    "nothing": b"",
    "blanks": b" \r\n",
    "100 levels": b"[" * 100 + b"]" * 100,
    "brackets in a text": b'"' + b"[" * 500 + b'"',
    "4000 digits": b"1" * 4000,
    "digits in a text": b'"' + b"1" * 9000 + b'"',
    "a lone surrogate": b'{"a": "\\ud800"}',
    "an escaped NUL": b'{"a": "\\u0000"}',
    "doubled names": b'{"a": 1, "a": 2}',
    "a byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "a bare value": b"null",
    "a fraction": b"1.10",
}


@pytest.mark.parametrize("what", PARSEABLE)
async def test_a_body_that_is_odd_but_json_is_stored_byte_for_byte(here: Here, what: str) -> None:
    answer = await here.send(shopify(PARSEABLE[what], "delivery-a"))

    assert answer.status == 202
    (event,) = await here.stored()
    assert event.body == PARSEABLE[what]


async def test_names_in_the_body_are_found_and_made_fit_for_any_database(
    here: Here, clock: ManualClock
) -> None:
    body = b'{"id": "evt_\\u0000\\ud800", "type": "charge.failed"}'

    assert (await here.send(signed(PAY, body, clock))).status == 202

    (event,) = await here.stored()
    assert event.type == "charge.failed"
    assert event.delivery_id == "evt_\ufffd\ufffd"
    assert event.body == body


async def test_json_in_a_form_is_checked_as_json(here: Here, clock: ManualClock) -> None:
    form = "application/x-www-form-urlencoded"
    good = signed(HUB, b"payload=%7B%22a%22%3A1%7D", clock, Content_Type=form)
    bad = signed(HUB, b"payload=%7B", clock, Content_Type=form)
    none = signed(HUB, b"a=1", clock, Content_Type=form)

    assert (await here.send(good)).status == 202
    assert (await here.send(bad)).code == "unparseable"
    assert (await here.send(none)).content["detail"] == "a form without the field payload"


async def test_headers_that_are_not_utf8_never_reach_the_store_as_such(here: Here) -> None:
    answer = await here.raw(
        b"POST /hooks/open?q=%ff%00 HTTP/1.1\r\nHost: a\r\n"
        b"X-Odd: \xff\xe9\r\nX-Two: a\r\nX-Two: b\r\nContent-Type: application/json; x=\xff\r\n"
        b"Content-Length: 2\r\n\r\n{}"
    )

    assert answer.startswith(b"HTTP/1.1 202 ")
    (event,) = await here.stored()
    assert event.headers["x-odd"] == "\ufffd\ufffd"
    assert event.headers["x-two"] == "a, b"
    assert event.content_type == "application/json; x=\ufffd"
    assert event.query == {"q": "\ufffd\ufffd"}


def _rare(clock: ManualClock, body: bytes = b"{}") -> Request:
    return signed(LIMITED, body, clock)


async def test_beyond_the_connectors_limit_it_is_429_and_says_when_to_come_again(
    here: Here, clock: ManualClock
) -> None:
    answers = [await here.send(_rare(clock)) for _ in range(4)]

    assert [answer.status for answer in answers] == [202, 202, 429, 429]
    assert answers[2].code == "rate-limited"
    assert answers[2].headers["Retry-After"] == "90"
    assert len(await here.stored()) == 2
    (refusal,) = await here.refusals()
    assert refusal["reason"].startswith("2 refusals within this minute")


async def test_what_is_not_proven_or_not_readable_uses_up_no_limit(
    here: Here, clock: ManualClock
) -> None:
    for _ in range(5):
        assert (await here.post("rare")).status == 401
        assert (await here.send(_rare(clock, b"{"))).status == 400
        assert (await here.send(_rare(clock), Content_Encoding="gzip")).status == 415

    assert [(await here.send(_rare(clock))).status for _ in range(3)] == [202, 202, 429]


async def test_where_the_limit_cannot_be_looked_up_it_is_503(
    here: Here, redis: SlowRedis, clock: ManualClock
) -> None:
    redis.failure = RedisConnectionError("gone")

    answer = await here.send(_rare(clock))

    assert (answer.status, answer.code) == (503, "not-durable")
    assert answer.headers["Retry-After"] == "5"


async def test_what_redis_does_not_store_is_503_and_no_2xx(here: Here, redis: SlowRedis) -> None:
    redis.failure = RedisConnectionError("gone")
    answers = [await here.send(GOOD) for _ in range(3)]
    redis.failure = None
    after = await here.send(GOOD)

    assert {(answer.status, answer.code) for answer in answers} == {(503, "not-durable")}
    assert {answer.headers["Retry-After"] for answer in answers} == {"5"}
    assert after.status == 202
    assert len(await here.stored()) == 1


async def test_more_than_may_wait_is_503_at_once(
    redis: SlowRedis, store: Store, clock: ManualClock
) -> None:
    async with another(redis, store, clock, max_requests=1) as here:
        redis.gate.clear()
        first = asyncio.create_task(here.send(GOOD))
        await wait_until(lambda: redis.begun, "the write is under way")

        answer = await here.send(GOOD)

        assert (answer.status, answer.code) == (503, "overloaded")
        assert answer.headers["Retry-After"] == "2"
        assert not first.done()
        redis.gate.set()
        assert (await first).status == 202
        assert len(await here.stored()) == 1


# The order of the refusals (decision P2): each request has all that is wrong from its place on.
_WRONG_TYPE = {"Content-Type": "text/plain", "Content-Encoding": "gzip"}
ORDER: dict[str, tuple[str, str, bytes, dict[str, str]]] = {
    "unknown-connector": ("GET", "nobody", b"x" * 200, _WRONG_TYPE),
    "method-not-allowed": ("PUT", "broken", b"x" * 200, _WRONG_TYPE),
    "connector-not-ready": ("POST", "broken", b"x" * 200, _WRONG_TYPE),
    "too-large": ("POST", "small", b"x" * 200, _WRONG_TYPE),
    "not-proven": ("POST", "rare", b"x" * 200, _WRONG_TYPE),
    "unsupported-encoding": ("POST", "open", b"{", _WRONG_TYPE),
    "unsupported-content-type": ("POST", "open", b"{", {"Content-Type": "text/plain"}),
    "unparseable": ("POST", "open", b"{", {"Content-Type": "application/json"}),
}


@pytest.mark.parametrize("code", ORDER)
async def test_the_first_thing_that_is_wrong_is_the_answer(here: Here, code: str) -> None:
    method, connector, body, headers = ORDER[code]

    answer = await here.ask(method, f"/hooks/{connector}", data=body, headers=headers)

    assert answer.code == code
    assert await here.stored() == []


async def test_what_is_too_large_is_413_before_it_is_asked_who_sent_it(here: Here) -> None:
    answer = await here.ask("POST", "/hooks/shop", data=io.BytesIO(b"x" * (LARGE + 1)))

    assert answer.code == "too-large"


TASK = {"id": "t1", "number": 7, "action": "created", "rule": "note"}


@pytest.mark.parametrize(
    ("connector", "prefer", "applied"),
    [("open", "wait=10", "wait=10"), ("routed", None, None), ("routed", "wait=90", "wait=30")],
)
async def test_who_waits_is_told_the_outcome(
    here: Here, connector: str, prefer: str | None, applied: str | None
) -> None:
    asked = {} if prefer is None else {"Prefer": prefer}
    sending = asyncio.create_task(here.post(connector, b"{}", **asked))

    event = await here.site.decide("routed", tasks=[TASK])
    answer = await sending

    assert event.reply_to == here.site.outcomes.receiver_id
    assert (answer.status, answer.content["event_id"]) == (201, event.id)
    assert answer.content["tasks"] == [{**TASK, "url": "https://hooks.example/api/v1/tasks/t1"}]
    assert answer.headers.get("Preference-Applied") == applied


async def test_who_prefers_not_to_wait_is_answered_at_once(here: Here) -> None:
    answer = await here.post("routed", Prefer="wait=0")

    assert answer.status == 202
    assert answer.headers["Preference-Applied"] == "wait=0"
    (event,) = await here.stored()
    assert event.reply_to is None


async def test_where_time_runs_out_the_answer_is_202(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.web.steps._ROUTED_WAIT_S", 0.01)

    answer = await here.post("routed")

    (event,) = await here.stored()
    assert (answer.status, answer.content) == (202, {"event_id": event.id, "status": "accepted"})
    assert "Preference-Applied" not in answer.headers


async def test_who_waits_is_told_that_nothing_was_stored(here: Here, redis: SlowRedis) -> None:
    redis.failure = RedisConnectionError("gone")

    answer = await here.post("routed")

    assert (answer.status, answer.code) == (503, "not-durable")
    assert not here.site.outcomes._waiting


async def test_waiters_are_let_go_when_the_process_stops(here: Here) -> None:
    sending = asyncio.create_task(here.post("open", Prefer="wait=30"))
    await wait_until(here.stored, "the event is stored")

    here.site.outcomes.give_up()

    assert (await sending).status == 202
    assert (await here.post("open", Prefer="wait=30")).status == 202


async def test_alerts_are_taken_with_their_token(here: Here) -> None:
    request = alerts("firing", "aa")
    lower = request.with_headers(
        authorization=request.headers["Authorization"].replace("B", "b", 1)
    )
    stranger = request.with_headers(authorization="Bearer nobody")

    assert [(await here.send(one)).status for one in (request, lower, stranger)] == [202, 202, 401]
    assert "authorization" not in (await here.stored())[0].headers


async def test_a_sender_without_proof_is_taken_by_its_connector_alone(here: Here) -> None:
    events: list[IncomingEvent] = []
    for _ in range(2):
        assert (await here.post("open", b'{"title": "a"}')).status == 202
        events = await here.stored()

    assert [event.connector for event in events] == ["open", "open"]
    assert len({event.id for event in events}) == 2


async def test_times_are_those_of_the_clock(here: Here, clock: ManualClock) -> None:
    request = signed(PAY, b"{}", clock)
    clock.forward(int(timedelta(minutes=6).total_seconds() * 1000))

    late = await here.send(request)

    assert late.status == 401
    assert [row["code"] for row in await here.refusals()] == ["timestamp-stale"]


async def test_a_walk_without_an_answer_is_a_mistake_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("router.web.steps.STEPS", ())

    with pytest.raises(RuntimeError):
        await walk(None)  # type: ignore[arg-type]  # no step looks at it


def test_the_answer_is_given_by_the_last_step_alone() -> None:
    assert [step.__name__ for step in STEPS][-1] == "keep"
