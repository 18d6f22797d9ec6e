"""How a sender proves itself, or that it does not: every kind there is. Declarations only.

`credentials.py`, `origin.py` and `any_of.py` carry out those that stand here.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.sources.proof_certificate import Certified
from router.sources.proof_signature import Hmac, InBody, PublicKey


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """The secret itself is shown: in a header, in the query, or as Bearer or Basic credentials.

    Of `header` and `query` at most one is set; else `bearer`, `basic` and `bare` (the secret alone) say
    what the Authorization header may carry, and `or_header` may carry the secret in its place. `user` of
    None: any user.
    """

    bearer: bool = False
    basic: bool = False
    user: str | None = None
    header: str | None = None
    query: str | None = None
    bare: bool = False
    or_header: str | None = None

    @property
    def hidden(self) -> frozenset[str]:
        """The lower-case names of headers of the secret's own, which rules never see."""
        return frozenset(name.lower() for name in (self.header, self.or_header) if name)

    @property
    def hidden_query(self) -> frozenset[str]:
        """The query parameter that rules never see, if the secret is in one."""
        return frozenset({self.query} if self.query else ())

    @property
    def summary(self) -> str:
        """The scheme in a few words."""
        if self.header is not None:
            return f"the secret in the header {self.header}"
        if self.query is not None:
            return f"the secret in the query parameter {self.query}"
        schemes = ["Bearer"] * self.bearer + ["Basic"] * self.basic
        schemes += ["the secret alone"] * self.bare
        other = f", or the secret in the header {self.or_header}" if self.or_header else ""
        return f"Authorization: {' or '.join(schemes)}{other}"


@dataclass(frozen=True, slots=True)
class NoProof:
    """Nothing is proven, and the connector said so in so many words."""

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
        return "none"


@dataclass(frozen=True, slots=True)
class Origins:
    """Nobody is proven, but browsers say which site a page is of, and only pages of these count."""

    origins: tuple[str, ...]

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
        return f"none; browsers on pages of {' or '.join(self.origins)} only"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Several schemes of one sender, the safest first: the first whose proof is there counts.

    `signing` is the one that `hookyard send` signs with. A secret may be among them that is shown in a
    header, not one in the query.
    """

    schemes: tuple[Hmac | SharedSecret, ...]
    signing: Hmac

    @property
    def hidden(self) -> frozenset[str]:
        """The lower-case names of the headers that rules never see."""
        return frozenset().union(*(scheme.hidden for scheme in self.schemes))

    @property
    def hidden_query(self) -> frozenset[str]:
        """The query parameters that rules never see."""
        return frozenset().union(*(scheme.hidden_query for scheme in self.schemes))

    @property
    def summary(self) -> str:
        """The schemes in a few words."""
        return ", or ".join(scheme.summary for scheme in self.schemes)


Proof = Hmac | SharedSecret | PublicKey | InBody | NoProof | Origins | AnyOf | Certified
