"""What a body is: how its Content-Type says it is to be read, and whether it can be."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any, Literal
from urllib.parse import parse_qs, parse_qsl

import orjson

from router.core import jsonio
from router.core.jsonio import UnparseableError
from router.sources.preset import Parsed

Kind = Literal["json", "form", "other"]
_FORM = "application/x-www-form-urlencoded"
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
    if kind != "form" or not body:
        return nothing
    written = None if form_field is None else _json_of_form(body, form_field)
    if written is not None:
        return partial(_parse, written)
    if form_field is not None and not plain_forms:
        raise UnparseableError(f"a form without the field {form_field}")
    return partial(_fields, body)


@lru_cache(maxsize=256)
def _kind(content_type: str) -> Kind:
    """Return how bodies of a Content-Type are read; none given counts as JSON."""
    media_type = content_type.partition(";")[0].strip().lower()
    if not media_type or media_type == "application/json" or media_type.endswith("+json"):
        return "json"
    return "form" if media_type == _FORM else "other"


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


def _parse(body: bytes) -> Any:
    """Return what JSON says that was checked before: names and ids are looked for, not numbers."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return jsonio.loads(body)
