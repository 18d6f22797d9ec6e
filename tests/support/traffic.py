"""Senders that behave as real ones: they send again until they are answered, and sometimes once more."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from types import TracebackType
from typing import Self

import aiohttp

from tests.support.hookyard import Hookyard
from tests.support.oracle import Oracle
from tests.support.senders import order, shopify

_SENDERS = 12
_AGAIN_AFTER_S = 0.05
_REPEATS = 0.15
_COUNTED = 0.2
_COUNTED_ORDERS = 5


class Traffic:
    """Load from several senders, as long as the block runs; the oracle hears every acknowledgement.

    Each delivery is sent until a 2xx comes back, also after the load is over: `settle` waits for
    that. Some that were acknowledged are sent again, as senders do.
    """

    def __init__(
        self, hookyard: Hookyard, oracle: Oracle, *, seed: int, pause_s: float = 0.01
    ) -> None:
        self._hookyard = hookyard
        self._oracle = oracle
        self._chance = random.Random(seed)  # noqa: S311  the same load each time
        self._pause_s = pause_s
        self._over = asyncio.Event()
        self._senders: list[asyncio.Task[None]] = []
        self._number = 0
        self.statuses: Counter[int | str] = Counter()

    async def __aenter__(self) -> Self:
        self._senders = [asyncio.create_task(self._send_on()) for _ in range(_SENDERS)]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if error is not None:
            for sender in self._senders:
                sender.cancel()
        await asyncio.gather(*self._senders, return_exceptions=error is not None)

    async def _send_on(self) -> None:
        while not self._over.is_set():
            self._number += 1
            delivery_id = f"delivery-{self._number}"
            if self._chance.random() < _COUNTED:
                number, topic = str(self._chance.randrange(_COUNTED_ORDERS)), "orders/updated"
            else:
                number, topic = f"{self._number}", "orders/create"
            self._oracle.sends(delivery_id, number, topic)
            await self._until_acknowledged(delivery_id, number, topic)
            if self._chance.random() < _REPEATS:
                await self._until_acknowledged(delivery_id, number, topic)
            await asyncio.sleep(self._pause_s * self._chance.random())

    async def _until_acknowledged(self, delivery_id: str, number: str, topic: str) -> None:
        request = shopify(order(number), delivery_id, topic=topic)
        while True:
            try:
                status, answer = await self._hookyard.send(request)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                self.statuses[type(error).__name__] += 1
            else:
                self.statuses[status] += 1
                if status == 202:
                    self._oracle.hears(answer["event_id"], delivery_id)
                    return
                assert status == 503, (status, answer)
            await asyncio.sleep(_AGAIN_AFTER_S)
