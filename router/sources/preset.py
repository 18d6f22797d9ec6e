"""A sender as data: what its adapter declares. Everything a declaration needs is imported from here.

What is given to the two pure functions of a preset stands in `exchange.py`, how a sender proves itself
in `proof.py`, `proof_signature.py` and `proof_certificate.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from router.sources.exchange import (
    FORMS,
    JSON,
    NO_TARGET,
    URLENCODED,
    Answer,
    Facts,
    Handshake,
    Headers,
    Named,
    Naming,
    Parsed,
    Query,
    Refusal,
    Target,
)
from router.sources.proof import AnyOf, NoProof, Origins, Proof, SharedSecret
from router.sources.proof_certificate import Certificates, Certified, Claim
from router.sources.proof_signature import (
    PLACEHOLDER,
    Algorithm,
    Encoding,
    Hmac,
    InBody,
    Key,
    ListFormat,
    PublicKey,
    Sign,
    SignatureHeaders,
    SignedPart,
    TimeForm,
    UrlForm,
)

if TYPE_CHECKING:
    from router.sources.options import PlainOptions

__all__ = [
    "FORMS",
    "JSON",
    "NO_TARGET",
    "PLACEHOLDER",
    "URLENCODED",
    "Algorithm",
    "Answer",
    "AnyOf",
    "Certainty",
    "Certificates",
    "Certified",
    "Claim",
    "Encoding",
    "Facts",
    "Handshake",
    "Headers",
    "Hmac",
    "InBody",
    "Key",
    "ListFormat",
    "Named",
    "Naming",
    "NoProof",
    "Origins",
    "Parsed",
    "Proof",
    "PublicKey",
    "Query",
    "Refusal",
    "SharedSecret",
    "Sign",
    "SignatureHeaders",
    "SignedPart",
    "SourcePreset",
    "Target",
    "TimeForm",
    "UrlForm",
]

Certainty = Literal["verified", "documented", "assumed"]
"""`verified`: against a vector or library of the vendor; `documented`: built from its published
documentation; `assumed`: from third parties."""


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
