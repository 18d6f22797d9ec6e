"""Reads the body of an event by its content type (decision T14)."""

from __future__ import annotations

from typing import Any

from router.core import jsonio
from router.core.forms import media_type, read_form

_JSON_FIELDS = {"github": ("payload",), "slack": ("payload",), "uptime-kuma": ("data",)}
"""Fields of a form in which a sender, by its preset's name, puts its JSON (decision E14)."""


def parse_body(body: bytes, content_type: str, source: str = "") -> Any:
    """Return what a body says: JSON exactly, form fields as texts, `text/*` as one text.

    A field that is repeated is a list, a file is `{filename, type, size}`, an empty body is None.

    Raises:
        UnparseableError: It is not what its content type says.
    """
    if not body:
        return None
    form = read_form(body, content_type)
    if form is not None:
        return _json_in(form, source)
    if media_type(content_type).startswith("text/"):
        return _text(body, content_type)
    return jsonio.loads(body)


def _json_in(form: dict[str, Any], source: str) -> Any:
    """Return the JSON that the source puts into a field, else the form itself."""
    for name in _JSON_FIELDS.get(source, ()):
        if isinstance(form.get(name), str):
            return jsonio.loads(form[name])
    return form


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
