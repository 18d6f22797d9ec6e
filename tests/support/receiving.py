"""A receiver inside the test's own process, on a real socket, and requests to it byte for byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr
from redis.asyncio import Redis

from router.core.event import IncomingEvent
from router.core.intake_table import ConnectorIntake, IntakeTable, RateLimit, publish
from router.core.pending import PendingBatches
from router.core.settings import Secrets, load_settings
from router.core.store.engine import Store
from router.core.store.refusals import RefusalFilter, list_refusals
from router.core.store.schema import Row
from router.web.server import Parts, _listen, assemble
from tests.support.programs import free_port
from tests.support.senders import SECRETS, Request
from tests.support.waiting import wait_until
from workers.by_hand import ByHand

SMALL_LIMIT = 1000
"""Bytes that the connector `small` takes."""

BURST = 2
"""Requests that the connector `limited` takes at once; then one an hour."""

_ANSWER_WITHIN_S = 15
_NO_PROOF = {"preset": "none"}
_CONNECTORS = (
    ConnectorIntake(name="shop", source={"preset": "shopify"}, secrets=("shop_webhook",)),
    ConnectorIntake(name="open", source=_NO_PROOF),
    ConnectorIntake(name="small", source=_NO_PROOF, body_limit=SMALL_LIMIT),
    ConnectorIntake(
        name="limited",
        source={"preset": "shopify"},
        secrets=("shop_webhook",),
        rate=RateLimit(count=1, span_ms=3_600_000, burst=BURST),
    ),
    ConnectorIntake(name="unready", source={"preset": "shopify"}, secrets=("not_set",)),
)
TABLE = IntakeTable(hash="c0ffee", connectors={one.name: one for one in _CONNECTORS})


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: header names in lower case; `status` is 0 where the connection just ended."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        """Its body, parsed."""
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """The code of a problem, which must be one as RFC 9457 has it; None for any other answer."""
        if self.headers.get("content-type") != "application/problem+json":
            return None
        problem = self.json
        assert problem["status"] == self.status
        assert problem["type"] == f"urn:hookyard:problem:{problem['code']}"
        assert problem["title"]
        return str(problem["code"])

    @property
    def said(self) -> tuple[int, str | None]:
        """Status and code."""
        return self.status, self.code


ENDED = Answer(0)


class Connection:
    """A connection to a receiver."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def write(self, raw: bytes) -> None:
        """Send bytes; a receiver that has closed is for `answer` to tell of."""
        with suppress(ConnectionError):
            self._writer.write(raw)
            await self._writer.drain()

    def end(self) -> None:
        """Say that nothing more is coming."""
        self._writer.write_eof()

    async def answer(self, *, has_body: bool = True) -> Answer:
        """Return the next answer; `ENDED` if there is none."""
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                head = await self._reader.readuntil(b"\r\n\r\n")
                first, *lines = head.decode("latin-1").split("\r\n")[:-2]
                named = (line.partition(":") for line in lines)
                headers = {name.lower(): value.strip() for name, _, value in named}
                size = int(headers.get("content-length", 0)) if has_body else 0
                body = await self._reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return ENDED
        return Answer(int(first.split(" ")[1]), headers, body)

    async def answers(self) -> list[Answer]:
        """Return all answers until the connection ends."""
        came: list[Answer] = []
        while (one := await self.answer()) is not ENDED:
            came.append(one)
        return came


class Receiving:
    """A receiver that runs, and what it leaves in Redis and in the database."""

    def __init__(self, parts: Parts, port: int, redis: Redis) -> None:
        self.parts = parts
        self._port = port
        self._redis = redis

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Open a connection for as long as the block lasts."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            yield Connection(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def post(self, request: Request) -> Answer:
        """Send a webhook over a connection of its own; return the answer."""
        return await self.send(raw(request))

    async def send(self, sent: bytes, *, has_body: bool = True) -> Answer:
        """Send bytes over a connection of their own; return the first answer."""
        async with self.connection() as connection:
            await connection.write(sent)
            return await connection.answer(has_body=has_body)

    async def batches(self) -> list[list[IncomingEvent]]:
        """Return all that is stored, in its order."""
        pending = PendingBatches(self._redis)
        return list((await pending.load_all(await pending.oldest(100_000))).values())

    async def stored(self) -> list[IncomingEvent]:
        """Return all events that are stored, the oldest first."""
        return [event for batch in await self.batches() for event in batch]

    async def refusals(self, count: int) -> list[Row]:
        """Return the refusals that are recorded, the newest first, once there are so many."""

        async def recorded() -> list[Row] | None:
            rows = await refusals_in(self.parts.store)
            return rows if len(rows) >= count else None

        return await wait_until(recorded, f"{count} refusals are recorded")


@asynccontextmanager
async def receiving(
    redis: Redis, redis_url: str, database_url: str, **given: Any
) -> AsyncIterator[Receiving]:
    """Run a receiver with the connectors of `TABLE` for as long as the block lasts."""
    port = free_port()
    settings = load_settings(
        redis_url=SecretStr(redis_url), database_url=SecretStr(database_url), port=port, **given
    )
    variables = {Secrets.variable(name): value for name, value in SECRETS.items()}
    await publish(redis, TABLE)
    stop = asyncio.Event()
    parts = await assemble(settings, Secrets(settings, variables), ByHand())
    await parts.connectors.refresh()
    background = [
        asyncio.create_task(part.run())
        for part in (parts.connectors, parts.outcomes, parts.recorder)
    ]
    listening = asyncio.create_task(_listen(settings, parts, stop))
    try:
        await wait_until(lambda: _listens(port), "the receiver listens", ignoring=(OSError,))
        yield Receiving(parts, port, redis)
    finally:
        stop.set()
        await listening
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await parts.store.close()
        for client in parts.redis:
            await client.aclose()


async def _listens(port: int) -> bool:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await writer.wait_closed()
    return True


async def refusals_in(store: Store) -> list[Row]:
    """Return all refusals that are recorded, the newest first."""
    async with store.connect() as conn:
        return list((await list_refusals(conn, RefusalFilter(), limit=1000)).rows)


def raw(
    request: Request,
    *lines: str | bytes,
    method: str = "POST",
    target: str | None = None,
    version: str = "1.1",
    sized: bool = True,
) -> bytes:
    """Return a request as it goes over the wire, with further header lines.

    `sized=False` leaves Content-Length out.
    """
    head: list[str | bytes] = [
        f"{method} {request.path if target is None else target} HTTP/{version}",
        "Host: hooks.example",
        *(f"{name}: {value}" for name, value in request.headers.items()),
        *([f"Content-Length: {len(request.body)}"] if sized else []),
        *lines,
    ]
    written = (line.encode() if isinstance(line, str) else line for line in head)
    return b"\r\n".join(written) + b"\r\n\r\n" + request.body


def chunked(body: bytes, size: int = 300) -> bytes:
    """Return a body in chunks."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b""])
