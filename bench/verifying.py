"""What a request costs the receiver that lies about its sender, against one that tells the truth.

The whole way inside the process, from the parsed head to the answer, without socket and without Redis: the honest
request is stored by nobody, which makes it cheaper than it is. `proof` measures the verification by itself.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any
from unittest import mock

import fakeredis
from aiohttp import StreamReader, web
from aiohttp.test_utils import make_mocked_request

from bench.cores import Cores
from bench.figures import Figure, at_most
from bench.webhooks import body
from router.core.clock import utc_now
from router.core.event import IncomingEvent
from router.core.ids import id_source
from router.core.intake_table import ConnectorIntake, IntakeTable
from router.core.once import Once
from router.core.rate_limits import RateLimits
from router.core.settings import Secrets, load_settings
from router.sources.registry import compile_source
from router.web.connectors import Connectors
from router.web.outcomes import Outcomes
from router.web.receiver import Receiver
from router.web.reception import Services
from router.web.refusals import RefusalRecorder, Row

_SECRET = "a-secret-of-nobody"  # noqa: S105  of nobody
_SHOP = ConnectorIntake(name="shop", source={"preset": "shopify"}, secrets=("shop_webhook",))
_CLOSED = _SHOP.model_copy(update={"name": "closed", "allow": ("203.0.113.0/24",)})
_AT_ONCE = 500

Request = Callable[[], web.Request]


class _Nowhere:
    """An intake that keeps nothing."""

    async def put(self, event: IncomingEvent) -> None:
        """Keep nothing."""


async def measure(split: Cores, *, quick: bool) -> AsyncIterator[Figure]:
    """Compare the best of many rounds, the ways in turns."""
    del split
    receiver = _receiver()
    content = body(random.Random("verifying"), "orders/create")  # noqa: S311  data for a load, no secret
    source = compile_source(_SHOP.source, [_SECRET])
    named = {"Content-Type": "application/json", "X-Shopify-Topic": "orders/create"}
    signed = source.sign(content, now=0, headers=named)
    ways = {
        "honest": ("shop", signed, content),
        "a body that was changed": ("shop", signed, content + b" "),
        "no signature": ("shop", named, content),
        "an address that is not let in": ("closed", signed, content),
    }
    costs = await _rounds(receiver, list(ways.values()), 4 if quick else 12)
    honest, *lies = costs
    dearest = max(range(len(lies)), key=lies.__getitem__)
    shown = ", ".join(f"{name} {cost:.1f} us" for name, cost in zip(ways, costs, strict=True))
    yield at_most(
        "a request that is refused, against one that is taken",
        lies[dearest] / honest,
        1,
        "x",
        f"{len(content):,} bytes, without socket and Redis: {shown}",
    )


def _receiver() -> Receiver:
    """Return a receiver that stores nothing and records refusals nowhere."""
    redis = fakeredis.FakeAsyncRedis()
    secrets = Secrets(load_settings(), {Secrets.variable("shop_webhook"): _SECRET})
    connectors = Connectors(redis, secrets)
    table = IntakeTable(hash="bench", connectors={one.name: one for one in (_SHOP, _CLOSED)})
    connectors.use(table.model_dump_json().encode())
    new_id = id_source()
    services = Services(
        connectors,
        _Nowhere(),  # type: ignore[arg-type]  # as far as it is used
        RateLimits(redis),
        Once(redis),
        Outcomes(redis, "bench"),
        new_id,
        utc_now,
        "http://127.0.0.1:8080",
    )
    return Receiver(services, RefusalRecorder(_save, new_id=new_id, clock=utc_now))


async def _save(rows: Sequence[Row]) -> None:
    """Record nothing."""
    del rows


async def _rounds(
    receiver: Receiver, ways: Sequence[tuple[str, Mapping[str, str], bytes]], rounds: int
) -> list[float]:
    best = [float("inf")] * len(ways)
    for _ in range(rounds):
        for number, (name, headers, content) in enumerate(ways):
            requests = [_request(name, headers, content) for _ in range(_AT_ONCE)]
            began = time.perf_counter()
            for request in requests:
                await receiver.receive(request, name)
            best[number] = min(best[number], (time.perf_counter() - began) / _AT_ONCE * 1e6)
    return best


def _request(name: str, headers: Mapping[str, str], content: bytes) -> web.Request:
    protocol: Any = mock.Mock(_reading_paused=False)
    payload = StreamReader(protocol, 2**16, loop=asyncio.get_running_loop())
    payload.feed_data(content)
    payload.feed_eof()
    given = {"Host": "hooks.example", "User-Agent": "a sender", "Accept": "*/*", **headers}
    return make_mocked_request("POST", f"/hooks/{name}", headers=given, payload=payload)
