"""Signatures that stand in the body: it is read before anything is proven, but never trusted.

What cannot be read has no proof in it (decision E9), so the answer to it is 401 and not 400.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson
from multidict import istr

from router.core import jsonio
from router.core.forms import URLENCODED, read_form
from router.sources.preset import NO_TARGET, Headers, InBody, Refusal, SignedPart, Target
from router.sources.signature_keys import Keys
from router.sources.signed_time import judged

_CONTENT_TYPE = istr("Content-Type")
_MAX_PARTS = 100
"""Signatures that are looked at; more than any sender puts into one request."""


class InBodyScheme:
    """An `InBody` declaration with its keys."""

    __slots__ = ("_keys", "_proof", "hidden", "hidden_query", "needs_target")

    def __init__(self, proof: InBody, secrets: Sequence[str]) -> None:
        self._proof = proof
        self._keys = Keys(proof, secrets)
        self.hidden = proof.hidden
        self.hidden_query = proof.hidden_query
        self.needs_target = False

    def verify(self, headers: Headers, body: bytes, now: float, target: Target) -> Refusal | None:
        """Return why the signatures in the body do not prove it, or None if they do."""
        del target
        proof = self._proof
        parts = proof.read(_content(body, headers.get(_CONTENT_TYPE, "")))
        if not parts:
            reason = f"no {proof.place} in the body; does the sender sign with a secret?"
            return Refusal(401, "signature-missing", reason)
        if len(parts) > _MAX_PARTS:
            reason = f"more than {_MAX_PARTS} signatures in one body"
            return Refusal(401, "signature-malformed", reason)
        matched = True
        for part in parts:
            matched &= self._keys.match((part.message,), part.signatures)
        if not matched:
            return self._mismatch(parts)
        if proof.tolerance_s is None:
            return None
        ages = (judged(part.timestamp, "s", proof.tolerance_s, now) for part in parts)
        return next((refusal for refusal in ages if refusal is not None), None)

    def sign(
        self, body: bytes, *, now: float, headers: Mapping[str, str], target: Target = NO_TARGET
    ) -> dict[str, str]:
        """Return no headers: the proof is in the body."""
        del body, now, headers, target
        return {}

    def sign_query(self, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Return nothing, as `sign`."""
        del body, headers
        return {}

    def seal(self, body: bytes, now: float) -> bytes:
        """Return a body signed anew with the first secret: JSON, or a form that had signatures."""
        try:
            content, is_json = jsonio.loads(body), True
        except jsonio.UnparseableError:
            content, is_json = _content(body, URLENCODED), False
        if not isinstance(content, dict) or not (is_json or self._proof.read(content)):
            return body
        written = self._proof.write(content, lambda message: self._keys.sign(message).decode(), now)
        return jsonio.dump_bytes(written) if is_json else urlencode(written, doseq=True).encode()

    def _mismatch(self, parts: Sequence[SignedPart]) -> Refusal:
        which = self._keys.which
        lengths = {len(signature) for part in parts for signature in part.signatures}
        if self._keys.length not in lengths:
            return Refusal(
                401,
                "signature-malformed",
                f"{self._proof.place} in the body has not {self._keys.length} characters, "
                f"as {self._proof.encoding} of {self._proof.algorithm} has",
            )
        return Refusal(
            401,
            "signature-mismatch",
            f"{self._proof.place} in the body, over {self._proof.signed}, does not match {which}",
        )


def _content(body: bytes, content_type: str) -> Any:
    """Return what a body says, None if it cannot be read."""
    try:
        form = read_form(body, content_type)
        return orjson.loads(body) if form is None else form
    except orjson.JSONDecodeError:
        # Surrogates and huge numbers, which JSON allows; or no JSON at all.
        return _json(body)
    except jsonio.UnparseableError:
        return None


def _json(body: bytes) -> Any:
    try:
        return jsonio.loads(body)
    except jsonio.UnparseableError:
        return None
