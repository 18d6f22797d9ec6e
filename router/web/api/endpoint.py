"""What every address of the API does alike: method, token, errors, JSON."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import hdrs, web
from redis.exceptions import RedisError

from router.core import jsonio
from router.core.clock import Clock
from router.core.errors import StoreError
from router.core.pending import PendingBatches
from router.core.store.engine import Store
from router.core.store.page import BadCursorError
from router.web import problems
from router.web.api.tokens import Tokens
from router.web.connectors import Connectors
from router.web.problems import ProblemError, problem_response

_READ = (hdrs.METH_GET, hdrs.METH_HEAD)
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


Read = Callable[[Api, web.Request], Awaitable[Any]]
"""Reads what a request asks for and returns it as a JSON value, or raises ProblemError."""

Handler = Callable[[web.Request], Awaitable[web.Response]]


def endpoint(api: Api, scope: str, read: Read) -> Handler:
    """Return the handler of an address that is only read."""

    async def handle(request: web.Request) -> web.Response:
        if request.method not in _READ:
            raise ProblemError(problems.METHOD_NOT_ALLOWED, headers={hdrs.ALLOW: ", ".join(_READ)})
        await api.tokens.demand(request, scope)
        return json_response(await read(api, request))

    return guarded(handle)


def guarded(handle: Handler) -> Handler:
    """Return a handler that answers errors as problems."""

    async def guard(request: web.Request) -> web.Response:
        try:
            return await handle(request)
        except ProblemError as error:
            return problem_response(error)
        except BadCursorError:
            return problem_response(ProblemError(problems.BAD_CURSOR))
        except (StoreError, RedisError, OSError) as error:
            _log.warning("api_unavailable", path=request.path, error=type(error).__name__)
            return problem_response(ProblemError(problems.UNAVAILABLE))
        except Exception:  # noqa: BLE001  the boundary: our mistake is answered as a problem, too
            _log.exception("api_failed", path=request.path)
            return problem_response(ProblemError(problems.INTERNAL))

    return guard


def json_response(content: Any, status: int = 200) -> web.Response:
    """Return a JSON answer that no cache keeps."""
    return web.Response(
        status=status,
        body=jsonio.dump_bytes(content),
        content_type="application/json",
        headers={hdrs.CACHE_CONTROL: "no-store"},
    )


async def not_found(_request: web.Request) -> web.Response:
    """Answer for all addresses that are not there."""
    return problem_response(ProblemError(problems.NOT_FOUND))
