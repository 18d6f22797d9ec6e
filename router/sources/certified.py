"""Signatures with the key of a certificate: what a request claims, and whether a certificate bears it out.

Which certificate is asked about is in the request, so that has to be fetched. `claim` says which,
`judge` goes on once it is there; neither does any I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from router.sources.certificate import Certificate, UntrustedError, own_certificates
from router.sources.preset import NO_TARGET, Certified, Claim, Headers, Refusal, Target
from router.sources.signature_header import UnprovenError
from router.sources.signed_time import judged
from router.sources.source import SourceError

UNAVAILABLE = "certificate-unavailable"
UNTRUSTED = "certificate-untrusted"
EXPIRED = "certificate-expired"
"""Codes of requests whose certificate is not at hand, or is no good: whether they are proven cannot be
told. They are answered 503, because there are senders that take a 401 for delivered (decision E7)."""


class CertifiedScheme:
    """A `Certified` declaration; with certificates of the operator's own nothing has to be fetched."""

    __slots__ = ("_own", "hidden", "hidden_query", "needs_target", "proof")

    def __init__(self, proof: Certified) -> None:
        self.proof = proof
        self.hidden = proof.hidden
        self.hidden_query = proof.hidden_query
        self.needs_target = False
        self._own: Sequence[Certificate] | None = None

    @property
    def has_own(self) -> bool:
        """Whether certificates were given, so that `verify` alone tells."""
        return self._own is not None

    def use(self, content: bytes) -> None:
        """Take the certificates of a file in place of those that requests name.

        Raises:
            SourceError: It holds none that can be used.
        """
        try:
            self._own = own_certificates(content)
        except UntrustedError as error:
            raise SourceError(f"the file of certificates cannot be used: {error}") from None

    def claim(self, headers: Headers, body: bytes) -> Claim | Refusal:
        """Return what a request claims, or why it is not proven whatever its certificate says."""
        try:
            return self.proof.claim(headers, body)
        except UnprovenError as unproven:
            return unproven.refusal

    def judge(
        self, claim: Claim, certificates: Sequence[Certificate], now: float
    ) -> Refusal | None:
        """Return why none of the certificates bears a claim out, or None if one does."""
        in_force = [each for each in certificates if each.not_before <= now <= each.not_after]
        if not in_force:
            return Refusal(
                503,
                EXPIRED,
                "the certificate has ended or not begun; put a new one into the file, or is a clock "
                "wrong?",
            )
        if not any(certificate.signed(claim) for certificate in in_force):
            return Refusal(
                401,
                "signature-mismatch",
                f"signature over {len(claim.signed):,} bytes was not made with the key of the "
                "certificate; was the body re-encoded by a proxy, or is an option of the source "
                "wrong?",
            )
        return judged(claim.sent, "rfc3339", self.proof.tolerance_s, now)

    def verify(self, headers: Headers, body: bytes, now: float, target: Target) -> Refusal | None:
        """Return why the request is not proven, or None if it is; without certificates that is not told."""
        del target
        claim = self.claim(headers, body)
        if isinstance(claim, Refusal):
            return claim
        if self._own is None:
            return Refusal(503, UNAVAILABLE, "the certificate is not at hand")
        return self.judge(claim, self._own, now)

    def sign(
        self, body: bytes, *, now: float, headers: Mapping[str, str], target: Target = NO_TARGET
    ) -> dict[str, str]:
        """Sign nothing: the key is the sender's alone."""
        del body, now, headers, target
        raise SourceError("only the sender has the key to sign with")

    def sign_query(self, body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
        """Return nothing: no proof is in the query."""
        del body, headers
        return {}

    def seal(self, body: bytes, now: float) -> bytes:
        """Return the body as it is."""
        del now
        return body
