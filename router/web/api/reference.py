"""`/openapi.json` and `/docs`: what the API is, for programs and for people. No token is needed."""

from __future__ import annotations

from aiohttp import hdrs, web

from router.core import jsonio
from router.web import problems
from router.web.api.docs_page import page
from router.web.api.endpoint import Handler, guarded
from router.web.api.openapi import document
from router.web.problems import ProblemError

_READ = (hdrs.METH_GET, hdrs.METH_HEAD)
_NOTHING_FROM_OUTSIDE = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def add_reference(router: web.UrlDispatcher, base_url: str) -> None:
    """Add both addresses; what they answer is made once."""
    described = document(base_url)
    as_json = _fixed(jsonio.dump_bytes(described), "application/json")
    as_page = _fixed(page(described).encode(), "text/html")
    router.add_route("*", "/openapi.json", as_json)
    router.add_route("*", "/docs", as_page)


def _fixed(body: bytes, content_type: str) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        if request.method not in _READ:
            raise ProblemError(problems.METHOD_NOT_ALLOWED, headers={hdrs.ALLOW: ", ".join(_READ)})
        return web.Response(
            body=body,
            content_type=content_type,
            charset="utf-8" if content_type == "text/html" else None,
            headers={
                "Content-Security-Policy": _NOTHING_FROM_OUTSIDE,
                "X-Content-Type-Options": "nosniff",
            },
        )

    return guarded(handle)
