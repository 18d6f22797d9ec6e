"""Signatures that a public key proves: ECDSA over the curve P-256, as SendGrid signs.

What a connector holds is no secret: it can prove, and not sign. To try a connector out, a private key of
one's own may stand in its place: then `hookyard send` signs with it, and its public half proves.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
from multidict import istr

from router.sources.preset import NO_TARGET, Headers, PublicKey, Refusal, Target
from router.sources.signature_header import UnprovenError, signed_header
from router.sources.signed_message import composer_of
from router.sources.signed_time import judged, written
from router.sources.source import SourceError

_SIGNED_WITH = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
_PROVEN_WITH = ec.ECDSA(hashes.SHA256())
_MAX_SIGNATURE = 200
"""Characters of a signature, which has 96 at most; strangers' need not be decoded."""


class PublicKeyScheme:
    """A `PublicKey` declaration with its keys."""

    __slots__ = (
        "_compose",
        "_keys",
        "_private",
        "_proof",
        "_signature",
        "_timestamp",
        "hidden",
        "hidden_query",
        "needs_target",
    )

    def __init__(self, proof: PublicKey, secrets: Sequence[str]) -> None:
        pairs = [_keys_of(secret) for secret in secrets]
        self._proof = proof
        self._private = pairs[0][0]
        self._keys = tuple(public for _, public in pairs)
        self._compose = composer_of(proof.signed)
        names = proof.headers[0]
        self._signature = istr(names.signature)
        self._timestamp = istr(names.timestamp or "")
        self.hidden = proof.hidden
        self.hidden_query = proof.hidden_query
        self.needs_target = False

    def verify(self, headers: Headers, body: bytes, now: float, target: Target) -> Refusal | None:
        """Return why the signature does not prove the body, or None if it does."""
        try:
            signature = _decoded(signed_header(headers, self._signature, "signature-missing"))
            timestamp = signed_header(headers, self._timestamp, "timestamp-missing")
        except UnprovenError as unproven:
            return unproven.refusal
        (message,) = self._compose(body, timestamp, b"", target, "")
        matched = False
        for key in self._keys:  # all of them, so that a lie costs no more than the truth
            matched |= _proves(key, signature, message)
        if matched:
            return judged(timestamp, "s", self._proof.tolerance_s, now)
        count = len(self._keys)
        which = "the key" if count == 1 else f"any of {count} keys"
        about = f"signature over {len(body):,} bytes does not match {which}; "
        return Refusal(401, "signature-mismatch", about + "was the body re-encoded by a proxy?")

    def sign(
        self, body: bytes, *, now: float, headers: Mapping[str, str], target: Target = NO_TARGET
    ) -> dict[str, str]:
        """Return the headers, signed with the private key that stands in place of the first secret.

        Raises:
            SourceError: There is a public key, as the sender shows it, and that cannot sign.
        """
        del headers
        if self._private is None:
            raise SourceError(
                "only the sender can sign for this public key; to try the connector out, put a "
                "private key of your own in its place, as its page shows"
            )
        timestamp = written(now, "s")
        (message,) = self._compose(body, timestamp.encode(), b"", target, "")
        signature = self._private.sign(message, _SIGNED_WITH)
        return {
            str(self._timestamp): timestamp,
            str(self._signature): base64.b64encode(signature).decode(),
        }

    def sign_query(self, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Return nothing: it is all in the headers."""
        del body, headers
        return {}

    def seal(self, body: bytes, now: float) -> bytes:
        """Return the body as it is."""
        del now
        return body


def _proves(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message, _PROVEN_WITH)
    except InvalidSignature:
        return False
    return True


def _decoded(text: bytes) -> bytes:
    """Return a signature from its base64.

    Raises:
        UnprovenError: It is not base64, or far too long.
    """
    try:
        if len(text) <= _MAX_SIGNATURE:
            return base64.b64decode(text, validate=True)
    except ValueError:
        pass
    raise UnprovenError("signature-malformed", "the signature is not the base64 of one")


def _keys_of(secret: str) -> tuple[ec.EllipticCurvePrivateKey | None, ec.EllipticCurvePublicKey]:
    """Return the private key of a secret, None for a public one, and the public key.

    Raises:
        SourceError: It is no such key.
    """
    der = _der(secret)
    try:
        public = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        private = _private_key(der)
        if private is not None:
            return private, private.public_key()
        public = None
    if isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name == "secp256r1":
        return None, public
    raise SourceError("a secret is not a public key for ECDSA (P-256), as this sender shows it")


def _private_key(der: bytes) -> ec.EllipticCurvePrivateKey | None:
    try:
        key = load_der_private_key(der, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    is_right = isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == "secp256r1"
    return key if is_right else None  # type: ignore[return-value]  # as was asked


def _der(secret: str) -> bytes:
    """Return a key's bytes; the lines around a PEM and its line breaks do not count."""
    lines = [line.strip() for line in secret.strip().splitlines()]
    text = "".join(line for line in lines if not line.startswith("-----"))
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        # `from None`: the cause may carry some of it along.
        raise SourceError("a secret is not the base64 of a key, as this sender shows it") from None
