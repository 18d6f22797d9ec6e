"""What keeps secrets out of logs, refusals, errors and the API: one module, used everywhere.

Two nets: names (a header or field whose name says that it holds a secret loses its value) and
values (a secret that was looked up is scrubbed wherever its text turns up).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

REDACTED = "[redacted]"

_LEAST_LENGTH = 4
"""Shorter values are not scrubbed: taking every `a` out of the log hides more than it protects."""

_TELLING_WORD = (
    r"authori[sz]ation|authenticat|cookie|signature|hmac|token|secret|passw|passphrase|credential"
    r"|api[-_]?key|private[-_]?key|signing[-_]?key|access[-_]?key"
)
_SECRET_NAME = re.compile(_TELLING_WORD, re.IGNORECASE)
_SECRET_HEADER = re.compile(
    rf"{_TELLING_WORD}|(?:^|[-_])(?:auth|key|jwt|session|sig)(?:$|[-_0-9])", re.IGNORECASE
)
_OPEN_HEADERS = frozenset({"idempotency-key", "sec-websocket-key"})
_ABOUT_A_SECRET = re.compile(r"(?:_names?|_ids?|_at|_count)$|^secrets$")
_CREDENTIALS_IN_URL = re.compile(r"(?<=://)([^\s/?#:@]*):[^\s/?#]*@")
_PARAMETER = re.compile(r"(?<=[?&;])([^\s=&;#?]+)=([^\s&;#]*)")

_known: set[str] = set()
_known_pattern: tuple[int, re.Pattern[str]] | None = None
"""For so many known values; there may be more by now."""


def forget_value(secret: str) -> None:
    """Remember a secret's value so that `scrub` takes it, also percent-encoded, out of any text."""
    if len(secret) >= _LEAST_LENGTH and secret not in _known:
        # Bytes of the environment that were no UTF-8 are lone surrogates; they end no look-up.
        _known.update((secret, quote(secret, safe="", errors="surrogatepass")))


def scrub(text: str) -> str:
    """Return a text without known secrets and without credentials in URLs."""
    if _known:
        text = _pattern().sub(REDACTED, text)
    return redact_url(text) if "://" in text else text


def _pattern() -> re.Pattern[str]:
    """Return what finds the known values: compiled when they are asked for, not for each new one of many."""
    global _known_pattern  # noqa: PLW0603  as above
    if _known_pattern is None or _known_pattern[0] != len(_known):
        known = sorted(_known, key=len, reverse=True)
        _known_pattern = (len(known), re.compile("|".join(map(re.escape, known))))
    return _known_pattern[1]


def redact_url(url: str) -> str:
    """Return a URL (or a text with URLs) without passwords and without secret-named parameters."""
    without_password = _CREDENTIALS_IN_URL.sub(rf"\1:{REDACTED}@", url)
    return _PARAMETER.sub(_redact_parameter, without_password)


def redact_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers with the values of those that prove or identify someone replaced."""
    return {
        name: REDACTED if _is_secret_header(name) else scrub(value)
        for name, value in headers.items()
    }


def redact_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a log line without secrets, at any depth."""
    return {
        name: REDACTED if value and is_secret_name(str(name)) else _redact_value(value)
        for name, value in fields.items()
    }


def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name holds a secret; `secret_name` only names one."""
    return bool(_SECRET_NAME.search(name)) and not _ABOUT_A_SECRET.search(name)


def _is_secret_header(name: str) -> bool:
    return bool(_SECRET_HEADER.search(name)) and name.lower() not in _OPEN_HEADERS


def _redact_value(value: Any) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return redact_fields(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_redact_value(item) for item in value]
    return scrub(str(value))


def _redact_parameter(match: re.Match[str]) -> str:
    name = match[1]
    return f"{name}={REDACTED}" if _is_secret_header(name) else match[0]
