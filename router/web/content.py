"""What a body is: how its Content-Type says it is to be read, and whether it can be."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, partial
from typing import Any, Literal
from urllib.parse import parse_qs, parse_qsl

import orjson

from router.core import jsonio
from router.core.forms import MULTIPART, URLENCODED, media_type, read_form
from router.core.jsonio import UnparseableError
from router.sources.preset import Parsed, SourcePreset
from router.web.visible import storable

Kind = Literal["json", "form", "multipart", "other"]
_MAX_FIELDS = 1000


def nothing() -> None:
    """Say what a body says that is not looked into."""


def read_content(
    content_type: str, body: bytes, form_field: str | None, *, plain_forms: bool = False
) -> Parsed:
    """Check that a body is what its Content-Type says; return what parses it for who needs to know.

    JSON is checked to the letter, a form only as far as the JSON in its field `form_field` goes: the
    worker reads the rest. Where the sender sends `plain_forms` too, that field may be missing.

    Raises:
        UnparseableError: It is not.
    """
    kind = _kind(content_type)
    if kind == "json":
        jsonio.check(body)
        return partial(_parse, body)
    if kind == "other" or not body:
        return nothing
    if kind == "multipart":
        return _read_multipart(content_type, body, form_field, plain_forms=plain_forms)
    written = None if form_field is None else _json_of_form(body, form_field)
    if written is not None:
        return partial(_parse, written)
    if form_field is not None and not plain_forms:
        raise UnparseableError(f"a form without the field {form_field}")
    return partial(_fields, body)


@lru_cache(maxsize=256)
def _kind(content_type: str) -> Kind:
    """Return how bodies of a Content-Type are read; none given counts as JSON."""
    kind = media_type(content_type)
    if not kind or kind == "application/json" or kind.endswith("+json"):
        return "json"
    return "form" if kind == URLENCODED else "multipart" if kind == MULTIPART else "other"


def _read_multipart(
    content_type: str, body: bytes, form_field: str | None, *, plain_forms: bool
) -> Parsed:
    """Check a form in parts as `read_content` does; nobody reads it twice, so all of it is read."""
    fields = read_form(body, content_type) or {}
    written = fields.get(form_field or "")
    if isinstance(written, str):
        jsonio.check(written.encode())
        return partial(_parse, written.encode())
    if form_field is not None and not plain_forms:
        raise UnparseableError(f"a form without the field {form_field}")
    return lambda: fields


def _json_of_form(body: bytes, field: str) -> bytes | None:
    """Return the JSON in a field of a form, checked; None if there is no such field."""
    try:
        values = parse_qs(body, max_num_fields=_MAX_FIELDS).get(field.encode())
    except ValueError:
        raise UnparseableError(f"a form with more than {_MAX_FIELDS:,} fields") from None
    if not values:
        return None
    written = values[-1]
    jsonio.check(written)
    return written


def _fields(body: bytes) -> dict[str, str]:
    """Return the fields of a form, of repeated ones the last: names and ids are looked for."""
    try:
        text = body.decode("utf-8", "replace")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS))
    except ValueError:  # the worker says what is wrong with so many
        return {}


def query_body(preset: SourcePreset, query: Iterable[tuple[str, str]]) -> bytes:
    """Return a query as the JSON body it stands for, a repeated parameter as a list (decision E16).

    What the sender writes as JSON into a parameter is JSON in the body too, if it can be read. Without
    a query there is no body.
    """
    fields: dict[str, Any] = {}
    for name, value in query:
        fields.setdefault(storable(name), []).append(_value(preset, name, storable(value)))
    if not fields:
        return b""
    return jsonio.dump_bytes(
        {name: values if len(values) > 1 else values[0] for name, values in fields.items()}
    )


def _value(preset: SourcePreset, name: str, text: str) -> Any:
    if name not in preset.json_parameters:
        return text
    try:
        return jsonio.loads(text)
    except UnparseableError:
        return text


def _parse(body: bytes) -> Any:
    """Return what JSON says that was checked before: names and ids are looked for, not numbers."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return jsonio.loads(body)
