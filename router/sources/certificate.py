"""Certificates that senders sign with: read, followed to a root that is trusted, and used.

Nothing is fetched here. Where a chain stops short of a root, it is said where its next link is to be had.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from router.sources.preset import Certificates, Claim

_HASHES: dict[str, hashes.HashAlgorithm] = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}  # noqa: S303  SNS signs with SHA-1 unless the topic says otherwise
_PADDING = PKCS1v15()
_PEM = b"-----BEGIN"


class UntrustedError(Exception):
    """A certificate does not count; the message says why."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The key of a certificate that counts, and when it does, in seconds since the epoch."""

    key: RSAPublicKey
    not_before: float
    not_after: float

    def signed(self, claim: Claim) -> bool:
        """Tell whether this key made the signature of a claim."""
        try:
            self.key.verify(claim.signature, claim.signed, _PADDING, _HASHES[claim.algorithm])
        except InvalidSignature:
            return False
        return True


def read_chain(content: bytes) -> list[x509.Certificate]:
    """Return the certificates of a file, in PEM or a single one in DER.

    Raises:
        UntrustedError: It holds none.
    """
    try:
        if _PEM in content:
            return x509.load_pem_x509_certificates(content)
        return [x509.load_der_x509_certificate(content)]
    except ValueError:
        raise UntrustedError("there is no certificate that can be read") from None


def own_certificates(content: bytes) -> list[Certificate]:
    """Return the certificates of a file that the operator vouches for: no chain is asked of them.

    Raises:
        UntrustedError: It holds none, or one whose key is no RSA key.
    """
    return [_usable(each) for each in read_chain(content)]


def missing_link(
    chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], wanted: Certificates
) -> str | None:
    """Return where the issuer is to be had at which a chain stops short of the roots.

    None where the chain needs no more, or where nothing more can be had that is allowed.
    """
    known = {root.subject for root in roots}
    link = _leaf(chain, wanted)
    for _ in chain:
        if link.issuer in known or link.issuer == link.subject:
            return None
        issuer = next((each for each in chain if each.subject == link.issuer), None)
        if issuer is None:
            return next((url for url in _issuers(link) if wanted.issuers.fullmatch(url)), None)
        link = issuer
    return None


def trusted(
    chain: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    wanted: Certificates,
    now: float,
) -> Certificate:
    """Return the sender's certificate out of a chain that leads to one of the roots.

    Raises:
        UntrustedError: It does not, or has ended, or is issued to somebody else.
    """
    leaf = _leaf(chain, wanted)
    name = next(name for name in _names(leaf) if wanted.names.fullmatch(name))
    try:
        policy = PolicyBuilder().store(Store(list(roots))).time(datetime.fromtimestamp(now, UTC))
        verifier = policy.build_server_verifier(x509.DNSName(name))
        verifier.verify(leaf, [each for each in chain if each is not leaf])
    except (VerificationError, ValueError) as error:
        raise UntrustedError(f"its chain is not trusted: {_first_line(error)}") from None
    return _usable(leaf)


def _leaf(chain: Sequence[x509.Certificate], wanted: Certificates) -> x509.Certificate:
    """Return the first certificate that is issued to the sender."""
    for each in chain:
        if any(wanted.names.fullmatch(name) for name in _names(each)):
            return each
    raise UntrustedError("it is not issued to the sender, but to somebody else")


def _names(certificate: x509.Certificate) -> list[str]:
    """Return the hosts a certificate is issued to; where it lists none, its common name."""
    try:
        listed = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return listed.value.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, ValueError):
        return [
            str(each.value)
            for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        ]


def _issuers(certificate: x509.Certificate) -> Iterator[str]:
    """Yield the addresses where the certificate of its issuer is to be had."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except (x509.ExtensionNotFound, ValueError):
        return
    for each in access.value:
        of_issuer = each.access_method == AuthorityInformationAccessOID.CA_ISSUERS
        if of_issuer and isinstance(each.access_location, x509.UniformResourceIdentifier):
            yield each.access_location.value


def _usable(certificate: x509.Certificate) -> Certificate:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey):
        raise UntrustedError("its key is no RSA key")
    return Certificate(
        key,
        certificate.not_valid_before_utc.timestamp(),
        certificate.not_valid_after_utc.timestamp(),
    )


def _first_line(error: Exception) -> str:
    """Return what an error says, without the certificates it shows."""
    return re.sub(r" \(encountered processing .*", "", str(error)).partition("\n")[0]
