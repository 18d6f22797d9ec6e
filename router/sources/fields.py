"""Kinds of values that may be written under a connector's `source:`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from router.core.settings import SPAN_SCHEMA, parse_span

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_WEB_ADDRESS = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?/?")
_PRINTABLE = re.compile(r"[^\x00-\x20\x7f&=?#:]+")


def _span(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("is not a span of time such as 10m")  # noqa: TRY004  pydantic reports ValueErrors
    try:
        return parse_span(value)
    except OverflowError:
        raise ValueError("is too long a span of time") from None


def _header_name(value: str) -> str:
    if not _HEADER_NAME.fullmatch(value):
        raise ValueError("is not the name of a header")
    return value


def _word(value: str) -> str:
    if not _PRINTABLE.fullmatch(value):
        raise ValueError("is empty or holds blanks or one of & = ? # :")
    return value


def _web_address(value: str) -> str:
    if not _WEB_ADDRESS.fullmatch(value):
        raise ValueError("is not an address that begins with https:// or http://")
    return value


def _origin(value: str) -> str:
    match = _ORIGIN.fullmatch(value.strip().lower())
    if match is None:
        raise ValueError("is not an origin: https://, a host, and no path")
    scheme, host, port = match.groups()
    usual = {"https": "443", "http": "80"}[scheme]
    return f"{scheme}://{host}" + (f":{port}" if port and port != usual else "")


Tolerance = Annotated[timedelta, BeforeValidator(_span), Field(gt=timedelta(0)), SPAN_SCHEMA]
HeaderName = Annotated[str, AfterValidator(_header_name)]
Word = Annotated[str, AfterValidator(_word)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Origin = Annotated[str, AfterValidator(_origin)]
"""A site as browsers name it: in lower case, without the usual port."""


class Form(BaseModel):
    """A mapping whose unknown keys are errors; messages never repeat what was written."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
