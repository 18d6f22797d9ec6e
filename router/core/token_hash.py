"""What is kept of tokens and keys: a keyed hash, by which nobody else's copy of a token is known.

The key is the installation's own. Nobody who measures how long answers take learns anything of what is
stored, and no table of hashes made elsewhere fits. A token is 256 random bits, so that no slow hash is needed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

SIZE = 32
"""Bytes of a key, and of a hash."""


def digest_of(token: str | bytes) -> bytes:
    """Return a token's sha-256, which stands for it where the key is not at hand; it is never stored."""
    raw = token.encode("utf-8", "surrogatepass") if isinstance(token, str) else token
    return hashlib.sha256(raw).digest()


def keyed(digest: bytes, key: bytes | None) -> str:
    """Return what is stored of a token in hex, by its `digest_of`.

    Without a key that is the digest itself: so it was before installations had one.
    """
    if key is None:
        return digest.hex()
    return hashlib.blake2b(digest, key=key, digest_size=SIZE).hexdigest()


@dataclass(frozen=True, slots=True, repr=False)
class IssuedHashes:
    """The hashes of keys that were issued here and are known by nothing else, with the key they are made with."""

    key: bytes | None = None
    hashes: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.hashes)

    def find(self, shown: bytes) -> str | None:
        """Return the hash of what was shown if it is one of these; however many there are takes the same time."""
        hashed = keyed(digest_of(shown), self.key)
        return hashed if hashed in self.hashes else None

    def __repr__(self) -> str:
        return "IssuedHashes(…)"


NONE_ISSUED = IssuedHashes()
