"""Whatever comes over the wire: the answer is one of the contract's, and only what has a 2xx is stored."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from router.core import keys
from router.core.event import IncomingEvent
from router.core.jsonio import MAX_DEPTH, MAX_DIGITS
from router.core.pending import PendingBatches
from router.core.store.migrate import upgrade
from tests.support.receiving import Answer, Receiving, chunked, raw, receiving
from tests.support.senders import Request, shopify
from tests.support.servers import RedisServer
from tests.support.waiting import wait_until

pytestmark = pytest.mark.redis

ACCEPTED = (202, None)
NO_HTTP = (400, None)
REFUSALS = {
    (400, "unparseable"),
    (401, "not-proven"),
    (404, "unknown-connector"),
    (404, "not-found"),
    (405, "method-not-allowed"),
    (413, "too-large"),
    (415, "unsupported-encoding"),
    (415, "unsupported-content-type"),
}
ANSWERS = REFUSALS | {ACCEPTED, NO_HTTP}
NO_ADDRESS = (404, None)
"""Of an address that is neither under /hooks nor under /api."""

one_receiver_for_all = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

small_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
json_texts = (
    small_values.map(lambda value: json.dumps(value).encode())
    | st.text('{}[]:,"\\u019.eE+-tfnul NaIity\x00\n\ufeff\ud800', max_size=12).map(
        lambda text: text.encode("utf-8", "surrogatepass")
    )
    | st.integers(MAX_DEPTH - 3, MAX_DEPTH + 3).map(lambda depth: b"[" * depth + b"]" * depth)
    | st.tuples(
        st.integers(MAX_DIGITS - 3, MAX_DIGITS + 3), st.sampled_from(["", "0.", "-", "1e"])
    ).map(lambda drawn: drawn[1].encode() + b"1" * drawn[0])
    | st.integers(0, 10**30).map(lambda exponent: b"[1e%d, 1e-%d]" % (exponent, exponent))
)
bodies = json_texts | st.binary(max_size=1500)

header_names = st.sampled_from(
    [
        "Content-Encoding",
        "Expect",
        "Prefer",
        "X-Shopify-Hmac-Sha256",
        "X-Shopify-Topic",
        "X-Shopify-Webhook-Id",
        "X-Forwarded-For",
        "Authorization",
        "Cookie",
        "X-Note",
    ]
)
any_value = st.binary(max_size=300).map(lambda value: re.sub(rb"[\x00-\x1f\x7f]", b"", value))
header_lines = st.lists(
    st.tuples(
        header_names, any_value | st.sampled_from([b"gzip", b"identity", b"wait=0", b"orders"])
    ).map(lambda drawn: drawn[0].encode() + b": " + drawn[1]),
    max_size=4,
)
content_types = st.sampled_from(
    ["application/json", "application/json", "text/plain", "application/x-www-form-urlencoded", ""]
)
targets = st.sampled_from(["/hooks/open", "/hooks/shop", "/hooks/small", "/hooks/nope"]) | st.text(
    "abc/%0.?=&;*~", max_size=8
).map(lambda tail: f"/hooks/{tail}")
methods = st.sampled_from(["POST"] * 8 + ["GET", "PUT", "OPTIONS", "DELETE"])


@pytest.fixture
async def receiver(
    redis: Redis, redis_server: RedisServer, sqlite_url: str
) -> AsyncIterator[Receiving]:
    await upgrade(sqlite_url)
    async with receiving(redis, redis_server.url, sqlite_url) as running:
        yield running


async def count_of(redis: Redis) -> int:
    return int(await redis.get(keys.PENDING_EVENTS) or 0)


async def stored(redis: Redis, answer: Answer) -> IncomingEvent:
    """Return the event that an answer says is stored."""
    event = await PendingBatches(redis).find_event(answer.json["event_id"])
    assert event is not None
    return event


def assert_any_store_can_hold_it(event: IncomingEvent) -> None:
    said = [event.content_type, event.type or "", event.delivery_id or ""]
    said += [*event.headers, *event.headers.values(), *event.query, *event.query.values()]
    assert "\x00" not in "".join(said)
    assert "".join(said).encode()


@one_receiver_for_all
@given(
    method=methods,
    target=targets,
    content_type=content_types,
    lines=header_lines,
    body=bodies,
    signed=st.booleans(),
    chunk=st.none() | st.integers(1, 700),
)
async def test_each_answer_is_one_of_the_contracts_and_an_event_is_stored_if_it_is_202(
    receiver: Receiving,
    redis: Redis,
    method: str,
    target: str,
    content_type: str,
    lines: list[bytes],
    body: bytes,
    signed: bool,  # noqa: FBT001  hypothesis gives it by name
    chunk: int | None,
) -> None:
    given_type = {"Content-Type": content_type}
    request = shopify(body, "d-1", headers=given_type) if signed else Request("", body, given_type)
    framing = [] if chunk is None else [b"Transfer-Encoding: chunked"]
    if chunk is not None:
        request = replace(request, body=chunked(body, chunk))
    before = await count_of(redis)

    answer = await receiver.send(
        raw(request, *framing, *lines, method=method, target=target, sized=chunk is None)
    )
    if answer.status == 100:
        answer = Answer(202)  # told to go on: what comes then is another test's

    assert answer.said in ANSWERS
    if answer.body and answer.said == ACCEPTED:
        event = await stored(redis, answer)
        assert event.body == body
        assert_any_store_can_hold_it(event)
    assert await count_of(redis) - before == (answer.status == 202)


SIGNED = shopify(b'{"id": 1, "name": "a"}', "d-1")
WIRE = raw(SIGNED)
edits = st.lists(
    st.tuples(
        st.integers(0, len(WIRE)),
        st.integers(0, 6),
        st.binary(max_size=6) | st.sampled_from([b"\r\n", b"\r\n\r\n", b"\x00", b": ", b"0", b"9"]),
    ),
    min_size=1,
    max_size=4,
)


@one_receiver_for_all
@given(edits)
async def test_no_damage_to_a_signed_request_has_an_effect_that_its_sender_did_not_sign(
    receiver: Receiving, redis: Redis, damage: list[tuple[int, int, bytes]]
) -> None:
    wire = WIRE
    for at, removed, added in damage:
        wire = wire[:at] + added + wire[at + removed :]

    async with receiver.connection() as connection:
        await connection.write(wire)
        connection.end()
        answers = await connection.answers()
    await wait_until(lambda: receiver.parts.receiver.in_hand == 0, "all is answered")

    assert {answer.said for answer in answers} <= ANSWERS | {NO_ADDRESS, (400, "incomplete")}
    events = await receiver.stored()
    assert {event.body for event in events if event.connector == "shop"} <= {SIGNED.body}
    accepted = {answer.json["event_id"] for answer in answers if answer.status == 202}
    assert accepted <= {event.id for event in events}
    await redis.delete(keys.PENDING, keys.PENDING_EVENTS)


class _NotAllowedError(ValueError):
    pass


def _refuse(name: str) -> NoReturn:
    raise _NotAllowedError(name)


def _number(written: str) -> Decimal:
    digits = re.findall("[0-9]+", written.replace(".", ""))
    if any(len(part) > MAX_DIGITS for part in digits):
        raise _NotAllowedError(written)
    return Decimal(written)


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def is_allowed(body: bytes) -> bool:
    """Tell by the standard library whether a body is JSON within the contract's bounds."""
    if not body.strip(b" \t\r\n\x0b\x0c"):
        return True
    try:
        value = json.loads(
            body.decode("utf-8-sig"),
            parse_int=_number,
            parse_float=_number,
            parse_constant=_refuse,
        )
    except (ValueError, InvalidOperation):
        return False
    return _depth(value) <= MAX_DEPTH


@one_receiver_for_all
@given(bodies)
async def test_json_is_taken_if_and_only_if_it_is_json_within_the_bounds(
    receiver: Receiving, body: bytes
) -> None:
    answer = await receiver.post(Request("open", body, {"Content-Type": "application/json"}))

    assert answer.said == (ACCEPTED if is_allowed(body) else (400, "unparseable"))
