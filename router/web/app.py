"""The receiver's application: which address is answered by what."""

from __future__ import annotations

from collections.abc import Awaitable

from aiohttp import web

from router.web.api.endpoint import Api, not_found
from router.web.api.reference import add_reference
from router.web.api.routes import add_api
from router.web.health import Health
from router.web.receiver import Receiver

_HOOKS = "/hooks/"


def build_app(receiver: Receiver, api: Api, health: Health) -> web.Application:
    """Return the application; it has no middleware, so that `/hooks` costs nothing it does not need."""
    app = web.Application()
    router = app.router
    router.add_route(
        "*", _HOOKS + "{connector}", receiver.handle, expect_handler=_wait_with_continue
    )
    for path in ("/hooks", "/hooks/{tail:[\\s\\S]*}"):
        router.add_route("*", path, not_found, expect_handler=_wait_with_continue)
    add_api(router, api)
    add_reference(router, api.base_url)
    health.add_to(router)
    return app


async def _wait_with_continue(_request: web.Request) -> None:
    """Leave `Expect: 100-continue` to the step that reads the body: most refusals need none of it."""


def hooks_first(server: web.Server, receiver: Receiver) -> None:
    """Let requests to connectors pass by the router, which takes a tenth of the time they need."""
    through_router = server.request_handler

    def handle(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        path = request.raw_path
        if path.startswith(_HOOKS) and isinstance(request, web.Request):
            name = path[len(_HOOKS) :].partition("?")[0]
            if "/" not in name:
                return receiver.receive(request, name)
        return through_router(request)

    server.request_handler = handle
