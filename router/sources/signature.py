"""Signatures: a keyed hash over the bytes as received, in a header.

The hot path of the receiver: what depends only on the connector is worked out once.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence

from multidict import istr

from router.sources.preset import (
    NO_TARGET,
    Headers,
    Hmac,
    Refusal,
    SignatureHeaders,
    Target,
)
from router.sources.signature_header import UnprovenError, missing, reader_of, signed_header
from router.sources.signature_keys import Keys
from router.sources.signed_message import composer_of, is_form
from router.sources.signed_time import judged, renewed, time_in, written

SIGNED_IN_TEST = "signed-in-test"
"""The code of a request that is signed with the secret every one of the sender's tests has."""

_CONTENT_TYPE = istr("Content-Type")

_Shown = tuple[list[bytes], bytes, bytes]
"""What a request shows: signatures, signed time and message id (empty where none is signed)."""


class _Names:
    """The header names of one alternative, prepared for look-up without case."""

    __slots__ = ("id", "if_timed", "mark", "marked", "signature", "timestamp")

    def __init__(self, names: SignatureHeaders) -> None:
        self.signature = istr(names.signature)
        self.timestamp = istr(names.timestamp) if names.timestamp else None
        self.id = istr(names.id) if names.id else None
        name, self.mark = names.marked or (None, "")
        self.marked = istr(name) if name else None
        self.if_timed = names.if_timed

    def given(self, headers: Headers) -> Sequence[str]:
        """Return the signature header, each time it was sent, if it is of this alternative."""
        given = headers.getall(self.signature, ())
        if given and self.marked is not None and self.mark not in headers.getall(self.marked, ()):
            return ()
        if self.if_timed and self.timestamp and not headers.getall(self.timestamp, ()):
            return ()
        return given


class HmacScheme:
    """An `Hmac` declaration with its keys."""

    __slots__ = (
        "_compose",
        "_has_form",
        "_in_test",
        "_keys",
        "_names",
        "_proof",
        "_reader",
        "hidden",
        "hidden_query",
        "needs_target",
    )

    def __init__(self, proof: Hmac, secrets: Sequence[str]) -> None:
        self._proof = proof
        self._keys = Keys(proof, secrets)
        self._in_test = Keys(proof, [proof.test_secret]) if proof.test_secret else None
        self._names = tuple(_Names(names) for names in proof.headers)
        self._compose = composer_of(proof.signed, proof.url_form)
        self._has_form = "{form}" in proof.signed
        self._reader = reader_of(proof, self._keys.length)
        self.hidden = proof.hidden
        self.hidden_query = proof.hidden_query
        self.needs_target = "{url}" in proof.signed or "{method}" in proof.signed

    def verify(self, headers: Headers, body: bytes, now: float, target: Target) -> Refusal | None:
        """Return why the signature does not prove the request, or None if it does."""
        try:
            signatures, timestamp, message_id = self._shown(headers)
            content_type = headers.get(_CONTENT_TYPE, "") if self._has_form else ""
            messages = self._compose(body, timestamp, message_id, target, content_type)
            if self._proof.body_hash is not None and not is_form(content_type):
                self._check_body(body, target)
        except UnprovenError as unproven:
            return unproven.refusal
        matched = self._keys.match(messages, signatures)
        if self._in_test is not None and self._in_test.match(messages, signatures):
            reason = "signed with the secret that the sender's documentation prints, for tests"
            return Refusal(401, SIGNED_IN_TEST, reason)
        if not matched:
            return self._mismatch(body, target)
        return self._too_old_or_new(body, timestamp, now)

    def is_shown(self, headers: Headers) -> bool:
        """Tell whether a request carries a signature of this kind, right or wrong."""
        return any(names.given(headers) for names in self._names)

    def sign(
        self, body: bytes, *, now: float, headers: Mapping[str, str], target: Target = NO_TARGET
    ) -> dict[str, str]:
        """Return the headers of the first alternative, signed with the first secret."""
        names = self._names[0]
        timestamp = written(now, self._proof.time_form)
        given = {name.lower(): value for name, value in headers.items()}
        message_id = self._id_for(body, timestamp, given)
        signed_id = message_id.encode("utf-8", "surrogatepass")
        content_type = given.get("content-type", "")
        message = self._compose(body, timestamp.encode(), signed_id, target, content_type)[0]
        signature = self._keys.sign(message).decode()
        made: dict[str, str] = {}
        if names.id is not None:
            made[str(names.id)] = message_id
        if names.timestamp is not None:
            made[str(names.timestamp)] = timestamp
        if names.marked is not None:
            made[str(names.marked)] = names.mark
        made[str(names.signature)] = self._written(signature, timestamp)
        return made

    def sign_query(self, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the parameter with the hash of the body, where the sender signs that."""
        given = {name.lower(): value for name, value in headers.items()}
        if self._proof.body_hash is None or is_form(given.get("content-type", "")):
            return {}
        return {self._proof.body_hash: hashlib.sha256(body).hexdigest()}

    def seal(self, body: bytes, now: float) -> bytes:
        """Return a body with the time in it that the sender would write, where it writes one."""
        key = self._proof.time_in_body
        return body if key is None else renewed(body, key, now)

    def _shown(self, headers: Headers) -> _Shown:
        """Return what the headers of the first alternative that is there show.

        Raises:
            UnprovenError: A header is missing, or not as the sender documents it.
        """
        for names in self._names:
            given = names.given(headers)
            if given:
                break
        else:
            raise UnprovenError(*missing(names.signature for names in self._proof.headers))
        if names.marked is not None:
            signed_header(headers, names.marked, "signature-missing")
        signatures, timestamp = self._reader.read(given)
        if names.timestamp is not None:
            timestamp = signed_header(headers, names.timestamp, "timestamp-missing")
        message_id = b""
        if names.id is not None:
            message_id = signed_header(headers, names.id, "signature-missing")
        return signatures, timestamp, message_id

    def _check_body(self, body: bytes, target: Target) -> None:
        """Compare a body with its hash in the address, which is what is signed.

        Raises:
            UnprovenError: There is no hash for it, or the hash of another body.
        """
        given = target.query.getall(self._proof.body_hash or "", ())
        if not body and not given:
            return
        if len(given) != 1:
            raise UnprovenError(
                "signature-missing" if not given else "signature-repeated",
                f"the address does not carry {self._proof.body_hash} once, which binds the body",
            )
        expected = hashlib.sha256(body).hexdigest().encode()
        if not hmac.compare_digest(expected, given[0].encode("utf-8", "surrogatepass")):
            raise UnprovenError(
                "signature-mismatch",
                f"{self._proof.body_hash} in the address is not the hash of these "
                f"{len(body):,} bytes; was the body re-encoded by a proxy?",
            )

    def _mismatch(self, body: bytes, target: Target) -> Refusal:
        which = self._keys.which
        if not self.needs_target:
            about = f"signature over {len(body):,} bytes does not match {which}; "
            return Refusal(401, "signature-mismatch", about + "was the body re-encoded by a proxy?")
        return Refusal(
            401,
            "signature-mismatch",
            f"signature over {len(body):,} bytes and the address {target.url.partition('?')[0]} "
            f"does not match {which}; is that the address that the sender was given? Else set "
            "HOOKYARD_PUBLIC_URL, or public_url in the connector",
        )

    def _too_old_or_new(self, body: bytes, timestamp: bytes, now: float) -> Refusal | None:
        """Judge the age of a signed time; the signature is known to be right by now."""
        tolerance = self._proof.tolerance_s
        if tolerance is None:
            return None
        if self._proof.time_in_body is not None:
            in_body = time_in(body, self._proof.time_in_body)
            if in_body is None:  # and nobody but the sender can have left it out
                return None
            timestamp = in_body
        return judged(timestamp, self._proof.time_form, tolerance, now)

    def _written(self, signature: str, timestamp: str) -> str:
        """Return a signature header as the sender writes it."""
        form = self._proof.format
        if form is None:
            return self._proof.prefix + signature
        parts = [f"{form.time}{form.assign}{timestamp}"] if form.time else []
        return form.separator.join([*parts, f"{form.signature}{form.assign}{signature}"])

    def _id_for(self, body: bytes, timestamp: str, given: Mapping[str, str]) -> str:
        """Return the message id that headers give, else one that follows from body and time."""
        for names in self._names:
            if names.id is not None and given.get(names.id.lower()):
                return given[names.id.lower()]
        return "msg_" + hashlib.sha256(timestamp.encode() + b"." + body).hexdigest()[:24]
