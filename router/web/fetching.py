"""Small things fetched from the web by GET: certificates of senders, and calls that finish a handshake.

Whoever asks has checked the address. Redirects are not followed: they lead to where nobody checked.
"""

from __future__ import annotations

import asyncio
import ssl

import aiohttp
from aiohttp import hdrs
from yarl import URL

_WITHIN_S = 5.0
_AT_MOST = 64 * 1024
_OK = 200


class FetchError(Exception):
    """Something could not be fetched; the message says why and holds no address."""


class Fetcher:
    """Fetches, through the proxy that the environment names (HTTPS_PROXY, NO_PROXY) if it names one.

    `roots` are what TLS trusts here: the system's, or those of SSL_CERT_FILE.
    """

    def __init__(self, *, within_s: float = _WITHIN_S, at_most: int = _AT_MOST) -> None:
        self._within_s = within_s
        self._at_most = at_most
        self._context: ssl.SSLContext | None = None

    async def fetch(self, address: str) -> bytes:
        """Return what is at an address.

        Raises:
            FetchError: It is not answered with 200, in time, and with no more than may be.
        """
        context = await self._trust()
        timeout = aiohttp.ClientTimeout(total=self._within_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
                session.get(
                    URL(address, encoded=True),
                    allow_redirects=False,
                    headers={hdrs.ACCEPT_ENCODING: "identity"},
                    ssl=context,
                ) as answer,
            ):
                if answer.status != _OK:
                    raise FetchError(f"the answer was {answer.status}")
                return await self._content(answer)
        except TimeoutError:
            raise FetchError(f"no answer within {self._within_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchError(f"it cannot be reached ({type(error).__name__})") from None

    async def roots(self) -> list[bytes]:
        """Return the certificates (DER) that TLS trusts here."""
        return (await self._trust()).get_ca_certs(binary_form=True)

    async def _content(self, answer: aiohttp.ClientResponse) -> bytes:
        content = b""
        async for chunk in answer.content.iter_any():
            content += chunk
            if len(content) > self._at_most:
                raise FetchError(f"the answer is larger than {self._at_most:,} bytes")
        return content

    async def _trust(self) -> ssl.SSLContext:
        if self._context is None:  # reading all roots takes a while
            self._context = await asyncio.to_thread(ssl.create_default_context)
        return self._context
