"""Proof by a signature with a key: over the body and what is signed with it. Declarations only.

`signature.py`, `signature_body.py` and `public_key.py` carry them out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Algorithm = Literal["sha1", "sha256", "sha512"]
Encoding = Literal["hex", "base64"]
Key = Literal["text", "whsec", "hex"]
"""How a secret becomes a key: its UTF-8 bytes, base64 after an optional `whsec_`, or hex."""
TimeForm = Literal["s", "ms", "rfc3339", "any"]
"""How a signed time is written: whole Unix seconds, milliseconds, RFC 3339, or any of these."""
UrlForm = Literal["exact", "ports", "decoded"]
"""Which spellings of the signed address count: `ports` with and without the port, `decoded` also
with the percent-escapes undone that HubSpot undoes. Senders that need one are not consistent."""

PLACEHOLDER = re.compile(r"\{(body|timestamp|id|method|url|form)\}")
"""What the signed text of an HMAC scheme is put together from; `form` stands for the fields of a
form, sorted, each name directly followed by its value."""


@dataclass(frozen=True, slots=True)
class SignatureHeaders:
    """Names of the headers that carry a signature and what is signed besides the body.

    `marked` is a header and the value it must have for the signature to be of this kind; `if_timed`
    says that it is of this kind only beside the header with the time.
    """

    signature: str
    timestamp: str | None = None
    id: str | None = None
    marked: tuple[str, str] | None = None
    if_timed: bool = False


@dataclass(frozen=True, slots=True)
class ListFormat:
    """A header that holds a list: `t=1700000000,v1=ab12,v0=…` (Stripe) or `v1,q1… v1,zK…`.

    Elements stand between `separator`, name and value between `assign`; elements with other names
    than `signature` and `time` are passed over. `time` is None where the time is not in the list.
    """

    separator: str
    assign: str
    signature: str
    time: str | None = None


@dataclass(frozen=True, slots=True)
class Hmac:
    """A keyed hash over the body, and over time, id, method and address where `signed` names them.

    `headers` are alternatives: the first whose signature header is there counts. `keyed` says how
    key and message come together: as HMAC, or by hashing one after the other, as was done before
    HMAC was common. `tolerance_s` is how old or how far ahead a signed time may be, in seconds; None
    where no time is signed.
    """

    headers: tuple[SignatureHeaders, ...]
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    signed: str = "{body}"
    format: ListFormat | None = None
    key: Key = "text"
    keyed: Literal["hmac", "prefix"] = "hmac"
    tolerance_s: float | None = None
    time_form: TimeForm = "s"
    time_in_body: str | None = None
    """The key of the JSON body that holds the time, where it is signed with the body."""
    any_hex_case: bool = False
    url_form: UrlForm = "exact"
    body_hash: str | None = None
    """The query parameter that holds the hex SHA-256 of a body that is no form, where the address
    is signed instead of the body."""
    test_secret: str | None = None
    """A secret that is public: the sender signs with it when it only tries the address."""
    also_hidden: tuple[str, ...] = ()
    """Headers of older schemes that the sender still sends and rules need not see."""

    @property
    def hidden(self) -> frozenset[str]:
        """The lower-case names of the headers that rules never see."""
        signatures = (names.signature for names in self.headers)
        return frozenset(name.lower() for name in (*signatures, *self.also_hidden))

    @property
    def hidden_query(self) -> frozenset[str]:
        """The query parameters that rules never see."""
        return frozenset({self.body_hash} if self.body_hash else ())

    @property
    def summary(self) -> str:
        """The scheme in a few words."""
        names = " or ".join(names.signature for names in self.headers)
        kind = "HMAC-" if self.keyed == "hmac" else ""
        signed = self.signed if self.keyed == "hmac" else f"the secret and {self.signed}"
        return f"{kind}{self.algorithm.upper()} ({self.encoding}) of {signed} in {names}"


class SignedPart(NamedTuple):
    """What one signature in a body is about; any of `signatures` may be right.

    `timestamp` is the signed time, empty where none is signed.
    """

    signatures: tuple[bytes, ...]
    message: bytes
    timestamp: bytes = b""


Sign = Callable[[bytes], str]
"""Returns the signature of a message, as the sender writes it."""


@dataclass(frozen=True, slots=True)
class InBody:
    """A keyed hash over parts of the body that stands in the body itself.

    Both functions are pure, and any body must do. `read` returns the parts that are signed, all of
    which must be right; nothing where a signature is missing. `write` returns a body with the
    signatures in it that `Sign` gives, and the time now where one is signed. `place` says in words
    where the signature is, `signed` what it is about.
    """

    place: str
    signed: str
    read: Callable[[Any], Sequence[SignedPart]]
    write: Callable[[Any, Sign, float], Any]
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    key: Key = "text"
    tolerance_s: float | None = None

    @property
    def hidden(self) -> frozenset[str]:
        """No header."""
        return frozenset()

    @property
    def hidden_query(self) -> frozenset[str]:
        """No query parameter."""
        return frozenset()

    @property
    def summary(self) -> str:
        """The scheme in a few words."""
        kind = f"HMAC-{self.algorithm.upper()} ({self.encoding})"
        return f"{kind} of {self.signed} in body {self.place}"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An ECDSA signature in a header, which the sender's public key proves: the secret is no secret.

    `tolerance_s` is how old or how far ahead the signed time may be.
    """

    headers: tuple[SignatureHeaders, ...]
    signed: str
    tolerance_s: float

    @property
    def hidden(self) -> frozenset[str]:
        """The lower-case names of the headers that rules never see."""
        return frozenset(names.signature.lower() for names in self.headers)

    @property
    def hidden_query(self) -> frozenset[str]:
        """No query parameter."""
        return frozenset()

    @property
    def summary(self) -> str:
        """The scheme in a few words."""
        names = " or ".join(names.signature for names in self.headers)
        return f"ECDSA (base64) of {self.signed} in {names}"
