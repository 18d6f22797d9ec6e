"""Signatures: HMAC over the bytes as received, in a header.

The hot path of the receiver: what depends only on the connector is worked out once. Every
configured secret is tried on every request, so a refusal costs what a passing request costs and the
time taken does not tell which secret matched.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence

from multidict import istr

from router.sources.preset import (
    PLACEHOLDER,
    Headers,
    Hmac,
    Query,
    Refusal,
    SignatureHeaders,
)
from router.sources.signature_header import UnprovenError, epoch_s, reader_of, signed_header
from router.sources.source import SourceError

_SIZES = {"sha1": 20, "sha256": 32, "sha512": 64}
_WHSEC = "whsec_"

_Shown = tuple[list[bytes], bytes, bytes]
"""What a request shows: signatures, signed time and message id (empty where none is signed)."""


class _Names:
    """The header names of one alternative, prepared for look-up without case."""

    __slots__ = ("id", "signature", "timestamp")

    def __init__(self, names: SignatureHeaders) -> None:
        self.signature = istr(names.signature)
        self.timestamp = istr(names.timestamp) if names.timestamp else None
        self.id = istr(names.id) if names.id else None


class HmacScheme:
    """An `Hmac` declaration with its keys."""

    __slots__ = (
        "_encode",
        "_keyed",
        "_message",
        "_names",
        "_proof",
        "_reader",
        "hidden",
        "hidden_query",
    )

    def __init__(self, proof: Hmac, secrets: Sequence[str]) -> None:
        self._proof = proof
        # A copy of what has taken in the key already is quicker than a start from the key.
        self._keyed = tuple(
            hmac.new(_key(proof, secret), digestmod=proof.algorithm) for secret in secrets
        )
        self._names = tuple(_Names(names) for names in proof.headers)
        self._message = _message_builder(proof.signed)
        self._encode: Callable[[bytes], bytes] = (
            binascii.hexlify if proof.encoding == "hex" else _base64
        )
        self._reader = reader_of(proof, len(self._encode(bytes(_SIZES[proof.algorithm]))))
        self.hidden = proof.hidden
        self.hidden_query = proof.hidden_query

    def verify(self, headers: Headers, body: bytes, now: float, query: Query) -> Refusal | None:
        """Return why the signature does not prove the body, or None if it does."""
        del query
        try:
            signatures, timestamp, message_id = self._shown(headers)
        except UnprovenError as unproven:
            return unproven.refusal
        message = self._message(body, timestamp, message_id)
        matched = False
        for keyed in self._keyed:
            expected = self._encode(_digest(keyed, message))
            for signature in signatures:
                matched |= hmac.compare_digest(expected, signature)
        if not matched:
            return self._mismatch(body)
        return self._too_old_or_new(timestamp, now)

    def sign(self, body: bytes, *, now: float, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers of the first alternative, signed with the first secret."""
        names = self._names[0]
        timestamp = str(int(now))
        message_id = self._id_for(body, timestamp, headers)
        message = self._message(
            body, timestamp.encode(), message_id.encode("utf-8", "surrogatepass")
        )
        signature = self._encode(_digest(self._keyed[0], message)).decode()
        made: dict[str, str] = {}
        if names.id is not None:
            made[str(names.id)] = message_id
        if names.timestamp is not None:
            made[str(names.timestamp)] = timestamp
        made[str(names.signature)] = self._written(signature, timestamp)
        return made

    def sign_query(self) -> dict[str, str]:
        """Return nothing: signatures are in headers."""
        return {}

    def _shown(self, headers: Headers) -> _Shown:
        """Return what the headers of the first alternative that is there show.

        Raises:
            UnprovenError: A header is missing, or not as the sender documents it.
        """
        for names in self._names:
            given = headers.getall(names.signature, ())
            if given:
                break
        else:
            expected = " or ".join(names.signature for names in self._names)
            raise UnprovenError(
                "signature-missing",
                f"no {expected} header; does the sender sign with a secret, and does every proxy "
                "keep the header?",
            )
        signatures, timestamp = self._reader.read(given)
        if names.timestamp is not None:
            timestamp = signed_header(headers, names.timestamp, "timestamp-missing")
        message_id = b""
        if names.id is not None:
            message_id = signed_header(headers, names.id, "signature-missing")
        return signatures, timestamp, message_id

    def _mismatch(self, body: bytes) -> Refusal:
        count = len(self._keyed)
        which = "the secret" if count == 1 else f"any of {count} secrets"
        return Refusal(
            401,
            "signature-mismatch",
            f"signature over {len(body):,} bytes does not match {which}; "
            "was the body re-encoded by a proxy?",
        )

    def _too_old_or_new(self, timestamp: bytes, now: float) -> Refusal | None:
        """Judge the age of a signed time; the signature is known to be right by now."""
        tolerance = self._proof.tolerance_s
        if tolerance is None:
            return None
        sent = epoch_s(timestamp, any_form=self._proof.any_time_form)
        if sent is None:
            return Refusal(401, "timestamp-malformed", "the signed time cannot be read")
        age = now - sent
        if -tolerance <= age <= tolerance:
            return None
        direction = "old" if age > 0 else "ahead of this machine's clock"
        return Refusal(
            401,
            "timestamp-stale",
            f"the signature is right, but {abs(age):,.0f} s {direction}; {tolerance:,.0f} s are "
            "tolerated. Is it a replay, or is a clock wrong?",
        )

    def _written(self, signature: str, timestamp: str) -> str:
        """Return a signature header as the sender writes it."""
        form = self._proof.format
        if form is None:
            return self._proof.prefix + signature
        parts = [f"{form.time}{form.assign}{timestamp}"] if form.time else []
        return form.separator.join([*parts, f"{form.signature}{form.assign}{signature}"])

    def _id_for(self, body: bytes, timestamp: str, headers: Mapping[str, str]) -> str:
        """Return the message id that `headers` give, else one that follows from body and time."""
        given = {name.lower(): value for name, value in headers.items()}
        for names in self._names:
            if names.id is not None and given.get(names.id.lower()):
                return given[names.id.lower()]
        return "msg_" + hashlib.sha256(timestamp.encode() + b"." + body).hexdigest()[:24]


def _digest(keyed: hmac.HMAC, message: bytes) -> bytes:
    """Return the HMAC of a message; `keyed` has taken in the key and nothing else."""
    of_message = keyed.copy()
    of_message.update(message)
    return of_message.digest()


def _base64(digest: bytes) -> bytes:
    return binascii.b2a_base64(digest, newline=False)


def _key(proof: Hmac, secret: str) -> bytes:
    """Return the HMAC key of a secret as its sender shows it."""
    if proof.key == "text":
        return secret.encode()
    text = secret.strip().removeprefix(_WHSEC).rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        # `from None`: the cause would carry the secret along.
        raise SourceError(
            "a secret is not base64 (with or without whsec_ before it), as this sender shows it"
        ) from None
    if not key:
        raise SourceError("a secret is empty")
    return key


def _message_builder(signed: str) -> Callable[[bytes, bytes, bytes], bytes]:
    """Return what puts the signed bytes together from body, time and message id."""
    if signed == "{body}":
        return lambda body, _timestamp, _id: body
    pieces = PLACEHOLDER.split(signed)
    literals = [piece.encode() for piece in pieces[::2]]
    fields = [("body", "timestamp", "id").index(piece) for piece in pieces[1::2]]

    def build(body: bytes, timestamp: bytes, message_id: bytes) -> bytes:
        values = (body, timestamp, message_id)
        parts = [literals[0]]
        for field, literal in zip(fields, literals[1:], strict=True):
            parts.extend((values[field], literal))
        return b"".join(parts)

    return build
