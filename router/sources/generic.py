"""Senders without a preset: a connector says itself how they prove who they are.

A mapping takes one of the forms of `GENERIC`, told apart by its leading key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import field_validator, model_validator

from router.sources.fields import Form, HeaderName, Tolerance, Word
from router.sources.preset import (
    PLACEHOLDER,
    Algorithm,
    Encoding,
    Hmac,
    ListFormat,
    SharedSecret,
    SignatureHeaders,
)

_DAY_S = 86_400
_LIST_FORMAT = re.compile(r"(?:([\w-]+)=([,; ]))?([\w-]+)=", re.ASCII)


class HmacKeys(Form):
    """`hmac:` of a connector: how any sender with a keyed hash signs."""

    header: HeaderName
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    signed: str = "{body}"
    timestamp_header: HeaderName | None = None
    format: str | None = None

    @field_validator("signed")
    @classmethod
    def _covers_the_body(cls, signed: str) -> str:
        literals = PLACEHOLDER.split(signed)
        names = literals[1::2]
        if set(names) - {"timestamp", "body"} or re.search(r"[{}]", "".join(literals[::2])):
            raise ValueError("holds braces other than {timestamp} and {body}")
        if names.count("body") != 1:
            raise ValueError("does not hold {body} once: what is not signed cannot be trusted")
        return signed

    @field_validator("format")
    @classmethod
    def _is_a_list(cls, text: str | None) -> str | None:
        if text is not None and not _LIST_FORMAT.fullmatch(text):
            raise ValueError('is not of the form "t=,v1=": the time, a separator, the signature')
        return text

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        listed = self.list_format()
        in_list = listed is not None and listed.time is not None
        if listed is not None and self.prefix:
            raise ValueError("says both format and prefix")
        if in_list and self.timestamp_header:
            raise ValueError("has the time twice, in format and in timestamp_header")
        has_time = in_list or self.timestamp_header is not None
        if has_time and "{timestamp}" not in self.signed:
            raise ValueError(
                'has a time that is not signed: write signed: "{timestamp}.{body}", or as the '
                "sender joins them, or leave the time out"
            )
        if not has_time and "{timestamp}" in self.signed:
            raise ValueError("signs a time without saying where it is: timestamp_header or format")
        return self

    def list_format(self) -> ListFormat | None:
        """Return the list that `format` describes; None for a header that is one signature."""
        match = _LIST_FORMAT.fullmatch(self.format or "")
        if not match:
            return None
        time, separator, signature = match.groups()
        return ListFormat(separator or ",", "=", signature, time)


class HmacForm(Form):
    """`{hmac: {…}, tolerance: …}`."""

    hmac: HmacKeys
    tolerance: Tolerance | None = None

    @model_validator(mode="after")
    def _tolerance_of_a_time(self) -> Self:
        if self.tolerance is not None and "{timestamp}" not in self.hmac.signed:
            raise ValueError("has a tolerance, but no time is signed")
        return self

    def proof(self) -> Hmac:
        """Return the scheme; a signed time may be a day off where nothing else is said."""
        keys = self.hmac
        tolerance = self.tolerance.total_seconds() if self.tolerance else _DAY_S
        return Hmac(
            headers=(SignatureHeaders(keys.header, timestamp=keys.timestamp_header),),
            algorithm=keys.algorithm,
            encoding=keys.encoding,
            prefix=keys.prefix,
            signed=keys.signed,
            format=keys.list_format(),
            tolerance_s=tolerance if "{timestamp}" in keys.signed else None,
            time_form="any",
            any_hex_case=keys.encoding == "hex",
        )


class HeaderForm(Form):
    """`{header: NAME}`."""

    header: HeaderName

    def proof(self) -> SharedSecret:
        """Return the scheme."""
        return SharedSecret(header=self.header)


class BasicForm(Form):
    """`{basic: user}`."""

    basic: Word

    def proof(self) -> SharedSecret:
        """Return the scheme."""
        return SharedSecret(basic=True, user=self.basic)


class BearerForm(Form):
    """`{bearer: true}`."""

    bearer: Literal[True]

    def proof(self) -> SharedSecret:
        """Return the scheme."""
        return SharedSecret(bearer=True)


GenericForm = HmacForm | HeaderForm | BasicForm | BearerForm
GENERIC: Mapping[str, type[GenericForm]] = {
    "hmac": HmacForm,
    "header": HeaderForm,
    "basic": BasicForm,
    "bearer": BearerForm,
}
