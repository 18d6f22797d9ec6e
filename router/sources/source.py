"""A sender with its secrets, ready for requests: what the receiver holds for each connector."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Protocol

from multidict import MultiDict, MultiDictProxy

from router.core.errors import HookyardError
from router.sources.preset import Headers, Named, Parsed, Query, Refusal, SourcePreset

NO_QUERY: Query = MultiDictProxy(MultiDict[str]())

_MAX_NAME = 255
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


class SourceError(HookyardError, ValueError):
    """A connector's `source:` cannot be used."""


class Scheme(Protocol):
    """A way of proof with its secrets compiled in."""

    hidden: frozenset[str]
    hidden_query: frozenset[str]

    def verify(self, headers: Headers, body: bytes, now: float, query: Query) -> Refusal | None:
        """Return why the request is not proven, or None if it is."""

    def sign(self, body: bytes, *, now: float, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers by which the sender proves itself."""

    def sign_query(self) -> dict[str, str]:
        """Return the query parameters by which the sender proves itself."""


class Source:
    """One connector's sender, compiled; safe to use from many requests at once.

    `hidden` holds the lower-case names of headers that rules never see, `hidden_query` those of
    query parameters. Neither attribute nor repr shows a secret.
    """

    __slots__ = ("_scheme", "content_types", "form_field", "hidden", "hidden_query", "preset")

    def __init__(self, preset: SourcePreset, scheme: Scheme, hidden: frozenset[str]) -> None:
        self.preset = preset
        self._scheme = scheme
        self.hidden = hidden | scheme.hidden
        self.hidden_query = scheme.hidden_query
        self.content_types = preset.content_types
        self.form_field = preset.form_field

    def __repr__(self) -> str:
        return f"<Source {self.preset.name}>"

    def verify(
        self, headers: Headers, body: bytes, now: float, query: Query = NO_QUERY
    ) -> Refusal | None:
        """Return why the request is not proven to come from the sender, or None if it is.

        `body` is what was received, byte for byte; `now` is seconds since the epoch. Never raises.
        """
        return self._scheme.verify(headers, body, now, query)

    def name(self, headers: Headers, body: bytes, parsed: Parsed) -> Named:
        """Return what the sender calls the event and its delivery id.

        `parsed` returns the parsed body; it is called at most twice, and only by presets whose
        names are in the body. What it raises goes through.
        """
        preset = self.preset
        content = parsed if body else _nothing
        kind = preset.event_type(headers, content) if preset.event_type else None
        delivery_id = preset.delivery_id(headers, content) if preset.delivery_id else None
        return Named(_type(kind), _delivery_id(delivery_id))

    def sign(self, body: bytes, *, now: float, headers: Mapping[str, str]) -> dict[str, str]:
        """Return `headers` and those by which the sender would prove this body.

        Made with the first secret; older proof among `headers` is replaced, its message id kept.
        """
        spelled = {name.lower(): name for name in headers}
        proof = self._scheme.sign(body, now=now, headers=headers)
        return dict(headers) | {
            spelled.get(name.lower(), name): value for name, value in proof.items()
        }

    def sign_query(self) -> dict[str, str]:
        """Return the query parameters by which the sender proves itself; mostly none."""
        return self._scheme.sign_query()

    def takes(self, content_type: str) -> bool:
        """Tell whether bodies of a Content-Type are taken; none given counts as JSON."""
        media_type = content_type.partition(";")[0].strip().lower()
        if not media_type or media_type in self.content_types:
            return True
        return "+json" in self.content_types and media_type.endswith("+json")


def _nothing() -> None:
    return None


def _clean(text: str | None) -> str | None:
    """Return a text that any database can hold; blank is none."""
    if not text:
        return None
    if text.isascii() and text.isprintable():  # as nearly all are, told in a tenth of the time
        return text.strip() or None
    return _NOT_STORABLE.sub("\ufffd", text).strip() or None


def _type(text: str | None) -> str | None:
    cleaned = _clean(text)
    return cleaned[:_MAX_NAME] if cleaned else None


def _delivery_id(text: str | None) -> str | None:
    """Return the id; one that is too long is hashed, because cutting would make two ids one."""
    cleaned = _clean(text)
    if cleaned is None or len(cleaned) <= _MAX_NAME:
        return cleaned
    return "sha256:" + hashlib.sha256(cleaned.encode()).hexdigest()
