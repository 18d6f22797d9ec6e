"""What a signature covers: the body alone, or put together with time, id, method and address.

Senders that sign the address do not agree with themselves on its spelling (is the port written, are
percent-escapes undone?), so there may be several messages, one of which must match.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from router.sources.preset import PLACEHOLDER, URLENCODED, Target, UrlForm
from router.sources.signature_header import UnprovenError

Compose = Callable[[bytes, bytes, bytes, Target, str], tuple[bytes, ...]]
"""Returns what may have been signed of body, time, message id, target and Content-Type.

Raises UnprovenError for what cannot have been.
"""

_FIELDS = ("body", "timestamp", "id", "method", "url", "form")
_MAX_FORM_FIELDS = 1000
"""Sorting what nobody has proven yet must not take long."""

_AUTHORITY = re.compile(r"(https?)://([^/?#]*)(.*)", re.DOTALL)
_WITH_PORT = re.compile(r"(.*[^:]):\d+")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_DECODED = {
    f"%{ord(sign):02X}": sign
    for sign in ":/?@!$'()*,;"  # those that HubSpot's documentation lists
}
_TO_DECODE = re.compile("|".join(_DECODED), re.IGNORECASE)


def composer_of(signed: str, url_form: UrlForm = "exact") -> Compose:
    """Return what puts the signed bytes together for a scheme."""
    if signed == "{body}":
        return lambda body, _timestamp, _id, _target, _type: (body,)
    pieces = PLACEHOLDER.split(signed)
    literals = [piece.encode() for piece in pieces[::2]]
    fields = [_FIELDS.index(piece) for piece in pieces[1::2]]
    spellings = _SPELLINGS[url_form] if "{url}" in signed else None
    has_form = "{form}" in signed

    def put_together(values: tuple[bytes, ...]) -> bytes:
        parts = [literals[0]]
        for field, literal in zip(fields, literals[1:], strict=True):
            parts.extend((values[field], literal))
        return b"".join(parts)

    def compose(
        body: bytes, timestamp: bytes, message_id: bytes, target: Target, content_type: str
    ) -> tuple[bytes, ...]:
        form = form_pairs(body) if has_form and is_form(content_type) else b""
        method = target.method.encode("utf-8", "surrogatepass")
        if spellings is None:
            return (put_together((body, timestamp, message_id, method, b"", form)),)
        return tuple(
            put_together((body, timestamp, message_id, method, _bytes(url), form))
            for url in spellings(target.url)
        )

    return compose


def _bytes(url: str) -> bytes:
    """Return an address as it was sent: bytes that were not UTF-8 stand in it as lone surrogates."""
    try:
        return url.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # no bytes make these, so they match nothing
        return url.encode("utf-8", "surrogatepass")


def is_form(content_type: str) -> bool:
    """Tell whether a Content-Type is that of a form whose fields can be signed."""
    return content_type.partition(";")[0].strip().lower() == URLENCODED


def form_pairs(body: bytes) -> bytes:
    """Return the fields of a form, unescaped and sorted, doubles once, names and values joined.

    Raises:
        UnprovenError: There are more of them than any sender sends.
    """
    if body.count(b"&") >= _MAX_FORM_FIELDS:
        raise UnprovenError(
            "signature-malformed", f"the form has more than {_MAX_FORM_FIELDS:,} fields"
        )
    pairs = {
        (_unescaped(name), _unescaped(value))
        for name, _, value in (piece.partition(b"=") for piece in body.split(b"&") if piece)
    }
    return b"".join(name + value for name, value in sorted(pairs))


def _unescaped(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _exact(url: str) -> tuple[str, ...]:
    return (url,)


def _with_and_without_port(url: str) -> tuple[str, ...]:
    match = _AUTHORITY.fullmatch(url)
    if match is None:
        return (url,)
    scheme, authority, rest = match.groups()
    ported = _WITH_PORT.fullmatch(authority)
    other = ported[1] if ported else f"{authority}:{_DEFAULT_PORTS[scheme]}"
    return (url, f"{scheme}://{other}{rest}")


def _raw_and_decoded(url: str) -> tuple[str, ...]:
    decoded = _TO_DECODE.sub(lambda found: _DECODED[found[0].upper()], url)
    return (url,) if decoded == url else (url, decoded)


_SPELLINGS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "exact": _exact,
    "ports": _with_and_without_port,
    "decoded": _raw_and_decoded,
}
