"""Keys of signatures: a secret as its sender shows it, made ready to sign and to compare.

Every configured secret is tried on every request, so a refusal costs what a passing request costs and
the time taken does not tell which secret matched.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Protocol, Self

from router.sources.preset import Hmac, InBody
from router.sources.source import SourceError

_SIZES = {"sha1": 20, "sha256": 32, "sha512": 64}
_WHSEC = "whsec_"


class _Keyed(Protocol):
    """A hash that has taken in the key."""

    def copy(self) -> Self: ...
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class Keys:
    """The keys of a scheme; `length` is that of a signature as it is written."""

    __slots__ = ("_encode", "_keyed", "count", "length")

    def __init__(self, proof: Hmac | InBody, secrets: Sequence[str]) -> None:
        # A copy of what has taken in the key already is quicker than a start from the key.
        self._keyed = tuple(_keyed(proof, secret) for secret in secrets)
        self._encode: Callable[[bytes], bytes] = (
            binascii.hexlify if proof.encoding == "hex" else _base64
        )
        self.count = len(self._keyed)
        self.length = len(self._encode(bytes(_SIZES[proof.algorithm])))

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message by the first key."""
        if not self._keyed:
            raise SourceError(
                "of a key that was issued here only the hash is kept: nothing can be signed with it"
            )
        return self._encode(_digest(self._keyed[0], message))

    def match(self, messages: Sequence[bytes], signatures: Sequence[bytes]) -> bool:
        """Tell whether a signature is right, in the same time whichever it is."""
        matched = False
        for message in messages:
            for keyed in self._keyed:
                expected = self._encode(_digest(keyed, message))
                for signature in signatures:
                    matched |= hmac.compare_digest(expected, signature)
        return matched

    @property
    def which(self) -> str:
        """What a signature should have matched, in words."""
        return "the secret" if self.count == 1 else f"any of {self.count} secrets"


def _keyed(proof: Hmac | InBody, secret: str) -> _Keyed:
    """Return a hash that has taken in the key of a secret."""
    key = _key(proof, secret)
    if isinstance(proof, Hmac) and proof.keyed == "prefix":
        return hashlib.new(proof.algorithm, key)
    return hmac.new(key, digestmod=proof.algorithm)


def _digest(keyed: _Keyed, message: bytes) -> bytes:
    """Return the keyed hash of a message; `keyed` has taken in the key and nothing else."""
    of_message = keyed.copy()
    of_message.update(message)
    return of_message.digest()


def _base64(digest: bytes) -> bytes:
    return binascii.b2a_base64(digest, newline=False)


def _key(proof: Hmac | InBody, secret: str) -> bytes:
    """Return the HMAC key of a secret as its sender shows it."""
    if proof.key == "text":
        return secret.encode()
    if proof.key == "hex":
        try:
            return bytes.fromhex(secret.strip())
        except ValueError:
            # `from None`: the cause may carry some of the secret along.
            raise SourceError("a secret is not hex, as this sender shows it") from None
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
