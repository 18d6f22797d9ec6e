"""Files that hold a webhook: an envelope with headers and body, or the bare body.

A file is an envelope if it is a JSON mapping with `body` or `raw_body` and otherwise only
`headers`, `query`, `url`, `received_at` and provenance keys. Anything else is the body itself,
byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from router.cli.failures import CommandError
from router.core import jsonio

_BODIES = {"body", "raw_body"}
_ENVELOPE = {"headers", "query", "url", "received_at"}
_PROVENANCE = {"provider", "event", "source", "headers_origin", "note", "licence", "name"}

_MADE_BY_THE_CLIENT = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers about the transfer, not about the event: whoever posts the file makes its own."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A webhook from a file: the body's bytes, its headers (names in lower case) and query."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    received_at: str | None = None
    """When it came, where the file says."""


def read_envelope(path: Path) -> Envelope:
    """Return the webhook a file holds.

    Raises:
        CommandError: The file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from error
    try:
        value = jsonio.loads(content)
    except jsonio.UnparseableError:
        return Envelope(content)
    if not _is_envelope(value):
        return Envelope(content)
    headers = _texts(value.get("headers"))
    return Envelope(
        body=_body(value),
        headers={
            name.lower(): text
            for name, text in headers.items()
            if name.lower() not in _MADE_BY_THE_CLIENT
        },
        query=_texts(value.get("query")),
        received_at=_text(value.get("received_at")),
    )


def _is_envelope(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and len(_BODIES & value.keys()) == 1
        and value.keys() <= _BODIES | _ENVELOPE | _PROVENANCE
    )


def _body(envelope: Mapping[str, Any]) -> bytes:
    if "raw_body" in envelope:
        return str(envelope["raw_body"]).encode()
    return body_bytes(envelope["body"])


def body_bytes(body: Any) -> bytes:
    """Return the bytes that are sent of a body: a text as it is, anything else as JSON."""
    return body.encode() if isinstance(body, str) else jsonio.dump_bytes(body)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {str(name): str(text) for name, text in value.items()}
