"""A receiver with its API on a loopback port, on a Redis, a database and a clock of the test's own."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgpack
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request
from pydantic import SecretStr
from redis.asyncio import Redis

from router.core import keys
from router.core.event import IncomingEvent
from router.core.ids import id_source
from router.core.intake import Intake
from router.core.intake_table import ConnectorIntake, IntakeTable, publish
from router.core.names import Names
from router.core.nudges import nudge_soon
from router.core.once import Once
from router.core.pending import PendingBatches
from router.core.rate_limits import RateLimits
from router.core.settings import Secrets, load_settings
from router.core.store.api_keys import create_key
from router.core.store.engine import Store
from router.core.store.installation import stored_hash
from router.core.store.refusals import RefusalFilter, add_refusals, list_refusals
from router.core.store.routing import Writes, write
from router.core.store.schema import Row
from router.core.task_board import TaskBoard
from router.web.api.endpoint import Api
from router.web.api.tokens import Tokens
from router.web.app import build_app, hooks_first
from router.web.connectors import Connectors
from router.web.health import Health
from router.web.outcomes import Outcomes
from router.web.receiver import Receiver
from router.web.reception import BODY_WITHIN_S, Services
from router.web.refusals import RefusalRecorder
from tests.support.manual_clock import ManualClock
from tests.support.rows import new_id
from tests.support.senders import ADMIN_TOKEN, SECRETS, Request
from tests.support.waiting import wait_until
from workers.by_hand import ByHand

BASE_URL = "https://hooks.example"
RULES_HASH = "c0ffee"

SHOP = ConnectorIntake(name="shop", source={"preset": "shopify"}, secrets=("shop_webhook",))
ALERTS = ConnectorIntake(
    name="alerts", source={"preset": "alertmanager"}, secrets=("alerts_token",)
)
OPEN = ConnectorIntake(name="open", source={"preset": "none"})

_CONTENT_LENGTH = re.compile(rb"Content-Length: (\d+)", re.IGNORECASE)

_FREE = {"timezone", "holidays", "destinations"}

Client = TestClient[web.Request, web.Application]


def secrets_of(values: dict[str, str]) -> Secrets:
    """Return secrets of these values; they are looked up anew each time."""
    return Secrets(load_settings(), _Variables(values))


class _Variables(dict[str, str]):
    def __init__(self, values: dict[str, str]) -> None:
        super().__init__()
        self._values = values

    def get(self, name: str, default: Any = None) -> Any:
        named = {Secrets.variable(key): value for key, value in self._values.items()}
        return named.get(name, default)


def table(
    *intakes: ConnectorIntake,
    rules_hash: str = RULES_HASH,
    destinations: dict[str, str] | None = None,
) -> IntakeTable:
    """Return the intake table of some connectors and destinations."""
    return IntakeTable(
        hash=rules_hash,
        connectors={intake.name: intake for intake in intakes},
        destinations=destinations or {},
    )


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    """Return the next answer of a connection, head and content."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = _CONTENT_LENGTH.search(head)
    assert length is not None, head
    return head + await reader.readexactly(int(length[1]))


def request_for(path: str, method: str = "GET", **headers: str) -> web.Request:
    """Return a request that no connection brought; `_` in a header's name stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return make_mocked_request(method, path, headers=named)


@dataclass
class Site:
    """All parts of a receiver; it is reached through `client`."""

    redis: Redis
    store: Store
    clock: ManualClock
    secrets: dict[str, str]
    connectors: Connectors
    intake: Intake
    outcomes: Outcomes
    recorder: RefusalRecorder
    receiver: Receiver
    pending: PendingBatches
    tokens: Tokens
    app: web.Application
    _client: Client | None = field(default=None, repr=False)

    @property
    def client(self) -> Client:
        assert self._client is not None, "the site is closed"
        return self._client

    async def use(
        self, *intakes: ConnectorIntake, destinations: dict[str, str] | None = None
    ) -> None:
        """Put connectors and destinations in force."""
        await publish(self.redis, table(*intakes, destinations=destinations))
        await self.connectors.refresh()

    async def name(self, **given: Any) -> None:
        """Put what tasks may name in force; kinds that are given are no longer free."""
        known = {
            kind: {one["id"]: one["id"] for one in given[kind]} for kind in given.keys() - _FREE
        }
        for person in given.get("people", ()):
            if person.get("email"):
                known["people"][person["email"].lower()] = person["id"]
        names = Names.model_validate({"known": known, **given})
        await publish(self.redis, table().model_copy(update={"names": names}))
        await self.connectors.refresh()

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        status: int = 200,
        token: str = ADMIN_TOKEN,
        **headers: str,
    ) -> Any:
        """Return the JSON an address answers a change with; it must answer with this status."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["Authorization"] = f"Bearer {token}"
        url = f"/api/v1{path}"
        async with self.client.request(method, url, json=body, headers=named) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json(content_type=None)

    async def send(self, request: Request, **given: Any) -> ClientResponse:
        """Post a webhook and return the answer, read to its end."""
        answer = await self.client.post(
            request.path, data=request.body, headers=request.headers, **given
        )
        await answer.read()
        return answer

    async def get(self, path: str, *, status: int = 200, token: str = ADMIN_TOKEN) -> Any:
        """Return the JSON an address answers with; it must answer with this status."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.client.get(path, headers=headers) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json(content_type=None)

    async def post(
        self, path: str, *, status: int = 202, token: str = ADMIN_TOKEN, **given: Any
    ) -> Any:
        """Return the JSON that a post is answered with; it must be answered with this status."""
        headers = {"Authorization": f"Bearer {token}"}
        async with self.client.post(path, headers=headers, **given) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json(content_type=None)

    async def exchange(self, *pieces: bytes, within_s: float = 10) -> bytes:
        """Send bytes over a connection of their own; return the answer, head and content."""
        async with asyncio.timeout(within_s), self.connection() as (reader, writer):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            return await read_answer(reader)

    @asynccontextmanager
    async def connection(
        self,
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Give a bare connection to the receiver."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.client.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def events(self) -> list[IncomingEvent]:
        """Return the events that wait to be routed, the newest first."""
        return await self.pending.recent_events(1000)

    async def refusals(self) -> list[Row]:
        """Return the refusals, the newest first, once those that are noted are written."""
        await self.recorder.close()
        async with self.store.connect() as conn:
            return (await list_refusals(conn, RefusalFilter(), limit=200)).rows

    async def reasons(self) -> list[tuple[str, int, str]]:
        """Return connector, status and code of the refusals, the oldest first."""
        rows = reversed(await self.refusals())
        return [(row["connector"], row["status"], row["code"]) for row in rows]

    async def add(self, **rows: Sequence[Row]) -> None:
        """Write rows as a worker does."""
        async with self.store.begin() as conn:
            await write(conn, Writes(**{name: list(given) for name, given in rows.items()}))

    async def make_token(self, *scopes: str) -> str:
        """Return a new API token with these scopes."""
        key_id = new_id()
        token = f"token-{key_id}"
        async with self.store.begin() as conn:
            await create_key(
                conn,
                key_id=key_id,
                name=token,
                scopes=scopes,
                token_hash=await stored_hash(conn, token),
                now_ms=self.clock.now_ms,
            )
        return token

    async def decide(self, status: str, **given: Any) -> IncomingEvent:
        """Tell the outcome of the event that is waited for, as a worker does."""

        async def waited_for() -> IncomingEvent | None:
            return next((event for event in await self.events() if event.reply_to), None)

        event = await wait_until(waited_for, "an event is stored whose outcome is waited for")
        outcome = {"event_id": event.id, "status": status, "tasks": [], **given}
        channel = keys.outcomes(self.outcomes.receiver_id)
        await self.redis.publish(channel, msgpack.packb(outcome))
        return event


class _Server(TestServer):
    """Runs requests as the receiver's own process does: to their end, also when the sender is gone."""

    async def _make_runner(self, **given: Any) -> web.AppRunner:
        options = {"handler_cancellation": False, "auto_decompress": False, "access_log": None}
        return web.AppRunner(self.app, **{**given, **options})


@asynccontextmanager
async def open_site(
    redis: Redis,
    store: Store,
    clock: ManualClock,
    *,
    body_within_s: float = BODY_WITHIN_S,
    max_requests: int = 100,
    through_router: bool = False,
    **services: Any,
) -> AsyncIterator[Site]:
    """Give a site that listens for as long as the block lasts, with no connector yet.

    `services` are those that differ from what a receiver has by default.
    """
    services["body_within_s"] = body_within_s
    site = _make_site(redis, store, clock, services, max_requests=max_requests)
    server = _Server(site.app)
    await server.start_server()
    assert server.runner is not None
    assert server.runner.server is not None
    if not through_router:
        hooks_first(server.runner.server, site.receiver)
    hearing = asyncio.create_task(site.outcomes.run())
    async with TestClient(server) as client:
        site._client = client
        await wait_until(lambda: _hears(site), "the site hears of outcomes")
        yield site
    hearing.cancel()
    await asyncio.wait([hearing])


async def _hears(site: Site) -> bool:
    ((_, count),) = await site.redis.pubsub_numsub(keys.outcomes(site.outcomes.receiver_id))
    return bool(count)


def _make_site(
    redis: Redis, store: Store, clock: ManualClock, given: dict[str, Any], *, max_requests: int
) -> Site:
    ids = id_source(clock)
    secrets = dict(SECRETS)
    connectors = Connectors(redis, secrets_of(secrets), body_limit=1000)
    intake = Intake(redis, new_id=ids, clock=clock, max_requests=max_requests, max_bytes=2**20)
    outcomes = Outcomes(redis, "receiver-1")

    async def save(rows: Sequence[Row]) -> None:
        async with store.begin() as conn:
            await add_refusals(conn, rows)

    recorder = RefusalRecorder(save, new_id=ids, clock=clock)
    rates = RateLimits(redis)
    once = Once(redis)
    services = Services(connectors, intake, rates, once, outcomes, ids, clock, BASE_URL, **given)
    receiver = Receiver(services, recorder)
    pending = PendingBatches(redis)
    monotonic = asyncio.get_running_loop().time
    tokens = Tokens(store, SecretStr(ADMIN_TOKEN), clock=clock, monotonic=monotonic)
    board = TaskBoard(
        store=store,
        reader=ByHand(),
        names=lambda: connectors.names,
        clock=clock,
        new_id=ids,
        nudge=partial(nudge_soon, redis, clock),
    )
    api = Api(store, pending, connectors, tokens, clock, BASE_URL, intake, redis, board, ids)
    health = Health(
        redis=redis,
        store=store,
        pending=pending,
        connectors=connectors,
        tokens=tokens,
        clock=clock,
    )
    app = build_app(receiver, api, health)
    return Site(
        redis,
        store,
        clock,
        secrets,
        connectors,
        intake,
        outcomes,
        recorder,
        receiver,
        pending,
        tokens,
        app,
    )
