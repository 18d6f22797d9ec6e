"""A task API that costs next to nothing: answers each request at once, or, under `/hang`, never."""

from __future__ import annotations

import argparse
import asyncio
from typing import cast

import uvloop

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class Sink(asyncio.Protocol):
    """One connection: requests are told apart by their Content-Length, and counted."""

    count = 0

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = cast("asyncio.Transport", transport)  # TCP has no other

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._buffer += data
        while (end := self._buffer.find(_HEAD_END)) >= 0:
            head = self._buffer[:end].lower()
            whole = end + len(_HEAD_END) + _length(head)
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        if head.startswith(b"get /count"):
            body = b'{"count":%d}' % Sink.count
        else:
            Sink.count += 1
            if b" /hang" in head.partition(b"\r\n")[0]:
                return
            body = b'{"id":"%d"}' % Sink.count
        assert self._transport is not None  # noqa: S101  data comes over a connection
        self._transport.write(
            b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body)
        )


def _length(head: bytes) -> int:
    at = head.find(_LENGTH)
    return 0 if at < 0 else int(head[at + len(_LENGTH) :].partition(b"\r\n")[0])


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


def _main() -> None:
    parser = argparse.ArgumentParser(description="The sink; `bench` starts it.")
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(_serve(parser.parse_args().port))


if __name__ == "__main__":
    _main()
