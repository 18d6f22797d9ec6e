"""Forms: what `application/x-www-form-urlencoded` and `multipart/form-data` bodies hold (decision E14).

Whoever sends a form may be a stranger, so nothing here takes long or goes deep, whatever comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote

from router.core.jsonio import UnparseableError

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

_MAX_FIELDS = 10_000
_LINE = b"\r\n"
_PARAMETER = re.compile(r';\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"\s]*))', re.DOTALL)
_ESCAPED = {"%22": '"', "%0D": "\r", "%0A": "\n", '\\"': '"'}
_TO_UNESCAPE = re.compile("|".join(map(re.escape, _ESCAPED)), re.IGNORECASE)
"""How browsers write these signs into names; all others stand for themselves."""


def media_type(content_type: str) -> str:
    """Return a Content-Type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def read_form(body: bytes, content_type: str) -> dict[str, Any] | None:
    """Return the fields of a form, None for a body that is of another type.

    A field is a text, one that is repeated a list, a file `{filename, type, size}`.

    Raises:
        UnparseableError: It is not the form that its Content-Type says.
    """
    kind = media_type(content_type)
    if kind == URLENCODED:
        return _collected(_urlencoded(body))
    if kind == MULTIPART:
        return _collected(_multipart(body, content_type))
    return None


def _collected(fields: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name, value in fields:
        if name not in content:
            content[name] = value
        elif isinstance(content[name], list):
            content[name].append(value)
        else:
            content[name] = [content[name], value]
    return content


def _urlencoded(body: bytes) -> list[tuple[str, Any]]:
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MAX_FIELDS
        )
    except ValueError:
        raise UnparseableError(f"a form of more than {_MAX_FIELDS} fields") from None
    return [(_clean(name), _clean(value)) for name, value in pairs]


def _multipart(body: bytes, content_type: str) -> list[tuple[str, Any]]:
    boundary = _parameters(content_type).get("boundary")
    if not boundary:
        raise UnparseableError("a multipart form whose Content-Type names no boundary")
    delimiter = _LINE + b"--" + boundary.encode("utf-8", "replace")
    whole = _LINE + body
    if whole.count(delimiter) > _MAX_FIELDS:
        raise UnparseableError(f"a form of more than {_MAX_FIELDS} fields")
    _, *pieces = whole.split(delimiter)
    if not pieces:
        raise UnparseableError("a multipart form without parts")
    fields: list[tuple[str, Any]] = []
    for piece in pieces:
        if piece.startswith(b"--"):
            return fields
        line, _, part = piece.partition(_LINE)
        if line.strip(b" \t"):
            raise UnparseableError("a multipart form whose boundary stands within a part")
        fields.extend(_part(part))
    raise UnparseableError("a multipart form that breaks off")


def _part(part: bytes) -> list[tuple[str, Any]]:
    """Return a part's name and value; nothing of a part that has no name."""
    if part.startswith(_LINE):  # no headers at all
        return []
    head, _, content = part.partition(_LINE + _LINE)
    headers = _headers(head.decode("utf-8", "replace"))
    said = _parameters(headers.get("content-disposition", ""))
    if "name" not in said:
        return []
    name, filename = _clean(said["name"]), _filename(said)
    if filename is None:
        return [(name, _clean(content.decode("utf-8", "replace")))]
    kind = media_type(headers.get("content-type", "text/plain"))
    return [(name, {"filename": filename, "type": _clean(kind), "size": len(content)})]


def _headers(head: str) -> dict[str, str]:
    lines = (line.partition(":") for line in head.split("\r\n"))
    return {name.strip().lower(): value.strip() for name, _, value in lines}


def _parameters(value: str) -> dict[str, str]:
    """Return the parameters of a header's value; the first of a name counts."""
    found: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(value):
        text = quoted or plain
        found.setdefault(
            name.lower(), _TO_UNESCAPE.sub(lambda sign: _ESCAPED[sign[0].upper()], text)
        )
    return found


def _filename(said: dict[str, str]) -> str | None:
    if "filename" in said:
        return _clean(said["filename"])
    encoded = said.get("filename*")  # as some libraries write what is not ASCII
    return None if encoded is None else _clean(unquote(encoded.rpartition("'")[2]))


def _clean(text: str) -> str:
    return text.replace("\x00", "\ufffd")
