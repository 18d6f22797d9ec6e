"""What a preset is made of: declarations, no code that runs on a request but two pure functions.

How a sender proves itself is data (`Hmac`, `SharedSecret`, `NoProof`); `signature.py` and
`credentials.py` know how to carry it out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from multidict import MultiDict, MultiDictProxy, MultiMapping

if TYPE_CHECKING:
    from router.sources.options import PlainOptions

Headers = MultiMapping[str]
"""The headers of a request, as aiohttp gives them: names in any case, values may hold surrogates
where the bytes were not UTF-8."""
Query = MultiMapping[str]
Parsed = Callable[[], Any]
"""Returns the body as parsed; called by those who need it, so that the others cost nothing."""
Naming = Callable[[Headers, Parsed], str | None]

Algorithm = Literal["sha1", "sha256", "sha512"]
Encoding = Literal["hex", "base64"]
Key = Literal["text", "whsec", "hex"]
"""How a secret becomes a key: its UTF-8 bytes, base64 after an optional `whsec_`, or hex."""
TimeForm = Literal["s", "ms", "rfc3339", "any"]
"""How a signed time is written: whole Unix seconds, milliseconds, RFC 3339, or any of these."""
UrlForm = Literal["exact", "ports", "decoded"]
"""Which spellings of the signed address count: `ports` with and without the port, `decoded` also
with the percent-escapes undone that HubSpot undoes. Senders that need one are not consistent."""
Certainty = Literal["verified", "documented", "assumed"]
"""`verified`: against a vector or library of the vendor; `documented`: built from its published
documentation; `assumed`: from third parties."""

PLACEHOLDER = re.compile(r"\{(body|timestamp|id|method|url|form)\}")
"""What the signed text of an HMAC scheme is put together from; `form` stands for the fields of a
form, sorted, each name directly followed by its value."""

JSON = frozenset({"application/json", "+json"})
"""Media types that hold JSON; `+json` stands for every type that ends so."""
URLENCODED = "application/x-www-form-urlencoded"
FORMS = frozenset({URLENCODED, "multipart/form-data"})

NO_QUERY: Query = MultiDictProxy(MultiDict[str]())


class Target(NamedTuple):
    """Where a request went, for senders that sign it or show their secret there.

    `url` is the public address as the sender has it, with the query as it was sent.
    """

    method: str
    url: str
    query: Query


NO_TARGET = Target("POST", "", NO_QUERY)


class Refusal(NamedTuple):
    """Why a request was not let in: `reason` is for the operator and holds no secret and no body."""

    status: int
    code: str
    reason: str


class Named(NamedTuple):
    """What a sender calls an event, and the id that stays the same when it is sent again."""

    type: str | None
    delivery_id: str | None


class Facts(NamedTuple):
    """What a handshake is recognised by; `refusal` is None for a request that is proven."""

    method: str
    headers: Headers
    body: bytes
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a sender is told where it wants something other than our usual answer.

    `call` is an address that is called before, where that is how the sender wants a handshake.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    call: str | None = None


Handshake = Callable[[Facts], Answer | None]
"""Returns the answer to a request by which a sender only tries the address; None for any other."""


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


Proof = Hmac | SharedSecret | PublicKey | InBody | NoProof | Origins | AnyOf | Certified


@dataclass(frozen=True, slots=True)
class SourcePreset:
    """A sender: how it proves itself and how its events are named.

    `delivery_id`, `event_type` and `shake` are pure; None where the sender has no such thing. What
    the first two return is cleaned and cut by `Source.name`. The texts are for `hookyard sources`
    and stand on the sender's page too.
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
    dedupe_key: str | None = None
    """Template of the default deduplication key, for a sender without a safe delivery id."""
    dedupe_why: str = ""
    """Why that is the key, or what else there is to know about the delivery id."""
    handshake: str = "none"
    shake: Handshake | None = None
    retries: str = ""
    """When and how often the sender tries again, and what makes it give up."""
    waits: str = ""
    """How long the sender waits for the answer."""
    setup: tuple[str, ...] = ()
    """What to do on the sender's side, step by step."""
    methods: frozenset[str] = frozenset({"POST"})
    """Methods its events come with; of a GET or a DELETE the query is the body."""
    shaking_methods: frozenset[str] = frozenset()
    """Methods that only handshakes come with."""
    content_types: frozenset[str] = JSON
    json_types: frozenset[str] = frozenset()
    """Those of them that say something else of what is JSON."""
    form_field: str | None = None
    """The form field that holds the JSON body, where the sender can be set to send forms."""
    plain_forms: bool = False
    """Whether it sends forms without that field, too."""
    json_parameters: frozenset[str] = frozenset()
    """Parameters of a query in which it writes JSON, where it can be set to GET."""
    honeypot: str | None = None
    """A field that people do not see: what comes with it filled in is no event."""
    remark: str | None = None
    """What `rules check` says of every connector that uses it."""
    once: Naming | None = None
    """Returns what it signs instead of the body and uses once: with another body it is a replay."""
    answer: Answer | None = None
    """What it is told of an event that was accepted, where it wants something other than our JSON."""
    options: type[PlainOptions] | None = None
    """What may stand beside `preset:`; None: what follows from the proof."""
