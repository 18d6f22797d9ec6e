"""A task API of somebody else, on loopback: records what arrives and answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Call:
    """A request that arrived, byte for byte."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body, parsed."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is done with a request.

    `hang` never answers, `late` not before `Downstream.release`, `reset` drops the connection without an answer, before the request counts
    (`lost=True`: after it was carried out, so that only the answer is lost).
    """

    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    how: Literal["answer", "late", "hang", "reset"] = "answer"
    lost: bool = False


HANG = Answer(how="hang")
LATE = Answer(how="late")
RESET = Answer(how="reset")
ANSWER_LOST = Answer(how="reset", lost=True)


def retry_after(seconds: int, status: int = 429) -> Answer:
    """Return an answer that asks to come back later."""
    return Answer(status, b"{}", {"Retry-After": str(seconds)})


class Downstream:
    """The server; answers are taken from `script`, and when that is empty tasks are simply kept.

    A creating POST under an idempotency key that is known answers with the task it made before.
    """

    def __init__(self, *, key_header: str = "Idempotency-Key") -> None:
        self.calls: list[Call] = []
        self.script: deque[Answer] = deque()
        self.decide: Callable[[Call], Answer | None] = lambda _: None
        self.tasks: dict[str, Any] = {}
        self.created: dict[str, str] = {}
        """Ids by idempotency key."""
        self._key_header = key_header
        self._runner: web.AppRunner | None = None
        self._released = asyncio.Event()
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._released.set()
        assert self._runner is not None
        await self._runner.cleanup()

    def release(self) -> None:
        """Let late answers go, and drop the connections of those that hang."""
        self._released.set()

    def calls_of(self, method: str) -> list[Call]:
        """Return the calls with a method, in the order of arrival."""
        return [call for call in self.calls if call.method == method]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        call = Call(request.method, request.path_qs, dict(request.headers), await request.read())
        self.calls.append(call)
        answer = self.script.popleft() if self.script else self.decide(call) or Answer()
        if answer.how in {"hang", "late"}:
            await self._released.wait()
        kept = (
            self._keep(call)
            if answer.status < 300 and (answer.lost or answer.how in {"answer", "late"})
            else {}
        )
        if answer.how in {"hang", "reset"}:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        body = json.dumps(kept).encode() if answer.body is None else answer.body
        return web.Response(
            status=answer.status,
            body=body,
            headers=answer.headers,
            content_type="application/json",
        )

    def _keep(self, call: Call) -> dict[str, str]:
        content = call.json if call.body else None
        if call.method != "POST":
            identifier = call.path.rpartition("/")[2]
            self.tasks[identifier] = content
            return {"id": identifier}
        key = call.headers.get(self._key_header, f"unkeyed {len(self.calls)}")
        identifier = self.created.setdefault(key, f"ext-{len(self.created) + 1}")
        self.tasks[identifier] = content
        return {"id": identifier}
