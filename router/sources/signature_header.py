"""Reading what stands in signature headers: one signature, or a list of them with their time.

Nothing is compared here. What a sender wrote is only cut apart, strictly: what is not of the form
the sender documents is not proven.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from multidict import istr

from router.sources.preset import Headers, Hmac, ListFormat, Refusal

_MAX_LIST = 16


class UnprovenError(Exception):
    """A request that is not proven, on its way out of the reading; never leaves this package."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code)
        self.refusal = Refusal(401, code, reason)


class Reader(Protocol):
    """Takes a signature header apart."""

    def read(self, given: Sequence[str]) -> tuple[list[bytes], bytes]:
        """Return the signatures and the time that stands beside them, empty if none does.

        Raises:
            UnprovenError: The header is not as the sender documents it.
        """


def reader_of(proof: Hmac, length: int) -> Reader:
    """Return what reads a sender's signature header; `length` is that of one signature."""
    if proof.format is None:
        return _SingleReader(proof, length)
    return _ListReader(proof, proof.format, length)


class _SingleReader:
    """A header that is one signature after an optional prefix."""

    __slots__ = ("_length", "_proof")

    def __init__(self, proof: Hmac, length: int) -> None:
        self._proof = proof
        self._length = length

    def read(self, given: Sequence[str]) -> tuple[list[bytes], bytes]:
        """See `Reader`."""
        if len(given) > 1:
            raise UnprovenError(
                "signature-repeated", "the signature header was sent more than once"
            )
        if not given[0]:
            raise UnprovenError("signature-missing", "the signature header is empty")
        proof = self._proof
        if not given[0].startswith(proof.prefix):
            raise UnprovenError(
                "signature-malformed", f"the signature does not begin with {proof.prefix}"
            )
        text = given[0][len(proof.prefix) :]
        if len(text) != self._length:
            raise UnprovenError(
                "signature-malformed",
                f"the signature has {len(text)} characters after its prefix; "
                f"{proof.encoding} of {proof.algorithm} has {self._length}",
            )
        return [_signature(proof, text)], b""


class _ListReader:
    """A header that is a list; sent more than once, the lists are joined."""

    __slots__ = ("_form", "_length", "_proof")

    def __init__(self, proof: Hmac, form: ListFormat, length: int) -> None:
        self._proof = proof
        self._form = form
        self._length = length

    def read(self, given: Sequence[str]) -> tuple[list[bytes], bytes]:
        """See `Reader`."""
        form = self._form
        text = given[0] if len(given) == 1 else form.separator.join(given)
        if not text:
            raise UnprovenError("signature-missing", "the signature header is empty")
        if text.count(form.separator) >= _MAX_LIST:
            raise UnprovenError(
                "signature-malformed", f"the signature header lists more than {_MAX_LIST} elements"
            )
        signatures: list[bytes] = []
        times: set[str] = set()
        for element in text.split(form.separator):
            name, _, value = element.strip().partition(form.assign)
            if name == form.signature and len(value) == self._length:
                signatures.append(_signature(self._proof, value))
            elif name == form.time:
                times.add(value)
        if not signatures:
            raise UnprovenError(
                "signature-malformed",
                f"the signature header lists no {form.signature} of {self._length} characters, "
                f"as {self._proof.encoding} of {self._proof.algorithm} has",
            )
        return signatures, _only(times) if form.time is not None else b""


def _only(times: set[str]) -> bytes:
    """Return the time of a list; two different ones would leave open which of them was signed."""
    if not times:
        raise UnprovenError("timestamp-missing", "the signature header carries no time")
    if len(times) > 1:
        raise UnprovenError("signature-malformed", "the signature header carries several times")
    return times.pop().encode("utf-8", "surrogatepass")


def _signature(proof: Hmac, text: str) -> bytes:
    """Return a signature as bytes; signs beyond ASCII cannot match, and must not raise."""
    if proof.any_hex_case:
        text = text.lower()
    return text.encode("utf-8", "surrogatepass")


def signed_header(headers: Headers, name: istr, code_if_missing: str) -> bytes:
    """Return the value of a header that is signed beside the body and must be there once.

    Raises:
        UnprovenError: It is missing, empty, or there more than once.
    """
    given = headers.getall(name, ())
    if not given or not given[0]:
        raise UnprovenError(code_if_missing, f"no {name} header, which is part of what is signed")
    if len(given) > 1:
        raise UnprovenError("signature-repeated", f"the {name} header was sent more than once")
    return given[0].encode("utf-8", "surrogatepass")


def missing(names: Iterable[str]) -> tuple[str, str]:
    """Return code and reason of a request that has none of the headers."""
    reason = (
        f"no {' or '.join(names)} header; does the sender sign with a secret, and does every proxy "
        "keep the header?"
    )
    return "signature-missing", reason
