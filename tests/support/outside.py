"""The web outside, on loopback: a server with certificates of the tests' own behind a proxy.

Every host is reached through the proxy, which the environment names, so names need not be resolved.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from tests.support.certificates import Issued, intermediate, issue, root

Page = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Outside:
    """What is there; `pages` by address, anything else is 404. `asked` are the addresses that were."""

    pages: dict[str, bytes | Page] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tunnels: list[str] = field(default_factory=list)
    """Hosts and ports that the proxy was asked to connect to."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        scheme = "https" if request.transport_is_tls else "http"  # type: ignore[attr-defined]  # set below
        address = f"{scheme}://{request.host}{request.raw_path}"
        self.asked.append(address)
        page = self.pages.get(address)
        if page is None:
            return web.Response(status=404)
        return web.Response(body=page) if isinstance(page, bytes) else await page(request)


def _server_context(directory: Path, hosts: tuple[str, ...], by: Issued | None) -> ssl.SSLContext:
    served = issue("web server of the tests", by or intermediate(), hosts=hosts)
    chain, key = directory / "chain.pem", directory / "key.pem"
    chain.write_bytes(served.pem + intermediate().pem)
    key.write_bytes(served.private_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context


@asynccontextmanager
async def outside(
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    *hosts: str,
    by: Issued | None = None,
) -> AsyncIterator[Outside]:
    """Give a web whose hosts have certificates of the test's root, which alone is trusted."""
    web_of_test = Outside()
    roots = directory / "roots.pem"
    roots.write_bytes(root().pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def handler(*, tls: bool) -> Page:
        async def handle(request: web.Request) -> web.StreamResponse:
            request.transport_is_tls = tls
            return await web_of_test.answer(request)

        return handle

    async def listen(*, context: ssl.SSLContext | None) -> tuple[web.ServerRunner, int]:
        runner = web.ServerRunner(web.Server(handler(tls=context is not None)))  # type: ignore[arg-type]  # a request it is
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        return runner, int(runner.addresses[0][1])

    context = await asyncio.to_thread(_server_context, directory, hosts, by)
    secure, secure_port = await listen(context=context)
    plain, plain_port = await listen(context=None)

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target = head.split(b" ", 2)[:2]
        if method != b"CONNECT":  # plain HTTP: handed on as it is
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", plain_port)
            path = b"/" + target.split(b"/", 3)[3]
            to_writer.write(head.replace(target, path, 1))
        else:
            web_of_test.tunnels.append(target.decode())
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", secure_port)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(_pump(reader, to_writer), _pump(to_reader, writer))

    proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, address)
    try:
        yield web_of_test
    finally:
        proxy.close()
        await secure.cleanup()
        await plain.cleanup()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    writer.close()
