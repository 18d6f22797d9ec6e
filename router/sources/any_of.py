"""Several schemes of one sender: which of them counts for a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from router.core.token_hash import NONE_ISSUED, IssuedHashes
from router.sources.credentials import SharedSecretScheme
from router.sources.preset import NO_TARGET, AnyOf, Headers, Hmac, Refusal, SharedSecret, Target
from router.sources.signature import HmacScheme
from router.sources.signature_header import missing


class AnyOfScheme:
    """An `AnyOf` declaration with its keys.

    `hashes` are those of keys that were issued here. By them no signature can be told: where there is
    no secret besides, only what is shown counts.
    """

    __slots__ = (
        "_can_sign",
        "_proofs",
        "_schemes",
        "_signing",
        "hidden",
        "hidden_query",
        "needs_target",
    )

    def __init__(
        self, proof: AnyOf, secrets: Sequence[str], hashes: IssuedHashes = NONE_ISSUED
    ) -> None:
        self._can_sign = bool(secrets)
        self._proofs = tuple(
            scheme for scheme in proof.schemes if self._can_sign or isinstance(scheme, SharedSecret)
        )
        self._schemes = tuple(
            HmacScheme(scheme, secrets)
            if isinstance(scheme, Hmac)
            else SharedSecretScheme(scheme, secrets, hashes)
            for scheme in self._proofs
        )
        self._signing = HmacScheme(proof.signing, secrets)
        self.hidden = proof.hidden
        self.hidden_query = proof.hidden_query
        self.needs_target = any(scheme.needs_target for scheme in self._schemes)

    def verify(self, headers: Headers, body: bytes, now: float, target: Target) -> Refusal | None:
        """Return what the safest scheme says whose proof is there."""
        for scheme in self._schemes:
            if scheme.is_shown(headers):
                return scheme.verify(headers, body, now, target)
        names = dict.fromkeys(name for each in self._proofs for name in _shown_in(each))
        code, reason = missing(names)
        if not self._can_sign:
            reason += (
                " No signature counts, as of a key that was issued here only the hash is kept."
            )
        return Refusal(401, code, reason)

    def sign(
        self, body: bytes, *, now: float, headers: Mapping[str, str], target: Target = NO_TARGET
    ) -> dict[str, str]:
        """Return the headers of the scheme that signs."""
        return self._signing.sign(body, now=now, headers=headers, target=target)

    def sign_query(self, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the query parameters of the scheme that signs."""
        return self._signing.sign_query(body, headers)

    def seal(self, body: bytes, now: float) -> bytes:
        """Return the body as the scheme that signs would send it."""
        return self._signing.seal(body, now)


def _shown_in(proof: Hmac | SharedSecret) -> Iterable[str]:
    """Return the headers in which a proof may be."""
    if isinstance(proof, Hmac):
        return (names.signature for names in proof.headers)
    return (proof.header or "Authorization",)
