"""An HTTP client that costs next to nothing: bytes in, status out, one request at a time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

_TICK_S = 0.001
"""How often due requests are looked for; uvloop counts in whole milliseconds and would spin on less."""

Done = Callable[["Connection", bytes, bytes], None]


class Connection(asyncio.Protocol):
    """One kept-alive connection; calls `done(self, status, body)` with each whole answer."""

    def __init__(self, done: Done, lost: Callable[[], None]) -> None:
        self._done = done
        self._lost = lost
        self._received = b""
        self._transport: asyncio.Transport | None = None
        self.started = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the way out."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass of it

    def send(self, request: bytes, started: float) -> None:
        """Write a request; `started` is what its latency counts from."""
        self.started = started
        assert self._transport is not None  # noqa: S101  sent only once connected
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Collect an answer until it is whole."""
        self._received = received = self._received + data if self._received else data
        end = received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = received[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(received) < end + 4 + length:
            return
        self._received = b""
        self._done(self, received[9:12], received[end + 4 :])

    def connection_lost(self, error: Exception | None) -> None:
        """Tell that no answer will come."""
        del error
        self._lost()

    def close(self) -> None:
        """Hang up without a word."""
        if self._transport is not None:
            self._transport.abort()


@dataclass
class Result:
    """What came of a load: answers by status, how long it took, latencies in seconds."""

    statuses: Counter[str] = field(default_factory=Counter)
    elapsed_s: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        """How many answers were a 2xx."""
        return sum(number for status, number in self.statuses.items() if status.startswith("2"))


class Load:
    """Keeps a number of connections busy with requests and notes what they answer."""

    def __init__(self, requests: Iterator[bytes], connections: int, *, warm_up_s: float) -> None:
        self._requests = requests
        self._connections = connections
        self._warm_up_s = warm_up_s
        self._count_from = 0.0
        self._free: list[Connection] = []
        self._due: deque[float] = deque()
        self._left = 0
        self._closed_loop = False
        self._until = 0.0
        self._busy = 0
        self._finished: asyncio.Future[None] | None = None
        self.result = Result()

    async def connect(self, host: str, port: int) -> None:
        """Open the connections."""
        loop = asyncio.get_running_loop()
        for _ in range(self._connections):
            _, connection = await loop.create_connection(
                lambda: Connection(self._answered, self._was_lost), host, port
            )
            self._free.append(connection)

    async def saturate(self, *, for_s: float = float("inf"), count: int = 2**62) -> Result:
        """Send on each connection as soon as it has its answer, for a time or a number of requests."""
        self._closed_loop = True
        self._left = count
        begun = self._begin(for_s)
        while self._free and self._left:
            self._send(self._free.pop(), time.perf_counter())
        return await self._end(begun)

    async def at_rate(self, rate: float, *, for_s: float) -> Result:
        """Send so many requests a second; latency counts from when a request was due."""
        begun = self._begin(for_s)
        number = 0
        while (now := time.perf_counter()) < self._until:
            while (due := begun + number / rate) <= now:
                number += 1
                self._due.append(due)
            self._send_due()
            await asyncio.sleep(_TICK_S)
        return await self._end(begun)

    def close(self) -> None:
        """Close all connections."""
        for connection in self._free:
            connection.close()

    def _begin(self, for_s: float) -> float:
        self._finished = asyncio.get_running_loop().create_future()
        begun = time.perf_counter()
        self._count_from = begun + self._warm_up_s
        self._until = begun + self._warm_up_s + for_s
        return begun

    async def _end(self, begun: float) -> Result:
        assert self._finished is not None  # noqa: S101  made by `_begin`
        if self._busy or self._due:
            await self._finished
        else:
            self._finished.cancel()
        counted_until = min(time.perf_counter(), self._until)
        self.result.elapsed_s = counted_until - max(begun, self._count_from)
        return self.result

    def _send_due(self) -> None:
        while self._due and self._free:
            self._send(self._free.pop(), self._due.popleft())

    def _send(self, connection: Connection, started: float) -> None:
        self._busy += 1
        self._left -= 1
        connection.send(next(self._requests), started)

    def _answered(self, connection: Connection, status: bytes, _body: bytes) -> None:
        now = time.perf_counter()
        self._busy -= 1
        if self._count_from <= now <= self._until:
            self.result.statuses[status.decode()] += 1
            self.result.latencies.append(now - connection.started)
        if self._closed_loop and self._left > 0 and now < self._until:
            self._busy += 1
            self._left -= 1
            connection.send(next(self._requests), now)
            return
        self._free.append(connection)
        self._send_due()
        if not self._busy and not self._due and self._finished and not self._finished.done():
            self._finished.set_result(None)

    def _was_lost(self) -> None:
        if self._finished is not None and not self._finished.done():
            self._finished.set_exception(ConnectionError("the server hung up under load"))
