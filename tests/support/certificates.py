"""A certificate authority of the tests' own, and senders that sign with certificates of it.

Keys are made once a run; making them takes most of the time that a test of certificates needs.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
)

from router.sources.certified import CertifiedScheme
from router.sources.preset import NO_TARGET, SourcePreset, Target
from router.sources.signed_time import written
from router.sources.source import Source

SNS_NAME = "sns.amazonaws.com"
SNS_HOST = "sns.eu-west-1.amazonaws.com"
SNS_ADDRESS = f"https://{SNS_HOST}/SimpleNotificationService-0123.pem"
PAYPAL_NAME = "messageverificationcerts.paypal.com"
PAYPAL_HOST = "api.paypal.com"
PAYPAL_ADDRESS = f"https://{PAYPAL_HOST}/v1/notifications/certs/CERT-360caa42"
TOPIC = "arn:aws:sns:eu-west-1:1234567890:alerta-test"
WEBHOOK_ID = "4JH86294D6297924G"
REQUIRED: dict[str, dict[str, Any]] = {
    "aws-sns": {"topics": [TOPIC]},
    "paypal": {"webhook_id": WEBHOOK_ID},
}
"""What a preset cannot do without, beside its name."""

BEGINS = datetime(2020, 1, 1, tzinfo=UTC)
ENDS = datetime(2035, 1, 1, tzinfo=UTC)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    key: Any
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def private_pem(self) -> bytes:
        return bytes(
            self.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        )


@cache
def key_of(name: str) -> rsa.RSAPrivateKey:
    """Return the key of a name, the same each time."""
    del name
    return rsa.generate_private_key(65537, 2048)


def issue(
    name: str,
    issuer: Issued | None = None,
    *,
    is_ca: bool = False,
    hosts: Sequence[str] = (),
    ends: datetime = ENDS,
    issuer_at: str | None = None,
    is_ocsp: bool = False,
    key: Key | None = None,
) -> Issued:
    """Return a certificate for a name, by itself if no issuer is given."""
    key = key or key_of(name)
    signer = Issued(key, None) if issuer is None else issuer  # type: ignore[arg-type]  # its own
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(name) if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(BEGINS, ends - timedelta(days=1)))
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()),
            critical=False,
        )
    )
    if is_ca:
        usage = dict.fromkeys(
            (
                "content_commitment",
                "crl_sign",
                "data_encipherment",
                "decipher_only",
                "digital_signature",
                "encipher_only",
                "key_agreement",
                "key_encipherment",
            ),
            False,
        )
        builder = builder.add_extension(x509.KeyUsage(**usage, key_cert_sign=True), critical=True)
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(names, critical=False)
        builder = builder.add_extension(server, critical=False)
    if issuer_at is not None:
        kind = AuthorityInformationAccessOID
        method = kind.OCSP if is_ocsp else kind.CA_ISSUERS
        place = x509.AccessDescription(method, x509.UniformResourceIdentifier(issuer_at))
        access = x509.AuthorityInformationAccess([place])
        builder = builder.add_extension(access, critical=False)
    return Issued(key, builder.sign(signer.key, hashes.SHA256()))


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@cache
def root() -> Issued:
    return issue("Root of the tests", is_ca=True)


@cache
def intermediate() -> Issued:
    return issue("Intermediate of the tests", root(), is_ca=True)


@cache
def leaf(host: str) -> Issued:
    """Return the certificate of a sender, signed by the intermediate."""
    return issue(
        f"leaf of {host}",
        intermediate(),
        hosts=[host],
        issuer_at="http://crt.r2m01.amazontrust.com/r2m01.cer",
    )


@cache
def stranger() -> Issued:
    """Return a certificate that nobody vouches for, in the name of SNS."""
    return issue("a stranger", hosts=[SNS_NAME, PAYPAL_NAME])


def sns_seal(
    body: bytes,
    now: float,
    *,
    by: Issued | None = None,
    address: str = SNS_ADDRESS,
    at: str | None = None,
) -> bytes:
    """Return a message as SNS would send it now; what is no message of SNS, as it is."""
    try:
        message = json.loads(body)
    except ValueError:
        return body
    if not isinstance(message, dict) or "Type" not in message:
        return body
    message |= {"Timestamp": at or written(now, "rfc3339"), "SigningCertURL": address}
    message.setdefault("SignatureVersion", "1")
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token"]
    names = [*names, "TopicArn", "Type"]
    if message["Type"] == "Notification":
        names = [name for name in names if name not in {"SubscribeURL", "Token"}]
    present = [name for name in names if message.get(name) is not None]
    text = "".join(f"{name}\n{message[name]}\n" for name in present)
    algorithm = hashes.SHA1() if message["SignatureVersion"] == "1" else hashes.SHA256()  # noqa: S303  as SNS has it
    key = (by or leaf(SNS_NAME)).key
    signature = key.sign(text.encode("utf-8", "surrogatepass"), padding.PKCS1v15(), algorithm)
    message["Signature"] = base64.b64encode(signature).decode()
    return json.dumps(message, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass")


def paypal_headers(
    body: bytes,
    now: float,
    *,
    by: Issued | None = None,
    address: str = PAYPAL_ADDRESS,
    transmission: str | None = None,
    webhook_id: str = WEBHOOK_ID,
) -> dict[str, str]:
    """Return the headers of a transmission as PayPal would send it now."""
    checksum = zlib.crc32(body)
    transmission = transmission or f"dfb3be50-fd74-11e4-8bf3-{checksum:012x}"
    sent = written(now, "rfc3339")
    text = f"{transmission}|{sent}|{webhook_id}|{checksum}"
    key = (by or leaf(PAYPAL_NAME)).key
    signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return {
        "PAYPAL-TRANSMISSION-ID": transmission,
        "PAYPAL-TRANSMISSION-TIME": sent,
        "PAYPAL-TRANSMISSION-SIG": base64.b64encode(signature).decode(),
        "PAYPAL-CERT-URL": address,
        "PAYPAL-AUTH-ALGO": "SHA256withRSA",
    }


class _SigningScheme(CertifiedScheme):
    """A sender of which the tests have the key."""

    __slots__ = ("_name",)

    def __init__(self, preset: SourcePreset) -> None:
        assert not isinstance(preset.proof, str)
        super().__init__(preset.proof)  # type: ignore[arg-type]  # it is Certified
        self._name = preset.name
        self.use(leaf(SNS_NAME).pem + leaf(PAYPAL_NAME).pem)

    def sign(
        self, body: bytes, *, now: float, headers: Mapping[str, str], target: Target = NO_TARGET
    ) -> dict[str, str]:
        del headers, target
        return paypal_headers(body, now) if self._name == "paypal" else {}

    def seal(self, body: bytes, now: float) -> bytes:
        return sns_seal(body, now) if self._name == "aws-sns" else body


def signing(source: Source) -> Source:
    """Return a sender that proves itself by certificates, with the tests' own; any other as it is."""
    if source.certified is None:
        return source
    scheme = _SigningScheme(source.preset)
    return Source(source.preset, scheme, source.hidden, scheme)
