"""Requests to a simulator as anybody could send them, so that its strictness can be seen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.support.vendors.serving import serving
from workers.sandbox.simulator import Simulator


@dataclass(frozen=True, slots=True)
class Got:
    """An answer."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Caller:
    """Sends requests with the headers that prove them, unless told otherwise."""

    def __init__(self, session: aiohttp.ClientSession, url: str, proof: Mapping[str, str]) -> None:
        self._session = session
        self._url = url
        self._proof = proof

    async def __call__(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        raw: bytes | None = None,
        **headers: str,
    ) -> Got:
        """Send one request; `content` goes as JSON, `raw` as it is."""
        body = raw if raw is not None else None if content is None else json.dumps(content).encode()
        given = {**self._proof, "Content-Type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._session.request(
            method, f"{self._url}{path}", data=body, headers=given
        ) as response:
            text = await response.text()
            return Got(response.status, json.loads(text) if text else None, response.headers)


@asynccontextmanager
async def calling(simulator: Simulator, proof: Mapping[str, str]) -> AsyncIterator[Caller]:
    """Serve a simulator, and give what calls it."""
    async with serving(simulator) as url, aiohttp.ClientSession() as session:
        yield Caller(session, url, proof)
