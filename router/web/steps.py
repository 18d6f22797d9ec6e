"""The steps of reception, in their order; `STEPS` at the end is the whole path.

The order says which refusal wins (decision P2): 404, 405, 413, 401, 415, 400, 429. A sender's handshake
is answered where it is proven, or known not to need it.
"""

from __future__ import annotations

import asyncio
import math
from typing import Any

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError
from redis.exceptions import RedisError

from router.core import jsonio
from router.core.errors import IntakeFullError, NotDurableError
from router.core.event import IncomingEvent
from router.core.jsonio import UnparseableError
from router.sources.preset import Facts
from router.web import problems
from router.web.answers import accepted, answer_of, as_sender_expects, rate_headers
from router.web.content import query_body, read_content
from router.web.outcomes import outcome_within
from router.web.prefer import PREFER, PREFERENCE_APPLIED, wait_of
from router.web.problems import ProblemError, not_proven
from router.web.reception import Reception, Step
from router.web.trust import admit, call, encoded, refusal_of
from router.web.visible import storable, visible_headers, visible_query

_ROUTED_WAIT_S = 10
"""How long a connector with `reply: routed` waits where the sender does not say."""

_RATE_WITHIN_S = 2.0
"""How long Redis may take to say whether a connector's limit is reached, or a token was used."""

_WITH_QUERY_ONLY = frozenset({hdrs.METH_GET, hdrs.METH_DELETE})
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


async def find(reception: Reception) -> None:
    """Find the connector by its name in the path."""
    connectors = reception.services.connectors
    connector = connectors.find(reception.asked_for)
    if connector is None:
        known = connectors.hash is not None
        raise ProblemError(problems.UNKNOWN_CONNECTOR if known else problems.NOT_READY)
    reception.connector = connector


async def check_method(reception: Reception) -> None:
    """Let POST through, and what else the connector's sender may use."""
    method = reception.request.method
    if method == hdrs.METH_POST:
        return
    source = reception.connector.source
    if source is None or method not in source.methods | source.preset.shaking_methods:
        raise _not_allowed(reception)


def _not_allowed(reception: Reception) -> ProblemError:
    source = reception.connector.source
    methods = {hdrs.METH_POST} if source is None else source.methods
    return ProblemError(
        problems.METHOD_NOT_ALLOWED, headers={hdrs.ALLOW: ", ".join(sorted(methods))}
    )


async def check_ready(reception: Reception) -> None:
    """Stop at a connector that cannot tell its sender from others: a secret is missing, say."""
    source = reception.connector.source
    if source is None:
        raise ProblemError(problems.CONNECTOR_NOT_READY, reason=reception.connector.problem)
    reception.source = source


async def read(reception: Reception) -> None:
    """Read the body, never more of it than the connector's limit."""
    request = reception.request
    limit = reception.connector.body_limit
    content = request.content
    if content.is_eof():  # it came along with the headers, as most do
        body = content.read_nowait(-1)
        if len(body) > limit:
            raise _too_large(limit)
    else:
        body = await _read_on(reception, limit)
    reception.body = body


async def _read_on(reception: Reception, limit: int) -> bytes:
    """Read a body that has not arrived yet, or not all of it."""
    request = reception.request
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(_CONTINUE)
        request.writer.output_size = 0
    uploads = reception.services.uploads
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(reception.services.body_within_s):
            while chunk := await request.content.readany():
                uploads.take(len(chunk))
                chunks.append(chunk)
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
    except TimeoutError:
        raise ProblemError(problems.TOO_SLOW) from None
    except (RequestPayloadError, HttpProcessingError, OSError):
        raise ProblemError(problems.INCOMPLETE) from None
    finally:
        uploads.free(size)
    return b"".join(chunks)


def _too_large(limit: int) -> ProblemError:
    return ProblemError(problems.TOO_LARGE, f"at most {limit:,} bytes are taken")


async def prove(reception: Reception) -> web.Response | None:
    """Let the request through only if it comes from the connector's sender; answer a handshake."""
    request, source = reception.request, reception.source
    refusal = await refusal_of(reception)
    if source.shake is not None:
        facts = Facts(request.method, request.headers, reception.body, refusal)
        answer = source.shake(facts)
        if answer is not None:
            if answer.call is not None:
                await call(reception, answer.call)
            reception.is_handshake = True
            return as_sender_expects(answer)
    if refusal is None:
        if request.method not in source.methods:  # it was let in for a handshake, and is none
            raise _not_allowed(reception)
        return None
    if refusal.status == problems.NOT_PROVEN.status:
        raise not_proven(refusal.code, refusal.reason + encoded(request))
    certified = source.certified is not None
    raise ProblemError(
        problems.CERTIFICATE_UNAVAILABLE if certified else problems.CONNECTOR_NOT_READY,
        reason=refusal.reason,
        recorded_as=refusal.code,
    )


async def check_type(reception: Reception) -> None:
    """Take only what the connector's sender sends: no encoding, and its content types.

    Of a request that can have no body the query is the body (decision E16).
    """
    request = reception.request
    headers = request.headers
    encodings = headers.getall(hdrs.CONTENT_ENCODING, ())
    if any(encoding.strip().lower() not in {"", "identity"} for encoding in encodings):
        raise ProblemError(
            problems.UNSUPPORTED_ENCODING, headers={hdrs.ACCEPT_ENCODING: "identity"}
        )
    if request.method in _WITH_QUERY_ONLY and not reception.body:
        hidden = reception.source.hidden_query
        shown = [(name, value) for name, value in request.query.items() if name not in hidden]
        reception.body = query_body(reception.source.preset, shown)
        reception.content_type = "application/json"
        return
    content_type = headers.get(hdrs.CONTENT_TYPE, "")
    if not reception.source.takes(content_type):
        taken = ", ".join(sorted(reception.source.content_types))
        raise ProblemError(problems.UNSUPPORTED_TYPE, f"{taken} is taken here")
    reception.content_type = reception.source.read_as(content_type)


async def parse(reception: Reception) -> None:
    """Check that the body can be read as what it says it is."""
    try:
        source = reception.source
        reception.parsed = read_content(
            reception.content_type,
            reception.body,
            source.form_field,
            plain_forms=source.plain_forms,
        )
    except UnparseableError as error:
        raise ProblemError(problems.UNPARSEABLE, str(error)) from None


async def check_once(reception: Reception) -> None:
    """Turn away a request that shows the token of another: the token was signed, the body was not."""
    source = reception.source
    if source.preset.once is None:
        return
    token = source.preset.once(reception.request.headers, reception.parsed)
    if token is None:
        return
    content = jsonio.dump_bytes(reception.parsed())
    once = reception.services.once
    try:
        async with asyncio.timeout(_RATE_WITHIN_S):
            is_right = await once.take(
                reception.connector.name, token, content, source.once_within_s
            )
    except (RedisError, OSError, TimeoutError):
        raise ProblemError(problems.NOT_DURABLE) from None
    if not is_right:
        raise ProblemError(
            problems.NOT_PROVEN,
            reason="its token came before, with another body: it is a replay",
            recorded_as="token-replayed",
            headers={hdrs.WWW_AUTHENTICATE: "Hookyard"},
        )


async def shun(reception: Reception) -> None:
    """Turn away what a machine filled in, which is told what everybody is told."""
    field = reception.source.preset.honeypot
    if field is None:
        return
    content = reception.parsed()
    if isinstance(content, dict) and _is_filled(content.get(field)):
        raise ProblemError(
            problems.NOT_PROVEN,
            reason=f"the field {field}, which people do not see, is filled in",
            recorded_as="honeypot",
            answer=_acceptance(reception, reception.services.new_id()),
        )


def _is_filled(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_is_filled, value))
    return bool(value.strip() if isinstance(value, str) else value)


async def name(reception: Reception) -> None:
    """Find out what the sender calls the event, and the id it gave the delivery."""
    reception.named = reception.source.name(
        reception.request.headers, reception.body, reception.parsed
    )


async def limit(reception: Reception) -> None:
    """Turn away what is beyond the connector's rate; only what is proven and readable counts."""
    rate = reception.connector.intake.rate
    if rate is None:
        return
    try:
        async with asyncio.timeout(_RATE_WITHIN_S):
            room = await reception.services.rates.ask(reception.connector.name, rate)
    except (RedisError, OSError, TimeoutError):
        raise ProblemError(problems.NOT_DURABLE) from None
    reception.limits = rate_headers(rate, room)
    if room.wait_s:
        retry_after = {hdrs.RETRY_AFTER: str(math.ceil(room.wait_s))}
        raise ProblemError(problems.RATE_LIMITED, headers={**reception.limits, **retry_after})


async def keep(reception: Reception) -> web.Response:
    """Store the event; answer, or first wait for its outcome where that was asked for."""
    services, connector = reception.services, reception.connector
    preferred_s = wait_of(reception.request.headers.getall(PREFER, ()))
    wait_s = preferred_s
    if wait_s is None and connector.intake.reply == "routed":
        wait_s = _ROUTED_WAIT_S
    event = _event(reception, services.outcomes.receiver_id if wait_s else None)
    if not wait_s:
        await _put(reception, event)
        response = _acceptance(reception, event.id)
    else:
        with services.outcomes.expecting(event.id) as future:
            await _put(reception, event)
            outcome = await outcome_within(future, wait_s)
        response = answer_of(event.id, outcome, services.base_url, reception.now)
    response.headers.update(reception.limits)
    if preferred_s is not None:
        response.headers[PREFERENCE_APPLIED] = f"wait={preferred_s}"
    return response


def _acceptance(reception: Reception, event_id: str) -> web.Response:
    """Say that an event is durable, in the way the sender wants to hear it."""
    answer = reception.source.preset.answer
    return accepted(event_id, reception.now) if answer is None else as_sender_expects(answer)


def _event(reception: Reception, reply_to: str | None) -> IncomingEvent:
    request, source, services = reception.request, reception.source, reception.services
    return IncomingEvent(
        id=services.new_id(),
        connector=reception.connector.name,
        received_ms=int(reception.now * 1000),
        body=reception.body,
        content_type=storable(reception.content_type),
        type=reception.named.type,
        delivery_id=reception.named.delivery_id,
        headers=visible_headers(request.headers, source.hidden),
        query=visible_query(request, source.hidden_query),
        remote=reception.remote.address,
        reply_to=reply_to,
    )


async def _put(reception: Reception, event: IncomingEvent) -> None:
    try:
        await reception.services.intake.put(event)
    except IntakeFullError as error:
        raise ProblemError(problems.OVERLOADED, reason=str(error)) from None
    except NotDurableError as error:
        raise ProblemError(problems.NOT_DURABLE, reason=str(error)) from None


STEPS: tuple[Step, ...] = (
    find,
    check_method,
    check_ready,
    read,
    admit,
    prove,
    check_type,
    parse,
    check_once,
    shun,
    name,
    limit,
    keep,
)


async def walk(reception: Reception) -> web.Response:
    """Take a request through the steps, to the first that answers.

    Raises:
        ProblemError: A step refuses it.
    """
    for step in STEPS:
        response = await step(reception)
        if response is not None:
            return response
    raise RuntimeError("the last step of reception gives the answer")
