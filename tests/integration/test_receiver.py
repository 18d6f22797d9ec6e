"""The receiver on a real socket and a real Redis: what is stored, what is refused, and how it says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import TypeVar

import pytest
from arq.constants import job_key_prefix
from redis.asyncio import Redis

from router.core import keys
from router.core.arq_job import deserialize
from router.core.store.migrate import upgrade
from router.core.store.schema import Row
from tests.support.manual_clock import ManualClock
from tests.support.receiving import (
    BURST,
    ENDED,
    SMALL_LIMIT,
    Answer,
    Receiving,
    chunked,
    raw,
    receiving,
    refusals_in,
)
from tests.support.senders import Request, order, shopify
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.redis

T = TypeVar("T")
Said = tuple[int, str | None]

ACCEPTED: Said = (202, None)
MALFORMED: Said = (400, None)
UNPARSEABLE: Said = (400, "unparseable")
NOT_PROVEN: Said = (401, "not-proven")
UNKNOWN: Said = (404, "unknown-connector")
NOT_FOUND: Said = (404, "not-found")
WRONG_METHOD: Said = (405, "method-not-allowed")
TOO_LARGE: Said = (413, "too-large")
ENCODED: Said = (415, "unsupported-encoding")
WRONG_TYPE: Said = (415, "unsupported-content-type")
RATE_LIMITED: Said = (429, "rate-limited")
NOT_DURABLE: Said = (503, "not-durable")
OVERLOADED: Said = (503, "overloaded")

JSON = {"Content-Type": "application/json"}
CHUNKED = "Transfer-Encoding: chunked"
LONG_MS = 60_000


@pytest.fixture
async def database_url(sqlite_url: str) -> str:
    await upgrade(sqlite_url)
    return sqlite_url


@pytest.fixture
async def receiver(
    redis: Redis, redis_server: RedisServer, database_url: str
) -> AsyncIterator[Receiving]:
    async with receiving(redis, redis_server.url, database_url) as running:
        yield running


def note(body: bytes = b"{}", connector: str = "open", **headers: str) -> Request:
    """Return a webhook that needs no proof."""
    return Request(connector, body, JSON).with_headers(**headers)


async def answered(receiver: Receiving, sent: Mapping[str, bytes]) -> dict[str, Said]:
    """Send each of the requests over a connection of its own; return what was said to each."""
    return {name: (await receiver.send(one)).said for name, one in sent.items()}


def all_of(expected: T, sent: Mapping[str, bytes]) -> dict[str, T]:
    return dict.fromkeys(sent, expected)


async def assert_no_effect(redis: Redis) -> None:
    """Nothing is in Redis but what was there before."""
    assert set(await redis.keys()) == {keys.INTAKE_TABLE.encode(), keys.RULES_PUBLISHED.encode()}


async def under_way(receiver: Receiving, *requests: Request) -> list[asyncio.Task[Answer]]:
    """Return the posts of requests that wait to be stored."""
    already = receiver.parts.intake._requests
    posts = [asyncio.create_task(receiver.post(one)) for one in requests]
    wanted = already + len(requests)
    await wait_until(lambda: receiver.parts.intake._requests == wanted, "all wait to be stored")
    return posts


def retry_after_s(answer: Answer) -> int:
    """Return what Retry-After says, which must be whole seconds."""
    told = answer.headers["retry-after"]
    assert told.isdecimal(), told
    return int(told)


# Storing


async def test_an_accepted_event_is_stored_byte_for_byte_with_a_job_for_its_batch(
    receiver: Receiving, redis: Redis
) -> None:
    request = shopify(b'{"id": 1.50,\t"x": "\\u0000"}', "d-1")

    answer = await receiver.post(request)

    (event,) = await receiver.stored()
    assert answer.said == ACCEPTED
    assert answer.json == {"event_id": event.id, "status": "accepted"}
    assert event.body == request.body
    assert (event.connector, event.type, event.delivery_id) == ("shop", "orders/create", "d-1")
    ((job_id, _),) = await redis.zrange(keys.QUEUE, 0, -1, withscores=True)
    job = deserialize(await redis.get(job_key_prefix + job_id.decode()) or b"")
    assert (job["f"], job["a"]) == (keys.ROUTE_JOB, [job_id.decode()])
    assert await redis.get(keys.PENDING_EVENTS) == b"1"


async def test_a_body_in_chunks_is_put_together(receiver: Receiving) -> None:
    request = shopify(order(1, note="x" * 2000), "d-1")
    sent = raw(replace(request, body=chunked(request.body)), CHUNKED, sized=False)

    assert (await receiver.send(sent)).said == ACCEPTED

    assert [event.body for event in await receiver.stored()] == [request.body]


async def test_a_sender_that_asks_first_is_told_to_go_on(receiver: Receiving) -> None:
    request = shopify(order(1), "d-1")
    async with receiver.connection() as connection:
        await connection.write(raw(request, "Expect: 100-continue").removesuffix(request.body))
        assert (await connection.answer()).status == 100
        await connection.write(request.body)
        assert (await connection.answer()).said == ACCEPTED


async def test_a_sender_that_asks_first_is_spared_a_body_that_is_too_large(
    receiver: Receiving,
) -> None:
    head = raw(note(b"", "small"), "Content-Length: 1001", "Expect: 100-continue", sized=False)

    assert (await receiver.send(head)).said == TOO_LARGE


async def test_requests_over_one_connection_are_answered_in_their_order(
    receiver: Receiving,
) -> None:
    sent = [raw(note()), raw(note(b"{")), raw(note(), method="PUT"), raw(note())]

    async with receiver.connection() as connection:
        await connection.write(b"".join(sent))
        said = [(await connection.answer()).said for _ in sent]

    assert said == [ACCEPTED, UNPARSEABLE, WRONG_METHOD, ACCEPTED]


async def test_what_a_stranger_writes_into_headers_and_query_is_text_any_store_can_hold(
    receiver: Receiving,
) -> None:
    sent = raw(
        shopify(b'{"a": "\\ud800\\u0000"}', "d-1").with_headers(x_shopify_topic=None),
        b"X-Shopify-Topic: orders\xff/create",
        b"X-Note: caf\xc3\xa9 \xe9\xff",
        target="/hooks/shop?a=%00&b=%ff&a=2&c",
    )

    assert (await receiver.send(sent)).said == ACCEPTED

    (event,) = await receiver.stored()
    assert event.body == b'{"a": "\\ud800\\u0000"}'
    assert event.type == "orders\ufffd/create"
    assert event.headers["x-note"] == "café \ufffd\ufffd"
    assert event.query == {"a": "2", "b": "\ufffd", "c": ""}


# Group commit


async def test_requests_that_arrive_during_a_write_share_the_next_one(
    receiver: Receiving, redis: Redis
) -> None:
    await redis.client_pause(LONG_MS, all=False)
    first = await under_way(receiver, note(b"0"))
    others = await under_way(receiver, *(note(b"%d" % number) for number in range(1, 60)))
    assert not any(post.done() for post in [*first, *others])

    await redis.client_unpause()
    answers = await asyncio.gather(*first, *others)

    batches = await receiver.batches()
    assert [answer.said for answer in answers] == [ACCEPTED] * 60
    assert [len(batch) for batch in batches] == [1, 59]
    assert {event.id for batch in batches for event in batch} == {
        answer.json["event_id"] for answer in answers
    }
    assert await redis.zcard(keys.QUEUE) == 2


async def test_a_request_alone_is_a_batch_of_its_own(receiver: Receiving) -> None:
    for _ in range(3):
        assert (await receiver.post(note())).said == ACCEPTED

    assert [len(batch) for batch in await receiver.batches()] == [1, 1, 1]


# Redis in trouble


async def test_the_first_request_after_a_restart_of_redis_is_stored(
    receiver: Receiving, redis_server: RedisServer
) -> None:
    assert (await receiver.post(note(b"1"))).said == ACCEPTED
    redis_server.kill()
    await asyncio.to_thread(redis_server.restart)

    assert (await receiver.post(note(b"2"))).said == ACCEPTED

    assert [event.body for event in await receiver.stored()] == [b"1", b"2"]


async def test_a_script_that_redis_forgot_is_loaded_again(
    receiver: Receiving, redis: Redis
) -> None:
    assert (await receiver.post(note())).said == ACCEPTED
    await redis.script_flush()

    assert (await receiver.post(note())).said == ACCEPTED


async def test_while_redis_is_away_each_answer_is_503_and_when_it_is_back_no_restart_is_needed(
    receiver: Receiving, redis_server: RedisServer
) -> None:
    redis_server.kill()
    refused = [await receiver.post(note()) for _ in range(3)]
    assert [answer.said for answer in refused] == [NOT_DURABLE] * 3
    assert [retry_after_s(answer) for answer in refused] == [5] * 3

    await asyncio.to_thread(redis_server.restart)

    assert (await receiver.post(note(b"1"))).said == ACCEPTED
    assert [event.body for event in await receiver.stored()] == [b"1"]


async def test_what_is_refused_without_redis_is_refused_alike_while_it_is_away(
    receiver: Receiving, redis_server: RedisServer
) -> None:
    redis_server.kill()

    said = await answered(
        receiver,
        {
            "unknown": raw(note(connector="nope")),
            "method": raw(note(), method="GET"),
            "unsigned": raw(note(connector="shop")),
            "json": raw(note(b"{")),
        },
    )

    assert list(said.values()) == [UNKNOWN, WRONG_METHOD, NOT_PROVEN, UNPARSEABLE]


async def test_what_was_acknowledged_is_there_after_redis_was_killed_under_load(
    receiver: Receiving, redis_server: RedisServer
) -> None:
    acknowledged: set[str] = set()
    refused: list[Answer] = []
    numbers = count()
    enough = asyncio.Event()

    async def send() -> None:
        while not enough.is_set():
            answer = await receiver.post(note(b"%d" % next(numbers)))
            if answer.status == 202:
                acknowledged.add(answer.json["event_id"])
            else:
                refused.append(answer)

    async with asyncio.TaskGroup() as senders:
        for _ in range(8):
            senders.create_task(send())
        await wait_until(lambda: len(acknowledged) >= 50, "many are acknowledged")
        redis_server.kill()
        await wait_until(lambda: len(refused) >= 20, "many are refused")
        before = len(acknowledged)
        await asyncio.to_thread(redis_server.restart)
        await wait_until(lambda: len(acknowledged) >= before + 50, "many more are acknowledged")
        enough.set()

    assert {answer.said for answer in refused} == {NOT_DURABLE}
    assert {retry_after_s(answer) for answer in refused} == {5}
    assert acknowledged <= {event.id for event in await receiver.stored()}


async def test_a_redis_that_hangs_is_waited_for_no_longer_than_senders_wait(
    receiver: Receiving, redis: Redis
) -> None:
    receiver.parts.intake._write_timeout_s = 0.1
    await redis.client_pause(LONG_MS, all=False)
    refused = await receiver.post(note(b"1"))
    assert refused.said == NOT_DURABLE
    assert retry_after_s(refused) == 5

    await redis.client_unpause()

    accepted = await receiver.post(note(b"2"))
    assert accepted.said == ACCEPTED
    assert accepted.json["event_id"] in {event.id for event in await receiver.stored()}


async def test_a_full_redis_keeps_nothing_of_an_event_and_takes_the_next_when_there_is_room(
    receiver: Receiving, redis: Redis
) -> None:
    assert (await receiver.post(note(b"1"))).said == ACCEPTED
    before = sorted(await redis.keys())
    await redis.config_set("maxmemory", 1)

    refused = await receiver.post(note(b"2"))

    assert refused.said == NOT_DURABLE
    assert sorted(await redis.keys()) == before
    await redis.config_set("maxmemory", 0)
    assert (await receiver.post(note(b"3"))).said == ACCEPTED
    assert [event.body for event in await receiver.stored()] == [b"1", b"3"]


# Bounds of memory


async def test_more_requests_than_may_wait_are_refused_at_once(
    redis: Redis, redis_server: RedisServer, database_url: str
) -> None:
    async with receiving(redis, redis_server.url, database_url, intake_max_requests=3) as receiver:
        await redis.client_pause(LONG_MS, all=False)
        waiting = await under_way(receiver, *(note(b"%d" % number) for number in range(3)))

        refused = await receiver.post(note(b'"too many"'))

        assert refused.said == OVERLOADED
        assert retry_after_s(refused) == 2
        assert not any(post.done() for post in waiting)
        await redis.client_unpause()
        assert [(await post).said for post in waiting] == [ACCEPTED] * 3
        assert (await receiver.post(note())).said == ACCEPTED
        assert len(await receiver.stored()) == 4


async def test_more_bytes_than_may_wait_are_refused_at_once(
    redis: Redis, redis_server: RedisServer, database_url: str
) -> None:
    large, small = note(json.dumps("x" * 6000).encode()), note(b"1")
    async with receiving(
        redis, redis_server.url, database_url, intake_max_bytes=10_000
    ) as receiver:
        await redis.client_pause(LONG_MS, all=False)
        waiting = await under_way(receiver, large)

        refused = await receiver.post(large)

        assert refused.said == OVERLOADED
        assert retry_after_s(refused) == 2
        waiting += await under_way(receiver, small)
        await redis.client_unpause()
        assert [(await post).said for post in waiting] == [ACCEPTED] * 2
        assert (await receiver.post(large)).said == ACCEPTED


# A connector's rate


def limited(number: int = 1) -> Request:
    return shopify(order(number), f"d-{number}", connector="limited")


async def use_up(receiver: Receiving) -> None:
    """Take all that the connector `limited` has to give at once."""
    said = [(await receiver.post(limited(number))).said for number in range(BURST)]
    assert said == [ACCEPTED] * BURST


async def test_beyond_its_rate_a_connector_refuses_and_says_in_whole_seconds_when_to_come_back(
    receiver: Receiving,
) -> None:
    await use_up(receiver)

    refused = await receiver.post(limited())

    assert refused.said == RATE_LIMITED
    assert 3500 < retry_after_s(refused) <= 3600
    assert len(await receiver.stored()) == BURST


async def test_refused_requests_do_not_count(receiver: Receiving, redis: Redis) -> None:
    await use_up(receiver)
    bucket = await redis.get(keys.rate("limited"))

    waits = [retry_after_s(await receiver.post(limited())) for _ in range(20)]

    assert max(waits) <= 3600
    assert await redis.get(keys.rate("limited")) == bucket


async def test_requests_that_are_not_proven_or_not_readable_use_up_nothing(
    receiver: Receiving,
) -> None:
    said = await answered(
        receiver,
        {
            "unsigned": raw(note(connector="limited")),
            "forged": raw(limited().with_headers(x_shopify_hmac_sha256="AAAA")),
            "type": raw(shopify(b"1", "d", connector="limited").with_headers(content_type="a/b")),
            "json": raw(shopify(b"{", "d", connector="limited")),
        },
    )
    assert list(said.values()) == [NOT_PROVEN, NOT_PROVEN, WRONG_TYPE, UNPARSEABLE]

    await use_up(receiver)


async def test_one_connectors_rate_is_no_others_and_holds_over_all_receivers(
    receiver: Receiving, redis: Redis, redis_server: RedisServer, database_url: str
) -> None:
    await use_up(receiver)

    async with receiving(redis, redis_server.url, database_url) as other:
        assert (await other.post(limited())).said == RATE_LIMITED
        assert (await other.post(shopify(order(1), "d-1"))).said == ACCEPTED


async def test_refusals_for_the_rate_are_recorded_once_a_minute_with_their_count(
    receiver: Receiving,
) -> None:
    clock = ManualClock()
    receiver.parts.recorder._clock = clock
    await use_up(receiver)
    for _ in range(7):
        await receiver.post(limited())
    assert await refusals_in(receiver.parts.store) == []

    clock.forward(60_000)
    (row,) = await receiver.refusals(1)

    assert (row["connector"], row["status"], row["code"]) == ("limited", *RATE_LIMITED)
    assert row["reason"].startswith("7 refusals within this minute")


async def test_while_redis_is_away_a_connector_with_a_rate_takes_nothing_either(
    receiver: Receiving, redis_server: RedisServer
) -> None:
    redis_server.kill()
    refused = await receiver.post(limited())
    assert refused.said == NOT_DURABLE
    assert retry_after_s(refused) == 5

    await asyncio.to_thread(redis_server.restart)

    await use_up(receiver)


# Bad input: the contract's answer, never a 500, never an effect


async def test_what_does_not_prove_its_sender_is_401(receiver: Receiving, redis: Redis) -> None:
    signed = shopify(order(1), "d-1")
    proof = signed.headers["X-Shopify-Hmac-Sha256"]
    without = signed.with_headers(x_shopify_hmac_sha256=None)
    in_hex = "00" * 32
    sent = {
        "none": raw(without),
        "empty": raw(without, "X-Shopify-Hmac-Sha256:"),
        "no base64": raw(without, "X-Shopify-Hmac-Sha256: !!"),
        "hex": raw(without, f"X-Shopify-Hmac-Sha256: {in_hex}"),
        "too short": raw(without, "X-Shopify-Hmac-Sha256: AAAA"),
        "too long": raw(without, f"X-Shopify-Hmac-Sha256: {'A' * 8000}"),
        "not ASCII": raw(without, b"X-Shopify-Hmac-Sha256: \xff\xfe"),
        "fullwidth": raw(without, f"X-Shopify-Hmac-Sha256: \uff21{proof[1:]}"),
        "another": raw(without, f"X-Shopify-Hmac-Sha256: {'A' * 43}="),
        "with a prefix": raw(without, f"X-Shopify-Hmac-Sha256: sha256={proof}"),
        "twice, a wrong one first": raw(
            without, "X-Shopify-Hmac-Sha256: AAAA", f"X-Shopify-Hmac-Sha256: {proof}"
        ),
        "in the query": raw(without, target=f"/hooks/shop?X-Shopify-Hmac-Sha256={proof}"),
        "of another body": raw(replace(signed, body=order(2))),
        "of more": raw(replace(signed, body=signed.body + b" ")),
        "of nothing": raw(replace(signed, body=b"")),
        "of a shorter body": raw(
            replace(signed, body=signed.body[:-1]).with_headers(connection="close")
        ),
        "a body that is no JSON": raw(replace(without, body=b"\xff{")),
        "compressed": raw(without, "Content-Encoding: gzip"),
    }

    assert await answered(receiver, sent) == all_of(NOT_PROVEN, sent)
    await assert_no_effect(redis)


async def test_a_body_beyond_the_limit_is_413(receiver: Receiving, redis: Redis) -> None:
    over = note(b" " * SMALL_LIMIT + b"1", "small")
    smuggled = note(b" " * SMALL_LIMIT + raw(note()), "small")
    sent = {
        "at once": raw(over),
        "said beforehand": raw(note(b"", "small"), "Content-Length: 1001", sized=False),
        "said to be huge": raw(note(), "Content-Length: 1073741824", sized=False),
        "in chunks": raw(replace(over, body=chunked(over.body)), CHUNKED, sized=False),
        "in chunks of one": raw(replace(over, body=chunked(over.body, 1)), CHUNKED, sized=False),
        "in one chunk without an end": raw(
            replace(over, body=b"7d0\r\n" + b" " * 1500), CHUNKED, sized=False
        ),
        "a request in it": raw(smuggled),
        "a request in its chunks": raw(
            replace(smuggled, body=chunked(smuggled.body)), CHUNKED, sized=False
        ),
    }

    assert await answered(receiver, sent) == all_of(TOO_LARGE, sent)
    await assert_no_effect(redis)


async def test_a_body_of_just_the_limit_is_taken(receiver: Receiving) -> None:
    just = note(b" " * (SMALL_LIMIT - 1) + b"1", "small")
    sent = {
        "at once": raw(just),
        "in chunks": raw(replace(just, body=chunked(just.body)), CHUNKED, sized=False),
    }

    assert await answered(receiver, sent) == all_of(ACCEPTED, sent)


async def test_the_rest_of_a_body_that_is_too_large_is_never_read_as_a_request(
    receiver: Receiving, redis: Redis
) -> None:
    async with receiver.connection() as connection:
        await connection.write(raw(note(b"", "small"), "Content-Length: 5000", sized=False))
        assert (await connection.answer()).said == TOO_LARGE
        await connection.write(raw(note()))
        connection.end()
        assert await connection.answer() is ENDED

    await assert_no_effect(redis)


async def test_a_body_that_ends_too_early_is_recorded_and_has_no_effect(
    receiver: Receiving, redis: Redis
) -> None:
    async with receiver.connection() as connection:
        await connection.write(raw(note(b"{}"), "Content-Length: 100", sized=False))
        await wait_until(lambda: receiver.parts.receiver.in_hand == 1, "the request is in hand")
        connection.end()
        assert (await connection.answer()).said in {(400, "incomplete"), ENDED.said}

    (row,) = await receiver.refusals(1)
    assert (row["status"], row["code"]) == (400, "incomplete")
    assert receiver.parts.receiver.in_hand == 0
    await assert_no_effect(redis)


async def test_a_body_that_does_not_come_in_time_is_408(receiver: Receiving, redis: Redis) -> None:
    hooks = receiver.parts.receiver
    hooks._services = replace(hooks._services, body_within_s=0.05)

    said = await receiver.send(raw(note(b"{}"), "Content-Length: 100", sized=False))

    assert said.said == (408, "too-slow")
    await assert_no_effect(redis)


async def test_an_encoded_body_is_415(receiver: Receiving, redis: Redis) -> None:
    encodings = ("gzip", "x-gzip", "deflate", "br", "zstd", "GZIP", "x-unknown", "identity, gzip")
    sent = {name: raw(note(), f"Content-Encoding: {name}") for name in encodings}
    signed = shopify(order(1), "d-1")
    sent["proven"] = raw(signed, "Content-Encoding: gzip")
    sent["not ASCII"] = raw(note(), b"Content-Encoding: \xff")

    assert await answered(receiver, sent) == all_of(ENCODED, sent)
    assert (await receiver.send(sent["gzip"])).headers["accept-encoding"] == "identity"
    await assert_no_effect(redis)


async def test_the_identity_encoding_is_none(receiver: Receiving) -> None:
    sent = {name: raw(note(), f"Content-Encoding: {name}") for name in ("identity", "Identity", "")}

    assert await answered(receiver, sent) == all_of(ACCEPTED, sent)


async def test_an_encoding_in_a_second_header_is_415(receiver: Receiving) -> None:
    sent = raw(note(), "Content-Encoding: identity", "Content-Encoding: gzip")

    assert (await receiver.send(sent)).said == ENCODED


async def test_a_content_type_the_sender_does_not_send_is_415(
    receiver: Receiving, redis: Redis
) -> None:
    types = (
        "text/plain",
        "text/json",
        "application/xml",
        "application/octet-stream",
        "application/json, text/plain",
        "application/jsonp",
        "json",
        "*/*",
        "%00",
    )
    sent = {name: raw(note(content_type=name)) for name in types}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    sent["a form of a sender of JSON"] = raw(shopify(b"a=1", "d-1", headers=form))
    sent["not ASCII"] = raw(Request("open", b"{}"), b"Content-Type: application/json\xff")

    assert await answered(receiver, sent) == all_of(WRONG_TYPE, sent)
    await assert_no_effect(redis)


async def test_content_types_are_read_in_any_spelling(receiver: Receiving) -> None:
    types = (
        "application/json",
        "APPLICATION/JSON; charset=UTF-8",
        "application/json;",
        "application/vnd.example+json",
        "application/x-www-form-urlencoded",
        "",
    )
    sent = {name: raw(note(content_type=name)) for name in types}
    sent["none"] = raw(Request("open", b"{}"))
    parts = {"Content-Type": "Multipart/Form-Data; boundary=x"}
    sent["parts"] = raw(Request("open", b"--x\r\n\r\na\r\n--x--", parts))

    assert await answered(receiver, sent) == all_of(ACCEPTED, sent)


async def test_what_is_no_json_is_400(receiver: Receiving, redis: Redis) -> None:
    bodies = {
        "cut off": b'{"a": ',
        "two values": b"{} {}",
        "a comma too many": b"[1,]",
        "single quotes": b"{'a': 1}",
        "a comment": b"{} // why",
        "NaN": b'{"a": NaN}',
        "Infinity": b"[Infinity]",
        "-Infinity": b"-Infinity",
        "a leading zero": b"01",
        "a bare point": b"1.",
        "a plus": b"+1",
        "hex": b"0x10",
        "a raw NUL in a text": b'"\x00"',
        "NUL alone": b"\x00",
        "NUL behind it": b"{}\x00",
        "a raw line end in a text": b'"\n"',
        "an unknown escape": rb'"\x41"',
        "a surrogate in UTF-8": b'"\xed\xa0\x80"',
        "an overlong NUL": b'"\xc0\x80"',
        "Latin-1": b'"\xe9"',
        "UTF-16": '{"a": 1}'.encode("utf-16"),
        "compressed": b"\x1f\x8b\x08\x00",
        "101 levels": b"[" * 101 + b"]" * 101,
        "101 levels of both kinds": b'{"a":[' * 51 + b"]}" * 51,
        "levels without an end": b"[" * 500_000,
        "4,001 digits": b"1" * 4001,
        "4,001 digits behind the point": b"0." + b"1" * 4000,
        "4,001 digits of an exponent": b"1e" + b"1" * 4001,
        "an exponent nothing can hold": b"1e9999999999999999999",
        "a form": b"a=1&b=2",
    }
    sent = {name: raw(note(body)) for name, body in bodies.items()}

    assert await answered(receiver, sent) == all_of(UNPARSEABLE, sent)
    await assert_no_effect(redis)


async def test_odd_but_valid_json_is_stored_byte_for_byte(receiver: Receiving) -> None:
    bodies = (
        b"",
        b"null",
        b" 1 ",
        b"\xef\xbb\xbf{}",
        b'{"a": 1, "a": 2}',
        rb'"\u0000"',
        rb'"\ud800"',
        rb'{"\udfff": "\ud83d\ude00"}',
        b"[" * 100 + b"]" * 100,
        b"1" * 4000,
        b"-0.0e-0",
        b"1e400",
        b'"' + b"1" * 5000 + b'"',
        b'"' + b"[" * 500 + b'"',
    )

    said = [(await receiver.post(note(body))).said for body in bodies]

    assert said == [ACCEPTED] * len(bodies)
    assert [event.body for event in await receiver.stored()] == list(bodies)


async def test_what_is_no_connector_is_404(receiver: Receiving, redis: Redis) -> None:
    unknown = (
        "/hooks/nope",
        "/hooks/",
        "/hooks/OPEN",
        "/hooks/op%65n",
        "/hooks/open%00",
        "/hooks/open%2F",
        "/hooks/open%zz",
        "/hooks/open;a=1",
        "/hooks/open#a",
        "/hooks/__class__",
        "/hooks/*",
        "/hooks/" + "a" * 5000,
        "http://hooks.example/hooks/nope",
    )
    elsewhere = ("/hooks", "/hooks/open/", "/hooks/open/x", "/hooks//open", "/hooks/../hooks/open")
    sent = {target: raw(note(), target=target) for target in unknown + elsewhere}
    expected = dict.fromkeys(unknown, UNKNOWN) | dict.fromkeys(elsewhere, NOT_FOUND)
    for target in ("/hooks", "/hooks/open/x"):
        sent[f"{target}, expecting"] = raw(note(), "Expect: nonsense", target=target)
        expected[f"{target}, expecting"] = NOT_FOUND

    assert await answered(receiver, sent) == expected
    await assert_no_effect(redis)


async def test_any_method_but_post_is_405_and_says_so(receiver: Receiving, redis: Redis) -> None:
    methods = ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "CONNECT", "SEARCH")
    sent = {name: raw(Request("open", b""), method=name) for name in methods}

    assert await answered(receiver, sent) == all_of(WRONG_METHOD, sent)
    refused = await receiver.send(sent["GET"])
    assert refused.headers["allow"] == "POST"
    head = await receiver.send(raw(Request("open", b""), method="HEAD"), has_body=False)
    assert (head.status, head.headers["allow"]) == (405, "POST")
    await assert_no_effect(redis)


async def test_what_is_no_http_is_a_plain_400(receiver: Receiving, redis: Redis) -> None:
    request = note()
    sized = {
        "negative": "-1",
        "with a sign": "+2",
        "hex": "0x2",
        "a list": "2, 2",
        "with an underscore": "1_0",
        "a fraction": "2.0",
        "beyond any number": "9" * 30,
        "not ASCII": "\u0662",
    }
    lines: dict[str, str | bytes] = {
        "no colon": "nonsense",
        "a space before the colon": "X-A : 1",
        "a space in the name": "X A: 1",
        "no name": ": 1",
        "folded": "X-A: 1\r\n 2",
        "NUL": b"X-A: a\x00b",
        "a carriage return": b"X-A: a\rb",
        "a control character": b"X-A: a\x01b",
        "a name not ASCII": "X-\u00e9: 1",
        "too long": "X-A: " + "a" * 9000,
        "Host twice": "Host: other.example",
        "Content-Type twice": "Content-Type: text/plain",
        "Content-Length twice": "Content-Length: 2",
        "two Content-Lengths": "Content-Length: 3",
        "length and chunks": CHUNKED,
    }
    in_chunks = {
        "a chunk of no size": b"zz\r\n{}\r\n0\r\n\r\n",
        "a chunk of less than nothing": b"-1\r\n{}\r\n0\r\n\r\n",
        "a chunk longer than it says": b"1\r\n{}\r\n0\r\n\r\n",
        "a chunk beyond any number": b"f" * 20 + b"\r\n{}\r\n0\r\n\r\n",
    }
    sent = {
        **{
            f"length {name}": raw(request, f"Content-Length: {text}", sized=False)
            for name, text in sized.items()
        },
        **{f"header {name}": raw(request, line) for name, line in lines.items()},
        **{
            name: raw(replace(request, body=body), CHUNKED, sized=False)
            for name, body in in_chunks.items()
        },
        "unknown transfer coding": raw(request, "Transfer-Encoding: nope", sized=False),
        "too many headers": raw(request, *["X-A: 1"] * 500),
        "no host": b"POST /hooks/open HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        "no method": b" /hooks/open HTTP/1.1\r\n\r\n",
        "unknown method": raw(request, method="BREW"),
        "method in lower case": raw(request, method="post"),
        "a version that is none": raw(request, version="9.9"),
        "a space in the target": raw(request, target="/hooks/o pen"),
        "a target not ASCII": raw(request, target="/hooks/\u00f6pen"),
        "a target too long": raw(request, target="/hooks/" + "a" * 9000),
        "an asterisk": raw(request, target="*"),
        "line feeds alone": raw(request).replace(b"\r\n", b"\n"),
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        "noise": bytes(range(256)) + b"\r\n\r\n",
    }

    assert await answered(receiver, sent) == all_of(MALFORMED, sent)
    await assert_no_effect(redis)


async def test_oddities_of_http_that_change_nothing_are_taken(receiver: Receiving) -> None:
    request = note()
    lines = (
        "Expect: nonsense",
        "Connection: upgrade\r\nUpgrade: websocket",
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c",
        "Range: bytes=0-1",
        "If-None-Match: *",
        'Cookie: =;;a="b',
        "TE: trailers",
        "Prefer: wait=soon",
        "Prefer: ,;=,",
        "Accept: image/png",
        "X-A:",
        "X-A: 1\r\nX-A: 2",
    )
    trailing = b"2\r\n{}\r\n0\r\nX-Trailer: 1\r\n\r\n"
    sent = {line: raw(request, line) for line in lines}
    sent["HTTP/1.0"] = raw(request, version="1.0")
    sent["a trailer"] = raw(replace(request, body=trailing), CHUNKED, sized=False)
    sent["an absolute target"] = raw(request, target="http://hooks.example/hooks/open")
    sent["an empty line before it"] = b"\r\n" + raw(request)

    assert await answered(receiver, sent) == all_of(ACCEPTED, sent)
    assert {event.body for event in await receiver.stored()} == {b"{}"}


async def test_a_connector_without_its_secret_is_503(receiver: Receiving, redis: Redis) -> None:
    refused = await receiver.post(note(connector="unready"))

    assert refused.said == (503, "connector-not-ready")
    assert retry_after_s(refused) == 60
    await assert_no_effect(redis)


async def test_of_several_things_wrong_the_first_in_the_contracts_order_is_the_answer(
    redis: Redis, redis_server: RedisServer, database_url: str
) -> None:
    large = Request("limited", b"{" + b" " * SMALL_LIMIT, {"Content-Type": "text/plain"})
    unsigned = replace(large, body=b"{")
    signed = shopify(b"{", "d-1", connector="limited")
    odd = signed.with_headers(content_type="text/plain")
    encoded = "Content-Encoding: gzip"
    sent = {
        "unknown, and all the rest": raw(large, encoded, method="GET", target="/hooks/nope"),
        "a method, and all below": raw(large, encoded, method="GET"),
        "too large": raw(large, encoded),
        "not proven": raw(unsigned, encoded),
        "encoded": raw(odd, encoded),
        "of a wrong type": raw(odd),
        "no JSON": raw(signed),
        "too many": raw(limited()),
    }

    async with receiving(redis, redis_server.url, database_url, body_limit=500) as receiver:
        await use_up(receiver)
        said = await answered(receiver, sent)

    assert list(said.values()) == [
        UNKNOWN,
        WRONG_METHOD,
        TOO_LARGE,
        NOT_PROVEN,
        ENCODED,
        WRONG_TYPE,
        UNPARSEABLE,
        RATE_LIMITED,
    ]


async def test_a_refusal_is_recorded_with_its_reason_and_shows_neither_body_nor_credentials(
    receiver: Receiving,
) -> None:
    hidden = {"authorization": "Bearer h1dden-1", "cookie": "a=h1dden-2"}
    forged = shopify(b'{"body": "h1dden-3"}', "d-1").with_headers(
        x_shopify_hmac_sha256="h1dden4AAAA=", x_note="shown", **hidden
    )

    answer = await receiver.post(forged)

    (row,) = await receiver.refusals(1)
    assert answer.said == NOT_PROVEN
    assert b"h1dden" not in answer.body
    assert (row["connector"], row["status"]) == ("shop", 401)
    assert row["code"].startswith("signature-")
    assert row["reason"]
    assert row["headers"]["x-note"] == "shown"
    assert "h1dden" not in repr(row)
    assert (await receiver.post(note(connector="nope").with_headers(**hidden))).said == UNKNOWN
    assert "h1dden" not in repr(await receiver.refusals(2))


async def test_a_stop_while_refusals_are_being_written_records_each_once(
    receiver: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder, gate, begun = receiver.parts.recorder, asyncio.Event(), asyncio.Event()
    save = recorder._save

    async def slow_save(rows: Sequence[Row]) -> None:
        begun.set()
        await gate.wait()
        await save(rows)

    monkeypatch.setattr(recorder, "_save", slow_save)
    await receiver.post(note(b"{"))
    await wait_until(begun.is_set, "the first one is being written")
    await receiver.post(note(b"}"))
    closing = asyncio.create_task(recorder.close())
    await asyncio.sleep(0)
    gate.set()
    await closing

    assert len(await refusals_in(receiver.parts.store)) == 2
