"""Proof by the key of a certificate that the request names. Declarations only.

`certified.py` carries them out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from router.sources.exchange import Headers


class Claim(NamedTuple):
    """What a request claims: that the key of a certificate signed `signed`, at the time `sent`.

    `certificate` is the address of the certificate, one of those that are allowed.
    """

    certificate: str
    signature: bytes
    algorithm: Literal["sha1", "sha256"]
    signed: bytes
    sent: bytes


@dataclass(frozen=True, slots=True)
class Certificates:
    """Whose certificates count: where they are fetched, to whom they are issued, and by whom.

    Each pattern has to match as a whole: `address` that of a certificate, `names` one of the hosts it is
    issued to, `issuers` the address of its issuer's, which is fetched where it does not come along.
    """

    address: re.Pattern[str]
    names: re.Pattern[str]
    issuers: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Certified:
    """A signature (RSA, PKCS #1 v1.5) with the key of a certificate that the request names.

    `claim` is pure; it raises UnprovenError for what is not as the sender documents it. `file` holds
    certificates to be used instead of those that the request names.
    """

    certificates: Certificates
    claim: Callable[[Headers, bytes], Claim]
    summary: str
    tolerance_s: float
    also_hidden: tuple[str, ...] = ()
    file: str | None = None

    @property
    def hidden(self) -> frozenset[str]:
        """The lower-case names of the headers that rules never see."""
        return frozenset(name.lower() for name in self.also_hidden)

    @property
    def hidden_query(self) -> frozenset[str]:
        """No query parameter."""
        return frozenset()
