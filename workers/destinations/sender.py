"""The one HTTP loop of all destinations: puts secrets in, sends, reads a bounded answer.

What it says of a failure is what the next step depends on: whether the request may have left.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Protocol
from urllib.parse import quote, urlsplit

import aiohttp
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from router.core.clock import Clock
from router.core.errors import SecretMissingError, SettingsError
from router.core.redaction import forget_value, scrub
from workers.destinations.addresses import (
    PrivateAddressError,
    PublicResolver,
    is_literal,
    is_public,
)
from workers.destinations.destination import Common
from workers.destinations.outcome import Answer, Kind, Outcome
from workers.destinations.request import Request
from workers.destinations.signing import KeyUnusableError, sign

_CONNECT_S = 10.0
_KEEP_ALIVE_S = 4.0
"""Shorter than the servers' usual 5 s, so that a connection is rarely closed while it is used."""
_USER_AGENT = "hookyard"


class SecretStore(Protocol):
    """Where secrets are looked up by name."""

    def get(self, name: str) -> str:
        """Return a secret's value, or raise SecretMissingError."""


@dataclass(frozen=True, slots=True)
class _Sendable:
    """Address and headers of a request with its secrets in them; it has no repr of use to anybody."""

    headers: dict[str, str]
    url: str | URL = ""

    def __repr__(self) -> str:
        return "_Sendable(…)"


class Sender:
    """Sends requests; one of it serves all destinations of a worker.

    Args:
        resolver: Makes the resolver of names; another one in tests.
    """

    def __init__(
        self,
        secrets: SecretStore,
        clock: Clock,
        *,
        resolver: Callable[[], aiohttp.abc.AbstractResolver] = ThreadedResolver,
    ) -> None:
        self._secrets = secrets
        self._clock = clock
        self._resolver = resolver
        self._sessions: dict[tuple[bool, bool], aiohttp.ClientSession] = {}

    async def send(self, request: Request, config: Common, *, repeatable: bool) -> Answer | Outcome:
        """Send a request and return its answer, or what became of it where there was none.

        One that is not `repeatable` gets a connection of its own: a kept one may be closed by the
        other side just as it is used, and nobody could tell whether the request was read.
        """
        try:
            sendable = self._with_secrets(request)
        except (SecretMissingError, SettingsError, KeyUnusableError) as error:
            return Outcome(Kind.AUTH, "credentials", str(error))
        if not config.allow_private and _is_private_literal(request.url):
            return _private()
        session = self._session(allow_private=config.allow_private, keep=repeatable)
        progress = SimpleNamespace(may_have_left=False)
        try:
            async with session.request(
                request.method,
                sendable.url,
                data=request.body or None,  # without a body nothing is said of its type
                headers=sendable.headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=config.timeout.total_seconds(), sock_connect=_CONNECT_S
                ),
                trace_request_ctx=progress,
            ) as response:
                body, truncated = await _read(response, config.max_answer)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, headers, body, truncated)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return _failure(error, may_have_left=progress.may_have_left)

    async def close(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def _with_secrets(self, request: Request) -> _Sendable:
        headers = {"User-Agent": _USER_AGENT, **request.headers}
        for name, (before, secret, *after) in request.secret_headers.items():
            headers[name] = before + self._secret(secret) + "".join(after)
        if request.sign_with is not None:
            now_s = int(self._clock().timestamp())
            key = self._secret(request.sign_with)
            headers.update(sign(key, request.message_id, now_s, request.body))
        return _Sendable(headers, self._address(request))

    def _address(self, request: Request) -> str | URL:
        if not request.secret_query:
            return request.url
        values = {name: self._secret(secret) for name, secret in request.secret_query.items()}
        pairs = "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items())
        joint = "&" if urlsplit(request.url).query else "?"
        # As it is, so that it holds each secret in the form in which it is known to be one.
        return URL(f"{request.url}{joint}{pairs}", encoded=True)

    def _secret(self, name: str) -> str:
        value = self._secrets.get(name)
        forget_value(value)
        return value

    def _session(self, *, allow_private: bool, keep: bool) -> aiohttp.ClientSession:
        kind = (allow_private, keep)
        session = self._sessions.get(kind)
        if session is None:
            inner = self._resolver()
            resolver = inner if allow_private else PublicResolver(inner)
            connector = (
                aiohttp.TCPConnector(
                    limit=0, resolver=resolver, use_dns_cache=False, keepalive_timeout=_KEEP_ALIVE_S
                )
                if keep
                else aiohttp.TCPConnector(
                    limit=0, resolver=resolver, use_dns_cache=False, force_close=True
                )
            )
            session = self._sessions[kind] = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trace_configs=[_trace()],
                trust_env=False,
            )
        return session


def _trace() -> aiohttp.TraceConfig:
    """Note the moment from which a request may have left: when there is a connection to write to."""
    config = aiohttp.TraceConfig()

    async def connected(
        _session: aiohttp.ClientSession, context: SimpleNamespace, _params: object
    ) -> None:
        if context.trace_request_ctx is not None:
            context.trace_request_ctx.may_have_left = True

    config.on_connection_create_end.append(connected)
    config.on_connection_reuseconn.append(connected)
    return config


async def _read(response: aiohttp.ClientResponse, limit: int) -> tuple[bytes, bool]:
    """Return at most `limit` bytes of an answer, and whether there was more."""
    chunks: list[bytes] = []
    size = 0
    while size <= limit:
        chunk = await response.content.read(min(65_536, limit + 1 - size))
        if not chunk:
            return b"".join(chunks), False
        chunks.append(chunk)
        size += len(chunk)
    response.close()
    return b"".join(chunks)[:limit], True


def _is_private_literal(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return is_literal(host) and not is_public(host)


def _private() -> Outcome:
    return Outcome(Kind.REJECTED, "address", str(PrivateAddressError()))


def _words(error: Exception) -> str:
    """Return what a person can do something with; the client's own words name its settings, too."""
    if isinstance(error, aiohttp.ClientResponseError):
        return error.message  # the words of an answer that cannot be read come with the address, which may hold a secret
    if not isinstance(error, aiohttp.ClientConnectorError):
        return str(error)
    cause = error.os_error
    why = cause.strerror or str(cause)
    is_the_systems = not isinstance(error, aiohttp.ClientConnectorDNSError)
    if is_the_systems and not isinstance(cause, ssl.SSLError) and (cause.errno or 0) > 0:
        why = os.strerror(cause.errno or 0).lower()
    return f"no connection to {error.host}:{error.port}: {why}"


def _failure(error: Exception, *, may_have_left: bool) -> Outcome:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PrivateAddressError):
            return _private()
        cause = cause.__cause__ or getattr(cause, "os_error", None)
    said = scrub(_words(error))[:300] or type(error).__name__
    if isinstance(error, asyncio.TimeoutError):
        said = "no answer in time" if may_have_left else "no connection in time"
    if may_have_left:
        return Outcome(Kind.UNCERTAIN, "no-answer", said)
    if isinstance(error, aiohttp.InvalidURL):
        return Outcome(Kind.REJECTED, "address", "the address cannot be used")
    return Outcome(Kind.RETRY, "unreachable", said)
