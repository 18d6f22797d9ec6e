"""What the conformance tests of senders run over: every preset, and the forms without a preset.

A preset is here because it is in `REGISTRY`; nobody has to remember to add it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from multidict import CIMultiDict, CIMultiDictProxy, MultiDict

from router.sources.options import options_of
from router.sources.preset import (
    AnyOf,
    Certified,
    Hmac,
    InBody,
    Named,
    NoProof,
    Origins,
    Proof,
    PublicKey,
    Refusal,
    SharedSecret,
    SourcePreset,
    Target,
)
from router.sources.registry import REGISTRY, compile_source
from router.sources.source import Source
from router.web.content import query_body, read_content
from tests.support.certificates import REQUIRED, TOPIC, WEBHOOK_ID, signing

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "sources"
NOW = 1_700_000_000.0

# Every kind of key can be made of these: text, and base64 after `whsec_`.
SECRET = "whsec_" + base64.b64encode(b"canary-of-the-first-secret").decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"canary-of-the-other-secret").decode()


def _private_key(number: int) -> str:
    """Return a private key as one line of base64: with it `hookyard send` signs as its sender would."""
    key = ec.derive_private_key(number, ec.SECP256R1())
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return base64.b64encode(der).decode()


# Where a sender shows its secrets in another form.
SECRETS_OF: dict[str, tuple[str, str]] = {
    "adyen": (SECRET.encode().hex(), OTHER_SECRET.encode().hex()),
    "sendgrid": (_private_key(1001), _private_key(1002)),
}
ADDRESS = "https://hooks.example/hooks/case"
BODY = json.dumps(
    {
        "id": "evt_1",
        "type": "order.created",
        "status": "firing",
        "note": "canary-of-the-body",
        "webhookTimestamp": int(NOW * 1000),
    }
).encode()

# What is sent by those whose proof is in the body: another body could not hold it.
BODIES: dict[str, Any] = {
    "adyen": {
        "notificationItems": [
            {
                "NotificationRequestItem": {
                    "pspReference": "7914073381342284",
                    "merchantAccountCode": "Acme:ECOM",
                    "merchantReference": "canary\\of-the-body",
                    "amount": {"currency": "EUR", "value": 1130},
                    "eventCode": "AUTHORISATION",
                    "success": "true",
                    "reason": "",
                }
            }
        ]
    },
    "mailgun": {"event-data": {"id": "hTWCTD81RtiDN", "event": "failed", "note": "canary"}},
}

# What may stand beside a preset, and how it is written; every option of every preset has its line.
OPTIONS: dict[str, Any] = {
    "basic": "jane",
    "certificates": "certificates.pem",
    "header": "X-Token",
    "honeypot": "_gotcha",
    "origins": ["https://www.example.com"],
    "query": "token",
    "signature_header": "X-Signature",
    "signing_token": True,
    "then": "https://www.example.com/thanks",
    "timestamp_header": "X-Signed-At",
    "tolerance": "10m",
    "topics": [TOPIC],
    "versions": ["v2"],
    "webhook_id": WEBHOOK_ID,
}
# Where one example will not do, or an option needs another one beside it.
OPTIONS_OF: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("grafana", "tolerance"): [
        {"tolerance": "10m"},
        {"timestamp_header": "X-Signed-At", "tolerance": "10m"},
    ],
    ("gitlab", "tolerance"): [{"signing_token": True, "tolerance": "10m"}],
    ("hubspot", "versions"): [{"versions": ["v2"]}, {"versions": ["v1"]}],
}


@dataclass(frozen=True)
class Case:
    """A `source:` mapping under test, and the proof it stands for; of several, the one that signs."""

    id: str
    source: Mapping[str, Any]
    proof: Proof

    def compile(self, *secrets: str) -> Source:
        name = self.source.get("preset")
        shown = [spelled(name, each) for each in secrets or (SECRET,)]
        return signing(compile_source(self.source, shown))

    def body(self, source: Source, *, now: float = NOW) -> bytes:
        """Return a body as this sender sends it, with its proof in it if that is where it has it."""
        content = BODIES.get(self.source.get("preset", ""))
        return source.seal(BODY if content is None else json.dumps(content).encode(), now)


def spelled(name: str | None, secret: str) -> str:
    """Return one of the two secrets in the form in which a sender shows it; any other as it is."""
    forms = SECRETS_OF.get(name or "", (SECRET, OTHER_SECRET))
    return dict(zip((SECRET, OTHER_SECRET), forms, strict=True)).get(secret, secret)


def written(preset: SourcePreset) -> dict[str, Any]:
    """Return a preset as a connector writes it: its name, and what it cannot do without."""
    return {"preset": preset.name, **REQUIRED.get(preset.name, {})}


def compiled(name: str) -> Source:
    """Return a preset's sender with its first secret."""
    source = {"preset": name, **REQUIRED.get(name, {})}
    return signing(compile_source(source, [spelled(name, SECRET)]))


def _case(source: Mapping[str, Any]) -> Case:
    name = json.dumps(source) if len(source) > 1 or "preset" not in source else source["preset"]
    proof = compile_source(source, [spelled(source.get("preset"), SECRET)]).preset.proof
    return Case(name, source, proof.signing if isinstance(proof, AnyOf) else proof)


def _of_registry() -> list[Case]:
    """Return each preset by itself, and once with each of its options."""
    cases = []
    for preset in REGISTRY:
        cases.append(_case(written(preset)))
        for option in sorted(set(options_of(preset).model_fields) - {"preset"}):
            assert option in OPTIONS, f"OPTIONS lacks an example of {option}, for {preset.name}"
            cases.extend(
                _case({**written(preset), **given})
                for given in OPTIONS_OF.get((preset.name, option), [{option: OPTIONS[option]}])
            )
    return cases


_WITHOUT_PRESET: list[dict[str, Any]] = [
    {"hmac": {"header": "X-Signature"}},
    {"hmac": {"header": "X-Signature", "algorithm": "sha1", "prefix": "sha1="}},
    {"hmac": {"header": "X-Signature", "algorithm": "sha512", "encoding": "base64"}},
    {
        "hmac": {
            "header": "X-Signature",
            "prefix": "v0=",
            "signed": "v0:{timestamp}:{body}",
            "timestamp_header": "X-Request-Timestamp",
        }
    },
    {"hmac": {"header": "X-Signature", "format": "t=,v1=", "signed": "{timestamp}.{body}"}},
    {"hmac": {"header": "X-Signature", "format": "ts=;h1=", "signed": "{timestamp}:{body}"}},
    {"hmac": {"header": "X-Signature", "format": "v1="}},
    {"header": "X-Api-Key"},
    {"basic": "jane"},
    {"bearer": True},
]

ALL_CASES = _of_registry() + [_case(source) for source in _WITHOUT_PRESET]
# What proves itself by a certificate cannot sign any body with any secret: see test_sources_certified.
CERTIFIED = [case for case in ALL_CASES if isinstance(case.proof, Certified)]
CASES = [case for case in ALL_CASES if case not in CERTIFIED]
# Each case is of one kind: whoever cannot be proven, or proves itself in the body, is tested elsewhere.
OPEN = [case for case in CASES if isinstance(case.proof, NoProof | Origins)]
IN_BODY = [case for case in CASES if isinstance(case.proof, InBody)]
PROVEN = [case for case in CASES if isinstance(case.proof, Hmac | PublicKey | SharedSecret)]
SIGNED = [case for case in CASES if isinstance(case.proof, Hmac | PublicKey)]
HASHED = [case for case in CASES if isinstance(case.proof, Hmac)]
SHARED = [case for case in CASES if isinstance(case.proof, SharedSecret)]
TIMED = [
    case
    for case in CASES
    if isinstance(case.proof, Hmac | PublicKey) and case.proof.tolerance_s is not None
]


def headers_of(headers: Mapping[str, str] | Sequence[tuple[str, str]]) -> CIMultiDictProxy[str]:
    """Return headers as aiohttp hands them over."""
    return CIMultiDictProxy(CIMultiDict(headers))


def target_of(
    source: Source,
    body: bytes = BODY,
    *,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
) -> Target:
    """Return where a request goes; its query is the sender's own unless one is given."""
    parameters = MultiDict(source.sign_query(body, headers or {}) if query is None else query)
    # As a browser would write it; lone surrogates stand for bytes that were no UTF-8.
    written = urlencode(list(parameters.items()), errors="surrogatepass")
    return Target("POST", f"{ADDRESS}?{written}" if written else ADDRESS, parameters)


def proof_headers(source: Source, body: bytes = BODY, now: float = NOW) -> dict[str, str]:
    """Return the headers by which the sender proves a body."""
    return source.sign(body, now=now, headers={}, target=target_of(source, body))


def verify(
    source: Source,
    headers: Mapping[str, str] | Sequence[tuple[str, str]],
    body: bytes = BODY,
    *,
    now: float = NOW,
    query: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
) -> Refusal | None:
    """Ask a source about a request; the query is the sender's own unless one is given."""
    target = target_of(source, body, query=query)
    return source.verify(headers_of(headers), body, now, target)


class Arrival(NamedTuple):
    """A recorded payload as it would arrive: signed, and read as the receiver reads it."""

    headers: CIMultiDictProxy[str]
    body: bytes
    target: Target
    content_type: str
    named: Named


def arrival(source: Source, envelope: Mapping[str, Any]) -> Arrival:
    """Return a recorded payload, signed with the source's first secret.

    Without a body it came as a GET, whose query is the body.
    """
    body = source.seal(body_of(envelope), NOW)
    target = target_of(source, body, headers=envelope["headers"])
    headers = headers_of(source.sign(body, now=NOW, headers=envelope["headers"], target=target))
    content_type = source.read_as(headers.get("content-type", ""))
    if not body:
        assert "GET" in source.methods
        body = query_body(source.preset, envelope["query"].items())
        content_type = "application/json"
    parsed = read_content(content_type, body, source.form_field, plain_forms=source.plain_forms)
    return Arrival(headers, body, target, content_type, source.name(headers, body, parsed))


def signature_header(case: Case) -> str:
    """Return the name of the header that carries the signature when this case signs."""
    assert isinstance(case.proof, Hmac | PublicKey)
    return case.proof.headers[0].signature


def envelopes(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the recorded payloads of a sender by file name."""
    return [
        (path.name, json.loads(path.read_bytes()))
        for path in sorted((FIXTURES / name).glob("*.json"))
        if path.name != "vectors.json"
    ]


def body_of(envelope: Mapping[str, Any]) -> bytes:
    """Return the bytes of a recorded payload, exact where they were recorded so."""
    if "raw_body" in envelope:
        return str(envelope["raw_body"]).encode()
    return json.dumps(envelope["body"], indent=2, ensure_ascii=False).encode()
