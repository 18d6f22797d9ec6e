"""Every sender: what is proven passes, and anything else does not. No preset opts in or out."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

from router.sources.preset import (
    AnyOf,
    Hmac,
    InBody,
    NoProof,
    Origins,
    PublicKey,
    Refusal,
    SharedSecret,
)
from router.sources.registry import REGISTRY
from router.sources.source import Source, SourceError
from tests.conformance.sources_cases import (
    BODY,
    CASES,
    HASHED,
    IN_BODY,
    NOW,
    OPEN,
    OTHER_SECRET,
    PROVEN,
    SECRET,
    SHARED,
    SIGNED,
    TIMED,
    Case,
    proof_headers,
    signature_header,
    target_of,
    verify,
)

# Presets that some of the tests below cannot mean, and why.
WITHOUT_PROOF = {
    "form": "anybody may fill in a form",
    "none": "its connector says in so many words that anyone may send",
}
BODY_NOT_COVERED = {
    "adyen": "it signs eight fields of each item",
    "alertmanager": "it signs nothing; TLS is what protects the body on its way",
    "azure-monitor": "it signs nothing",
    "cloudevents": "the specification knows tokens only",
    "datadog": "it signs nothing",
    "task": "it shows a key; TLS is what protects the body on its way",
    "gitlab": "its token is shown, and signed requests have to be asked for",
    "grafana": "it signs only where a contact point says so",
    "mailgun": "it signs a time and a token; the token counts with one body only",
    "newrelic": "it signs nothing",
    "opsgenie": "it signs nothing",
    "pingdom": "it signs nothing",
    "uptime-kuma": "it signs nothing",
    "uptimerobot": "it signs nothing",
}


def ids(case: Case) -> str:
    return case.id


all_cases = pytest.mark.parametrize("case", CASES, ids=ids)
proven = pytest.mark.parametrize("case", PROVEN, ids=ids)
secret = pytest.mark.parametrize("case", PROVEN + IN_BODY, ids=ids)
beside_the_body = pytest.mark.parametrize("case", OPEN + PROVEN, ids=ids)
signed = pytest.mark.parametrize("case", SIGNED, ids=ids)
hashed = pytest.mark.parametrize("case", HASHED, ids=ids)
timed = pytest.mark.parametrize("case", TIMED, ids=ids)
shared = pytest.mark.parametrize("case", SHARED, ids=ids)


def test_only_the_named_presets_are_without_proof_or_do_not_cover_the_body() -> None:
    without = {preset.name for preset in REGISTRY if isinstance(preset.proof, NoProof)}
    uncovered = {
        preset.name
        for preset in REGISTRY
        if isinstance(preset.proof, SharedSecret | InBody)
        or (
            isinstance(preset.proof, AnyOf)
            and any(isinstance(scheme, SharedSecret) for scheme in preset.proof.schemes)
        )
    }

    assert without == set(WITHOUT_PROOF)
    assert uncovered == set(BODY_NOT_COVERED)


def test_every_case_is_of_one_kind_and_tested_as_such() -> None:
    kinds = [case.id for case in [*OPEN, *IN_BODY, *PROVEN]]

    assert sorted(kinds) == sorted(case.id for case in CASES)
    assert all(kind in PROVEN for kind in [*SIGNED, *SHARED, *TIMED, *HASHED])


@all_cases
def test_what_the_sender_signs_is_let_in(case: Case) -> None:
    source = case.compile()
    body = case.body(source)

    assert verify(source, proof_headers(source, body), body) is None


@beside_the_body
@pytest.mark.parametrize(
    "body", [b"", b"not json", b"\xff\xfe\x00", b'{"a": 1.50}\r\n', b"x" * 300_000]
)
def test_any_bytes_can_be_a_proven_body(case: Case, body: bytes) -> None:
    source = case.compile()

    assert verify(source, proof_headers(source, body), body) is None


@secret
def test_a_stranger_is_refused_with_401(case: Case) -> None:
    refusal = verify(case.compile(), {}, query={})

    assert refusal is not None
    assert refusal.status == 401
    assert refusal.code in {"signature-missing", "credentials-missing"}


@secret
def test_another_secret_is_refused(case: Case) -> None:
    stranger = case.compile(OTHER_SECRET)
    body = case.body(stranger)

    refusal = verify(
        case.compile(), proof_headers(stranger, body), body, query=stranger.sign_query(body)
    )

    assert refusal is not None
    assert refusal.code in {"signature-mismatch", "credentials-mismatch"}


@secret
def test_while_rotating_either_secret_is_accepted_and_afterwards_only_the_new_one(
    case: Case,
) -> None:
    old, new = case.compile(OTHER_SECRET), case.compile(SECRET)
    rotating = case.compile(SECRET, OTHER_SECRET)

    of_old, of_new = case.body(old), case.body(new)

    def shown(by: Source, body: bytes, to: Source) -> Refusal | None:
        return verify(to, proof_headers(by, body), body, query=by.sign_query(body))

    assert shown(old, of_old, rotating) is None
    assert shown(new, of_new, rotating) is None
    assert shown(old, of_old, new) is not None
    assert proof_headers(rotating) == proof_headers(new)
    assert case.body(rotating) == of_new


@secret
@pytest.mark.parametrize(
    "secrets", [[], [""], ["  "], [SECRET, ""], ["\n"], ["\udcff" + SECRET]], ids=repr
)
def test_a_source_without_a_usable_secret_does_not_compile(case: Case, secrets: list[str]) -> None:
    with pytest.raises(SourceError) as error:
        _ = case.compile(*secrets) if secrets else _compile_without(case)

    assert SECRET not in str(error.value)


def _compile_without(case: Case) -> object:
    from router.sources.registry import compile_source  # noqa: PLC0415  only here is it called bare

    return compile_source(case.source, [])


@signed
def test_each_region_of_the_body_is_covered(case: Case) -> None:
    source = case.compile()
    headers = proof_headers(source)
    changed = [
        BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :] for place in range(len(BODY))
    ]
    changed += [
        b"",
        BODY[1:],
        BODY[:-1],
        BODY + b" ",
        b" " + BODY,
        BODY + b"\n",
        b"\xef\xbb\xbf" + BODY,
        json.dumps(json.loads(BODY), separators=(",", ":")).encode(),
        BODY.decode().encode("utf-16"),
    ]

    for body in changed:
        refusal = verify(source, headers, body)
        assert refusal is not None, body
        assert refusal.code == "signature-mismatch"


@proven
def test_every_header_of_the_proof_is_needed_and_may_not_be_empty(case: Case) -> None:
    source = case.compile()
    headers = proof_headers(source)

    for name in headers:
        missing = {key: value for key, value in headers.items() if key != name}
        for attempt in (missing, missing | {name: ""}, missing | {name: " "}):
            refusal = verify(source, attempt)
            assert refusal is not None
            assert refusal.status == 401


@proven
@pytest.mark.parametrize("change", [str.upper, str.lower, str.title, str.swapcase])
def test_header_names_count_in_any_case(case: Case, change: Callable[[str], str]) -> None:
    source = case.compile()
    headers = {change(name): value for name, value in proof_headers(source).items()}

    assert verify(source, headers) is None


@proven
def test_a_header_of_the_proof_sent_twice_is_refused_unless_it_is_a_list(case: Case) -> None:
    source = case.compile()
    headers = proof_headers(source)

    for name in headers:
        doubled = [*headers.items(), (name, headers[name])]
        refusal = verify(source, doubled)
        is_list = isinstance(case.proof, Hmac) and case.proof.format is not None
        if is_list and name == signature_header(case):
            assert refusal is None
        else:
            assert refusal is not None
            assert refusal.code in {"signature-repeated", "credentials-repeated"}


@shared
def test_a_query_secret_sent_twice_is_refused(case: Case) -> None:
    source = case.compile()
    query = list(source.sign_query().items())
    if not query:
        assert not source.hidden_query
        return

    refusal = verify(source, {}, query=query * 2)

    assert refusal is not None
    assert refusal.code == "credentials-repeated"
    assert source.hidden_query == {"token"}


@proven
def test_a_truncated_or_lengthened_proof_is_refused(case: Case) -> None:
    source = case.compile()
    headers = proof_headers(source)

    for name, value in headers.items():
        for spoilt in (value[:-1], value[1:], value[: len(value) // 2], value + "A", "A" + value):
            assert verify(source, headers | {name: spoilt}) is not None, (name, spoilt)


@hashed
def test_a_wrong_prefix_or_a_wrong_encoding_is_refused(case: Case) -> None:
    assert isinstance(case.proof, Hmac)
    source = case.compile()
    headers = proof_headers(source)
    name = signature_header(case)
    written = headers[name]
    value = written.rpartition(_before_signature(case.proof))[2]
    front = written[: -len(value)]
    raw = bytes.fromhex(value) if case.proof.encoding == "hex" else base64.b64decode(value)
    other = base64.b64encode(raw).decode() if case.proof.encoding == "hex" else raw.hex()
    spoilt = [f"{front}{other}", f"sha999={written}", f"{front}{value[::-1]}"]
    if front:
        spoilt += [value, f"{'x' * len(front)}{value}", front.swapcase() + value]
    if case.proof.encoding == "base64":
        spoilt += [f"{front}{value.rstrip('=')}", f"{front}{value.swapcase()}"]

    for text in spoilt:
        assert verify(source, headers | {name: text}) is not None, text


def _before_signature(proof: Hmac) -> str:
    if proof.format is not None:
        return proof.format.signature + proof.format.assign
    return proof.prefix or "\n"


@hashed
def test_hex_in_capitals_counts_only_where_no_sender_says_otherwise(case: Case) -> None:
    assert isinstance(case.proof, Hmac)
    source = case.compile()
    headers = proof_headers(source)
    name = signature_header(case)
    signature = headers[name].rpartition("=" if case.proof.encoding == "hex" else ",")[2]
    capitals = headers[name].replace(signature, signature.upper())

    refusal = verify(source, headers | {name: capitals})

    if case.proof.encoding == "hex" and "hmac" in case.source:
        assert refusal is None
    else:
        assert refusal is not None


@proven
@pytest.mark.parametrize(
    "spoilt",
    ["é", "\udcff\udcfe", "\ud800", "\x00", "密", "١٢٣", "Bearer \udcff", "Basic é", "=" * 99],
)
def test_odd_header_bytes_are_refused_and_never_raise(case: Case, spoilt: str) -> None:
    source = case.compile()
    headers = proof_headers(source)

    for name, value in headers.items():
        for text in (spoilt, value + spoilt, spoilt + value, value[:-1] + spoilt):
            assert verify(source, headers | {name: text}) is not None
    for name in source.sign_query():
        assert verify(source, {}, query={name: spoilt}) is not None


@hashed
def test_a_list_of_thousands_of_signatures_is_not_worked_through(case: Case) -> None:
    assert isinstance(case.proof, Hmac)
    if case.proof.format is None:
        return
    source = case.compile()
    headers = proof_headers(source)
    name = signature_header(case)
    separator = case.proof.format.separator

    refusal = verify(source, headers | {name: separator.join([headers[name]] * 500)})

    assert refusal is not None
    assert refusal.code == "signature-malformed"


@timed
def test_a_signed_time_counts_up_to_the_tolerance_on_either_side(case: Case) -> None:
    assert isinstance(case.proof, Hmac | PublicKey)
    assert case.proof.tolerance_s is not None
    source = case.compile()
    headers = proof_headers(source)

    for side in (-1, 1):
        assert verify(source, headers, now=NOW + side * case.proof.tolerance_s) is None
        refusal = verify(source, headers, now=NOW + side * (case.proof.tolerance_s + 1))
        assert refusal is not None
        assert refusal.code == "timestamp-stale"


@timed
def test_a_fresh_time_beside_an_old_signature_is_refused(case: Case) -> None:
    assert isinstance(case.proof, Hmac | PublicKey)
    source = case.compile()
    body = source.seal(BODY, NOW - 1_000_000)
    old = proof_headers(source, body, now=NOW - 1_000_000)
    fresh = {
        name: value.replace(str(int(NOW) - 1_000_000), str(int(NOW))) for name, value in old.items()
    }
    timestamp = case.proof.headers[0].timestamp
    if timestamp is not None:
        fresh[timestamp] = proof_headers(source)[timestamp]

    refusal = verify(source, fresh, source.seal(body, NOW))

    assert refusal is not None
    assert refusal.code == "signature-mismatch"


@signed
def test_senders_that_sign_no_time_are_let_in_at_any_time(case: Case) -> None:
    assert isinstance(case.proof, Hmac | PublicKey)
    if case.proof.tolerance_s is not None:
        return
    source = case.compile()

    assert verify(source, proof_headers(source), now=NOW + 10**9) is None


@all_cases
def test_rules_see_no_header_that_carries_a_proof(case: Case) -> None:
    source = case.compile()
    carrying = {"authorization", "cookie", "proxy-authorization"}
    if isinstance(case.proof, Hmac | PublicKey):
        carrying |= {names.signature.lower() for names in case.proof.headers}
    elif not isinstance(case.proof, Origins):  # where a page is from is no secret
        carrying |= {name.lower() for name in proof_headers(source)}

    assert carrying <= source.hidden
    assert all(name == name.lower() for name in source.hidden)


@beside_the_body
def test_signing_keeps_the_message_id_it_is_given(case: Case) -> None:
    source = case.compile()
    first = proof_headers(source)

    again = source.sign(BODY, now=NOW + 60, headers=first, target=target_of(source))

    assert verify(source, again, now=NOW + 60) is None
    assert again.get("webhook-id") == first.get("webhook-id")
