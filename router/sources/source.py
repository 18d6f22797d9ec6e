"""A sender with its secrets, ready for requests: what the receiver holds for each connector."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from router.core.errors import HookyardError
from router.sources.preset import (
    NO_TARGET,
    Headers,
    Named,
    Parsed,
    Refusal,
    SourcePreset,
    Target,
)

if TYPE_CHECKING:
    from router.sources.certified import CertifiedScheme

NO_HEADERS: Mapping[str, str] = MappingProxyType({})

_DAY_S = 86_400
_MAX_NAME = 255
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


class SourceError(HookyardError, ValueError):
    """A connector's `source:` cannot be used."""


class Scheme(Protocol):
    """A way of proof with its secrets compiled in."""

    hidden: frozenset[str]
    hidden_query: frozenset[str]
    needs_target: bool
    """Whether `verify` looks at the target; else it need not be worked out."""

    def verify(self, headers: Headers, body: bytes, now: float, target: Target) -> Refusal | None:
        """Return why the request is not proven, or None if it is."""

    def sign(
        self, body: bytes, *, now: float, headers: Mapping[str, str], target: Target
    ) -> dict[str, str]:
        """Return the headers by which the sender proves itself."""

    def sign_query(self, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the query parameters by which the sender proves itself."""

    def seal(self, body: bytes, now: float) -> bytes:
        """Return a body with the proof in it, for senders that put it there."""


class Source:
    """One connector's sender, compiled; safe to use from many requests at once.

    `hidden` holds the lower-case names of headers that rules never see, `hidden_query` those of
    query parameters. `shake` answers handshakes, `once_within_s` is how long what a preset uses `once`
    must be remembered. `certified` is there where a certificate may have to be
    fetched before it can be told who sent a request. Neither attribute nor repr shows a secret.
    """

    __slots__ = (
        "_scheme",
        "_take_used",
        "certified",
        "content_types",
        "form_field",
        "hidden",
        "hidden_query",
        "methods",
        "needs_target",
        "once_within_s",
        "plain_forms",
        "preset",
        "shake",
    )

    def __init__(
        self,
        preset: SourcePreset,
        scheme: Scheme,
        hidden: frozenset[str],
        certified: CertifiedScheme | None = None,
    ) -> None:
        self.preset = preset
        self._scheme = scheme
        # Only senders that show their secret can show a key that was issued here.
        self._take_used: Callable[[], set[str]] = getattr(scheme, "take_used", set)
        self.certified = certified
        self.hidden = hidden | scheme.hidden
        self.hidden_query = scheme.hidden_query
        self.needs_target = scheme.needs_target
        self.content_types = preset.content_types
        self.form_field = preset.form_field
        self.plain_forms = preset.plain_forms
        self.methods = preset.methods
        self.shake = preset.shake
        # A time may be as far ahead as it may be old: so long could a token come again.
        self.once_within_s = 2 * (getattr(preset.proof, "tolerance_s", None) or _DAY_S)

    def __repr__(self) -> str:
        return f"<Source {self.preset.name}>"

    def verify(
        self, headers: Headers, body: bytes, now: float, target: Target = NO_TARGET
    ) -> Refusal | None:
        """Return why the request is not proven to come from the sender, or None if it is.

        `body` is what was received, byte for byte; `now` is seconds since the epoch; `target` may
        be left out unless `needs_target`. Never raises.
        """
        return self._scheme.verify(headers, body, now, target)

    def take_used(self) -> set[str]:
        """Return the hashes of the issued keys that were shown since this was asked last."""
        return self._take_used()

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

    def sign(
        self, body: bytes, *, now: float, headers: Mapping[str, str], target: Target = NO_TARGET
    ) -> dict[str, str]:
        """Return `headers` and those by which the sender would prove this body.

        Made with the first secret; older proof among `headers` is replaced, its message id kept.
        The address of `target` has the parameters of `sign_query` in it.
        """
        spelled = {name.lower(): name for name in headers}
        proof = self._scheme.sign(body, now=now, headers=headers, target=target)
        return dict(headers) | {
            spelled.get(name.lower(), name): value for name, value in proof.items()
        }

    def sign_query(
        self, body: bytes = b"", headers: Mapping[str, str] = NO_HEADERS
    ) -> dict[str, str]:
        """Return the query parameters by which the sender proves itself; mostly none."""
        return self._scheme.sign_query(body, headers)

    def seal(self, body: bytes, now: float) -> bytes:
        """Return the body as the sender would send it now: with its proof or the time in it."""
        return self._scheme.seal(body, now)

    def read_as(self, content_type: str) -> str:
        """Return the Content-Type of what a body is, where the sender says another."""
        if not self.preset.json_types:
            return content_type
        media_type = content_type.partition(";")[0].strip().lower()
        return "application/json" if media_type in self.preset.json_types else content_type

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
