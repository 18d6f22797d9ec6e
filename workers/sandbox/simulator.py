"""What all simulators share: a request in, a reply out, in one step that nothing interrupts."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from router.core.clock import Clock, epoch_ms
from rules.units import rate_per_ms

Model = TypeVar("Model", bound=BaseModel)

_KEPT_CALLS: Final = 1000


class Shape(BaseModel):
    """What the body of a request must look like: nothing is converted, nothing more may be there."""

    model_config = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as an operation sees it; `path` holds the variable parts of `at`, which is the path."""

    method: str
    at: str
    path: Mapping[str, str]
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes

    def parameter(self, name: str) -> str | None:
        """Return the last value of a query parameter; None if it is not there."""
        return next((value for key, value in reversed(self.query) if key == name), None)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered; None as the body is an empty one."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        """Return it as aiohttp sends it."""
        text = "" if self.body is None else json.dumps(self.body)
        return web.Response(
            status=self.status, text=text, headers=self.headers, content_type="application/json"
        )


class RefusedError(Exception):
    """The request is refused with this reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"{reply.status} {reply.body}")
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was answered, and how."""

    method: str
    path: str
    status: int
    body: Any = None


class Window:
    """At most so many requests in any window of a span: `25/1s`."""

    def __init__(self, rate: str) -> None:
        read = rate_per_ms(rate)
        assert read is not None, rate  # noqa: S101  ours
        self.count, self.span_ms = read
        self._times: deque[int] = deque()

    def wait_ms(self, now_ms: int) -> int:
        """Count a request and return 0, or return how long it is until one may be made."""
        while self._times and self._times[0] <= now_ms - self.span_ms:
            self._times.popleft()
        if len(self._times) >= self.count:
            return self._times[0] + self.span_ms - now_ms
        self._times.append(now_ms)
        return 0

    def left(self) -> int:
        """Return how many requests may be made now."""
        return self.count - len(self._times)


Operation = Callable[[Asked], Reply]
Around = Callable[[web.Request, Callable[[], web.Response]], Awaitable[web.StreamResponse]]
"""Gets a request, and what carries it out and answers it; may do either, neither, or another thing."""


async def _plainly(_request: web.Request, answer: Callable[[], web.Response]) -> web.StreamResponse:
    return answer()


class Simulator(ABC):
    """One vendor's API.

    `around` stands around every request, for tests that make trouble. `calls` are the last that were answered,
    `refused_for_rate` counts those that came too fast.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    assumptions: ClassVar[tuple[str, ...]]
    """What the vendor does not say, and is taken to be so here."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.around: Around = _plainly
        self.calls: deque[Call] = deque(maxlen=_KEPT_CALLS)
        self.refused_for_rate = 0
        self.on_call: Callable[[Call], None] = lambda _: None

    @abstractmethod
    def operations(self) -> Sequence[tuple[str, str, Operation]]:
        """Return what there is: method, path, and what carries it out."""

    @abstractmethod
    def admit(self, asked: Asked) -> None:
        """Let a request in that is proven and does not come too fast.

        Raises:
            RefusedError: It is not, or does.
        """

    @abstractmethod
    def tasks_now(self) -> Sequence[Mapping[str, Any]]:
        """Return the tasks as the vendor would show them, the oldest first."""

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of a server that is this API."""
        return [
            web.route(method, path, self._handler(operation))
            for method, path, operation in self.operations()
        ]

    def now_ms(self) -> int:
        """Return the time in milliseconds since the epoch."""
        return epoch_ms(self._clock())

    def _handler(
        self, operation: Operation
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            asked = Asked(
                request.method,
                request.path,
                dict(request.match_info),
                list(request.query.items()),
                {name.lower(): value for name, value in request.headers.items()},
                await request.read(),
            )

            def answer() -> web.Response:
                reply = self.answer(operation, asked)
                call = Call(request.method, request.path, reply.status, reply.body)
                self.calls.append(call)
                self.on_call(call)
                return reply.response()

            return await self.around(request, answer)

        return handle

    def answer(self, operation: Operation, asked: Asked) -> Reply:
        """Return the reply to a request; its effect, if it has one, is there by then."""
        try:
            self.admit(asked)
            return operation(asked)
        except RefusedError as refusal:
            return refusal.reply


def read_json(asked: Asked) -> Any:
    """Return the body of a request that must be JSON and say so.

    Raises:
        ValueError: It is not, or does not.
    """
    kind = asked.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ValueError("the content type must be application/json")
    try:
        return json.loads(asked.body)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError("the body is not JSON") from None


def shaped(model: type[Model], content: Any) -> tuple[Model | None, list[ErrorDetails]]:
    """Return content as a model, or what is wrong with it."""
    try:
        return model.model_validate(content), []
    except ValidationError as error:
        return None, error.errors(include_url=False)
