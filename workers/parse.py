"""Reads the body of an event by its content type (decision T14)."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from router.core import jsonio

_URLENCODED = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_MAX_FIELDS = 10_000

_JSON_FIELDS = {"github": ("payload",), "slack": ("payload",)}
"""Fields of a form in which a sender, by its preset's name, puts its JSON (decision E14)."""


def parse_body(body: bytes, content_type: str, source: str = "") -> Any:
    """Return what a body says: JSON exactly, form fields as texts, `text/*` as one text.

    A field that is repeated is a list, a file is `{filename, type, size}`, an empty body is None.

    Raises:
        UnparseableError: It is not what its content type says.
    """
    if not body:
        return None
    kind = content_type.partition(";")[0].strip().lower()
    if kind == _URLENCODED:
        return _form(_urlencoded(body), source)
    if kind == _MULTIPART:
        return _form(_multipart(body, content_type), source)
    if kind.startswith("text/"):
        return _text(body, content_type)
    return jsonio.loads(body)


def _form(fields: list[tuple[str, Any]], source: str) -> Any:
    content: dict[str, Any] = {}
    for name, value in fields:
        if name not in content:
            content[name] = value
        elif isinstance(content[name], list):
            content[name].append(value)
        else:
            content[name] = [content[name], value]
    for name in _JSON_FIELDS.get(source, ()):
        if isinstance(content.get(name), str):
            return jsonio.loads(content[name])
    return content


def _urlencoded(body: bytes) -> list[tuple[str, Any]]:
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MAX_FIELDS
        )
    except ValueError:
        raise jsonio.UnparseableError(f"a form of more than {_MAX_FIELDS} fields") from None
    return [(_clean(name), _clean(value)) for name, value in pairs]


def _multipart(body: bytes, content_type: str) -> list[tuple[str, Any]]:
    header = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(header + body)
    if not message.is_multipart():
        raise jsonio.UnparseableError("a multipart form without parts")
    return [
        (_clean(name), _part(part))
        for part in message.get_payload()
        if isinstance(part, Message)
        and isinstance(name := part.get_param("name", header="content-disposition"), str)
    ]


def _part(part: Message) -> Any:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    filename = part.get_filename()
    if filename is None:
        return _clean(content.decode("utf-8", "replace"))
    return {"filename": _clean(filename), "type": part.get_content_type(), "size": len(content)}


def _text(body: bytes, content_type: str) -> str:
    charset = "utf-8"
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip('"')
    try:
        return _clean(body.decode(charset, "replace"))
    except LookupError:
        return _clean(body.decode("utf-8", "replace"))


def _clean(text: str) -> str:
    return text.replace("\x00", "\ufffd")
