"""What rules may see of a request: headers and query without credentials, as text any store can hold."""

from __future__ import annotations

import re
from collections.abc import Collection

from aiohttp import web
from multidict import MultiMapping

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def storable(text: str) -> str:
    """Return a text that can be stored: NUL and bytes that were not UTF-8 become U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return text
    return _UNSTORABLE.sub(_REPLACEMENT, text)


def visible_headers(headers: MultiMapping[str], hidden: frozenset[str]) -> dict[str, str]:
    """Return headers by lower-case name, repeated ones joined with `, `, without the hidden ones."""
    visible = {name.lower(): value for name, value in headers.items()}
    if len(visible) != len(headers):
        visible = {name: ", ".join(headers.getall(name)) for name in visible}
    for name in hidden & visible.keys():
        del visible[name]
    if "".join(visible.values()).isascii():  # the parser lets no NUL through
        return visible
    return {storable(name): storable(value) for name, value in visible.items()}


def visible_query(request: web.Request, hidden: Collection[str]) -> dict[str, str]:
    """Return query parameters, the last of repeated ones, without the hidden ones."""
    if "?" not in request.raw_path:
        return {}
    return {
        storable(name): storable(value)
        for name, value in request.query.items()
        if name not in hidden
    }
