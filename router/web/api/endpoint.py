"""What every address of the API does alike: method, token, errors, JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import structlog
from aiohttp import hdrs, web
from redis.asyncio import Redis
from redis.exceptions import RedisError

from router.core import jsonio
from router.core.by_hand import Mistake, NotValidError
from router.core.clock import Clock, epoch_ms
from router.core.errors import IntakeFullError, NotDurableError, StoreError
from router.core.ids import IdSource
from router.core.intake import Intake
from router.core.names import Names
from router.core.pending import PendingBatches
from router.core.store.audit import Action, entry
from router.core.store.engine import Row, Store
from router.core.store.page import BadCursorError
from router.core.task_board import TaskBoard
from router.web import problems
from router.web.api.tokens import NOBODY, Caller, Tokens
from router.web.connectors import Connectors
from router.web.problems import Headers, ProblemError, problem_response

_READ = (hdrs.METH_GET, hdrs.METH_HEAD)
_MAX_BODY = 16 * 1024
_NO_CONTENT = 204
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Api:
    """What the endpoints work with."""

    store: Store
    pending: PendingBatches
    connectors: Connectors
    tokens: Tokens
    clock: Clock
    base_url: str
    intake: Intake
    redis: Redis
    board: TaskBoard
    new_id: IdSource
    caller: Caller = NOBODY
    """Who makes the request at hand."""

    def for_caller(self, caller: Caller) -> Api:
        """Return the same for a request that somebody makes."""
        return replace(self, caller=caller)

    def done(self, action: Action, subject: str, /, **detail: Any) -> Row:
        """Return the audit log's entry of what the caller does, now."""
        return entry(
            self.new_id(),
            at_ms=epoch_ms(self.clock()),
            actor=str(self.caller.actor),
            action=action,
            subject=subject,
            **detail,
        )

    @property
    def names(self) -> Names:
        """What tasks may name."""
        return self.connectors.names


class Answer(NamedTuple):
    """An answer that is more than its JSON; without content there is none (204)."""

    content: Any
    status: int = 200
    headers: Headers = MappingProxyType({})


Read = Callable[[Api, web.Request], Awaitable[Any]]
"""Reads what a request asks for and returns it as a JSON value, or raises ProblemError."""

Change = Callable[[Api, web.Request], Awaitable[Any]]
"""Changes what is stored and returns the answer, or raises ProblemError."""

Act = Callable[[Api, web.Request], Awaitable[Any]]
"""Sees to it that something will be done and returns, as a JSON value, what; or raises ProblemError."""

Handler = Callable[[web.Request], Awaitable[web.Response]]


def endpoint(api: Api, scope: str, read: Read) -> Handler:
    """Return the handler of an address that is only read."""

    async def handle(request: web.Request) -> web.Response:
        if request.method not in _READ:
            raise ProblemError(problems.METHOD_NOT_ALLOWED, headers={hdrs.ALLOW: ", ".join(_READ)})
        caller = await api.tokens.demand(request, scope)
        return json_response(await read(api.for_caller(caller), request))

    return guarded(handle)


def resource(
    api: Api, scope: str, read: Read, changes: Mapping[str, tuple[str, Change]]
) -> Handler:
    """Return the handler of an address that is read and changed: scope and change by method."""
    allowed = ", ".join((*_READ, *sorted(changes)))

    async def handle(request: web.Request) -> web.Response:
        if request.method in _READ:
            caller = await api.tokens.demand(request, scope)
            return json_response(await read(api.for_caller(caller), request))
        if request.method not in changes:
            raise ProblemError(problems.METHOD_NOT_ALLOWED, headers={hdrs.ALLOW: allowed})
        wanted, change = changes[request.method]
        caller = await api.tokens.demand(request, wanted)
        return json_response(await change(api.for_caller(caller), request))

    return guarded(handle)


def changing(api: Api, changes: Mapping[str, tuple[str, Change]]) -> Handler:
    """Return the handler of an address that is only changed: scope and change by method."""
    allowed = ", ".join(sorted(changes))

    async def handle(request: web.Request) -> web.Response:
        if request.method not in changes:
            raise ProblemError(problems.METHOD_NOT_ALLOWED, headers={hdrs.ALLOW: allowed})
        scope, change = changes[request.method]
        caller = await api.tokens.demand(request, scope)
        return json_response(await change(api.for_caller(caller), request))

    return guarded(handle)


def action(api: Api, scope: str, act: Act) -> Handler:
    """Return the handler of an address that is posted to, and answers 202."""

    async def handle(request: web.Request) -> web.Response:
        if request.method != hdrs.METH_POST:
            raise ProblemError(problems.METHOD_NOT_ALLOWED, headers={hdrs.ALLOW: hdrs.METH_POST})
        caller = await api.tokens.demand(request, scope)
        return json_response(await act(api.for_caller(caller), request), status=202)

    return guarded(handle)


async def body_of(
    request: web.Request, most: int = _MAX_BODY, *, needed: bool = False
) -> dict[str, Any]:
    """Return the JSON mapping that a request brings; an empty one for no body, unless one is needed.

    Raises:
        ProblemError: It brings something else, or too much.
    """
    content = bytearray()
    async for chunk in request.content.iter_any():
        content += chunk
        if len(content) > most:
            raise ProblemError(problems.TOO_LARGE, f"at most {most:,} bytes are taken")
    if not content.strip():
        if needed:
            raise ProblemError(problems.BAD_BODY, "a JSON object is expected, and there is no body")
        return {}
    try:
        value = jsonio.loads(bytes(content))
    except jsonio.UnparseableError as error:
        raise ProblemError(problems.UNPARSEABLE, str(error)) from None
    if not isinstance(value, dict):
        raise ProblemError(problems.BAD_BODY, "a JSON object is expected")
    return value


def not_valid(mistakes: Sequence[Mistake]) -> ProblemError:
    """Return the problem that tells of all mistakes, each with a pointer to its field."""
    errors = [
        {
            "field": one.field,
            "pointer": "/" + one.field.replace("~", "~0").replace(".", "/"),
            "code": one.code,
            "message": one.message,
        }
        for one in mistakes
    ]
    return ProblemError(problems.NOT_VALID, mistakes[0].message, extra={"errors": errors})


def guarded(handle: Handler) -> Handler:
    """Return a handler that answers errors as problems."""

    async def guard(request: web.Request) -> web.Response:
        try:
            return await handle(request)
        except ProblemError as error:
            return problem_response(error)
        except BadCursorError:
            return problem_response(ProblemError(problems.BAD_CURSOR))
        except NotValidError as error:
            return problem_response(not_valid(error.mistakes))
        except IntakeFullError:
            return problem_response(ProblemError(problems.OVERLOADED))
        except NotDurableError:
            return problem_response(ProblemError(problems.NOT_DURABLE))
        except (StoreError, RedisError, OSError) as error:
            _log.warning("api_unavailable", path=request.path, error=type(error).__name__)
            return problem_response(ProblemError(problems.UNAVAILABLE))
        except Exception:  # noqa: BLE001  the boundary: our mistake is answered as a problem, too
            _log.exception("api_failed", path=request.path)
            return problem_response(ProblemError(problems.INTERNAL))

    return guard


def json_response(content: Any, status: int = 200) -> web.Response:
    """Return a JSON answer that no cache keeps."""
    answer = content if isinstance(content, Answer) else Answer(content, status)
    headers = {hdrs.CACHE_CONTROL: "no-store", **answer.headers}
    if answer.status == _NO_CONTENT:
        return web.Response(status=answer.status, headers=headers)
    return web.Response(
        status=answer.status,
        body=jsonio.dump_bytes(answer.content),
        content_type="application/json",
        headers=headers,
    )


async def not_found(_request: web.Request) -> web.Response:
    """Answer for all addresses that are not there."""
    return problem_response(ProblemError(problems.NOT_FOUND))
