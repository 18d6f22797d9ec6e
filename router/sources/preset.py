"""What a preset is made of: declarations, no code that runs on a request but two pure functions.

How a sender proves itself is data (`Hmac`, `SharedSecret`, `NoProof`); `signature.py` and
`credentials.py` know how to carry it out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from multidict import MultiMapping

Headers = MultiMapping[str]
"""The headers of a request, as aiohttp gives them: names in any case, values may hold surrogates
where the bytes were not UTF-8."""
Query = MultiMapping[str]
Parsed = Callable[[], Any]
"""Returns the body as parsed; called by those who need it, so that the others cost nothing."""
Naming = Callable[[Headers, Parsed], str | None]

Algorithm = Literal["sha1", "sha256", "sha512"]
Encoding = Literal["hex", "base64"]
Certainty = Literal["verified", "documented", "assumed"]
"""`verified`: against a vector or library of the vendor; `documented`: built from its published
documentation; `assumed`: from third parties."""

PLACEHOLDER = re.compile(r"\{(body|timestamp|id)\}")
"""What the signed text of an HMAC scheme is put together from."""

JSON = frozenset({"application/json", "+json"})
"""Media types that hold JSON; `+json` stands for every type that ends so."""
FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


class Refusal(NamedTuple):
    """Why a request was not let in: `reason` is for the operator and holds no secret and no body."""

    status: int
    code: str
    reason: str


class Named(NamedTuple):
    """What a sender calls an event, and the id that stays the same when it is sent again."""

    type: str | None
    delivery_id: str | None


@dataclass(frozen=True, slots=True)
class SignatureHeaders:
    """Names of the headers that carry a signature and what is signed besides the body."""

    signature: str
    timestamp: str | None = None
    id: str | None = None


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
    """A keyed hash over the body, and over time and id where `signed` names them.

    `headers` are alternatives: the first whose signature header is there counts. `key` says how the
    secret becomes the key: its UTF-8 bytes, or base64 after an optional `whsec_`. `tolerance_s` is
    how old or how far ahead a signed time may be, in seconds; None where no time is signed.
    """

    headers: tuple[SignatureHeaders, ...]
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    signed: str = "{body}"
    format: ListFormat | None = None
    key: Literal["text", "whsec"] = "text"
    tolerance_s: float | None = None
    any_time_form: bool = False
    """Whether the time may also be in milliseconds or RFC 3339, besides whole Unix seconds."""
    any_hex_case: bool = False
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
        return frozenset()

    @property
    def summary(self) -> str:
        """The scheme in a few words."""
        names = " or ".join(names.signature for names in self.headers)
        return f"HMAC-{self.algorithm.upper()} ({self.encoding}) of {self.signed} in {names}"


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """The secret itself is shown: in a header, in the query, or as Bearer or Basic credentials.

    Of `header` and `query` at most one is set; else `bearer` and `basic` say which credentials the
    Authorization header may carry. `user` of None: any user.
    """

    bearer: bool = False
    basic: bool = False
    user: str | None = None
    header: str | None = None
    query: str | None = None

    @property
    def hidden(self) -> frozenset[str]:
        """The lower-case name of the header that rules never see, if the secret is in one."""
        return frozenset({self.header.lower()} if self.header else ())

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
        return f"Authorization: {' or '.join(schemes)}"


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


Proof = Hmac | SharedSecret | NoProof


@dataclass(frozen=True, slots=True)
class SourcePreset:
    """A sender: how it proves itself and how its events are named.

    `delivery_id` and `event_type` are pure; None where the sender has no such thing. What they
    return is cleaned and cut by `Source.name`. The texts are for `hookyard sources`.
    """

    name: str
    title: str
    proof: Proof
    docs: str
    """Address of the sender's own documentation; empty where there is none."""
    certainty: Certainty
    delivery_id: Naming | None = None
    delivery_id_from: str = "none"
    event_type: Naming | None = None
    event_type_from: str = "none"
    handshake: str = "none"
    content_types: frozenset[str] = JSON
    form_field: str | None = None
    """The form field that holds the JSON body, where the sender can be set to send forms."""
