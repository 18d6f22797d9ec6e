"""Senders that sign with a certificate: what is proven passes, and anything else does not."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from router.cli.catalogues import catalogues
from router.sources.preset import Certified, Claim, Facts, Refusal
from router.sources.registry import REGISTRY, compile_source
from router.sources.source import Source, SourceError
from rules.loader import load_texts
from tests.conformance.sources_cases import (
    ALL_CASES,
    CASES,
    CERTIFIED,
    NOW,
    Case,
    headers_of,
)
from tests.support.certificates import (
    PAYPAL_ADDRESS,
    SNS_ADDRESS,
    SNS_NAME,
    TOPIC,
    WEBHOOK_ID,
    issue,
    leaf,
    paypal_headers,
    sns_seal,
    stranger,
)

DAY_S = 86_400
AT = datetime.fromtimestamp(NOW, UTC)
MESSAGE = {
    "Type": "Notification",
    "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
    "TopicArn": TOPIC,
    "Subject": "ALARM",
    "Message": "canary-of-the-body\nsecond line — ü \U0001f600",
    "MessageAttributes": {"a": {"Type": "String", "Value": "unsigned"}},
}
CONFIRM_AT = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={TOPIC}"
CONFIRMATION = {
    "Type": "SubscriptionConfirmation",
    "MessageId": "47138184-6831-46b8-8f7c-afc488602d7d",
    "TopicArn": TOPIC,
    "Token": "2336412f37fb687f5d51e6e2425ba1f2",
    "Message": "You have chosen to subscribe.",
    "SubscribeURL": f"{CONFIRM_AT}&Token=2336412f37fb687f5d51e6e2425ba1f2",
}
BODIES = {
    "aws-sns": json.dumps(MESSAGE).encode(),
    "paypal": json.dumps({"id": "WH-1", "note": "canary-of-the-body"}).encode(),
}
SIGNED = {
    "aws-sns": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "paypal": (),
}
HEADERS = {
    "aws-sns": (),
    "paypal": tuple(paypal_headers(b"", NOW)),
}

each = pytest.mark.parametrize("case", CERTIFIED, ids=lambda case: case.id)


def name_of(case: Case) -> str:
    return str(case.source["preset"])


def sent(case: Case, now: float = NOW, **by: Any) -> tuple[dict[str, str], bytes]:
    """Return headers and body of a request as the sender makes it."""
    body = BODIES[name_of(case)]
    if name_of(case) == "paypal":
        return paypal_headers(body, now, **by), body
    return {}, sns_seal(body, now, **by)


def verify(
    source: Source, headers: Mapping[str, str] | Any, body: bytes, now: float = NOW
) -> Refusal | None:
    return source.verify(headers_of(headers), body, now)


def code(
    source: Source, headers: Mapping[str, str] | Any, body: bytes, now: float = NOW
) -> str | None:
    refusal = verify(source, headers, body, now)
    return None if refusal is None else refusal.code


def sns(message: Mapping[str, Any], **by: Any) -> bytes:
    return sns_seal(json.dumps(message).encode(), NOW, **by)


def with_fields(body: bytes, **fields: Any) -> bytes:
    """Return a message with fields changed after it was signed; None removes one."""
    message = {**json.loads(body), **fields}
    return json.dumps({key: value for key, value in message.items() if value is not None}).encode()


@pytest.fixture
def amazon() -> Source:
    return next(case for case in CERTIFIED if name_of(case) == "aws-sns").compile()


@pytest.fixture
def paypal() -> Source:
    return next(case for case in CERTIFIED if name_of(case) == "paypal").compile()


def test_every_preset_is_tested_as_what_it_is() -> None:
    certified = {preset.name for preset in REGISTRY if isinstance(preset.proof, Certified)}

    assert certified == {name_of(case) for case in CERTIFIED} == set(BODIES)
    assert [case for case in ALL_CASES if case in CASES or case in CERTIFIED] == ALL_CASES


@each
def test_what_the_sender_signs_is_let_in(case: Case) -> None:
    assert verify(case.compile(), *sent(case)) is None


@each
def test_a_stranger_is_refused_with_401(case: Case) -> None:
    for body in (b"", b"{}", b"[]", b"not json", b"\xff\xfe\x00", b"null", BODIES[name_of(case)]):
        refusal = verify(case.compile(), {}, body)
        assert refusal is not None
        assert (refusal.status, refusal.code) == (401, "signature-missing")


@each
def test_each_byte_of_the_body_is_covered_as_far_as_it_is_signed(case: Case) -> None:
    source = case.compile()
    headers, body = sent(case)
    before = json.loads(body)

    for place in range(len(body)):
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        if verify(source, headers, changed) is None:
            after = json.loads(changed)
            assert SIGNED[name_of(case)], "all of its body is covered"
            for field in (*SIGNED[name_of(case)], "Signature"):
                assert after[field] == before[field], changed


@each
def test_signed_by_another_key_nothing_is_let_in(case: Case) -> None:
    assert code(case.compile(), *sent(case, by=stranger())) == "signature-mismatch"


@each
def test_of_two_certificates_either_will_do_and_one_that_ended_will_not(case: Case) -> None:
    source = case.compile()
    assert source.certified is not None
    old = issue("old", hosts=[SNS_NAME], ends=AT - timedelta(seconds=1))
    new = issue("new", hosts=[SNS_NAME])

    source.certified.use(old.pem + new.pem)
    assert code(source, *sent(case, by=new)) is None
    assert code(source, *sent(case, by=old)) == "signature-mismatch"
    source.certified.use(old.pem)
    assert code(source, *sent(case, by=old)) == "certificate-expired"
    assert code(source, *sent(case, now=NOW - 10, by=old), now=NOW - 10) is None
    source.certified.use(new.pem)
    assert code(source, *sent(case, now=0, by=new), now=0) == "certificate-expired"


@each
def test_a_signed_time_counts_up_to_the_tolerance_on_either_side(case: Case) -> None:
    source = case.compile()
    tolerance = 600 if case.source.get("tolerance") else DAY_S
    headers, body = sent(case)

    for side in (-1, 1):
        assert code(source, headers, body, NOW + side * tolerance) is None
        assert code(source, headers, body, NOW + side * (tolerance + 1)) == "timestamp-stale"


@each
def test_a_sender_that_signs_with_a_certificate_cannot_be_imitated(case: Case) -> None:
    source = compile_source(case.source, [])

    with pytest.raises(SourceError, match="only the sender has the key"):
        source.sign(b"{}", now=NOW, headers={})
    assert source.seal(b"{}", NOW) == b"{}"
    assert source.sign_query() == {}


@each
def test_without_a_certificate_at_hand_it_is_503_and_not_401(case: Case) -> None:
    source = compile_source(case.source, [])

    refusal = verify(source, *sent(case))

    assert refusal is not None
    assert (refusal.status, refusal.code) == (503, "certificate-unavailable")
    assert source.certified is not None
    assert not source.certified.has_own
    assert case.compile().certified.has_own  # type: ignore[union-attr]  # it is, for these


@each
@pytest.mark.parametrize("content", [b"", b"canary", b"-----BEGIN CERTIFICATE-----\ncanary\n"])
def test_a_file_without_a_certificate_is_an_error_that_does_not_show_it(
    case: Case, content: bytes
) -> None:
    source = compile_source(case.source, [])
    assert source.certified is not None

    with pytest.raises(SourceError, match="cannot be used") as error:
        source.certified.use(content)
    assert "canary" not in str(error.value)


@each
def test_no_refusal_shows_what_was_sent(case: Case) -> None:
    texts = [f"{refusal!r}" for refusal in _refusals(case)]

    assert len(texts) > 10
    for text in texts:
        assert "canary" not in text
        assert WEBHOOK_ID not in text
        assert TOPIC not in text


def _refusals(case: Case) -> Iterator[Refusal]:
    source = case.compile()
    headers, body = sent(case)
    attempts: list[tuple[Any, bytes]] = [({**headers, name: "canary"}, body) for name in headers]
    attempts += [(headers, body.replace(b"canary", b"canary-2")), ({}, BODIES[name_of(case)])]
    attempts += [(headers, BODIES[name_of(case)] + b"canary"), sent(case, by=stranger())]
    if name_of(case) == "aws-sns":
        names = json.loads(body)
        attempts += [(headers, with_fields(body, **{name: "canary"})) for name in names]
        attempts += [(headers, with_fields(body, **{name: 7})) for name in names]
    else:
        attempts += [({**headers, name: ""}, body) for name in headers]
        attempts += [([*headers.items(), (name, "canary")], body) for name in headers]
    for given, content in attempts:
        if (refusal := verify(source, given, content)) is not None:
            yield refusal
    for now in (NOW + 10 * DAY_S, NOW - 10 * DAY_S, 0):
        if (refusal := verify(source, headers, body, now)) is not None:
            yield refusal


# PayPal: the proof is in headers.


@pytest.mark.parametrize("name", HEADERS["paypal"])
def test_every_header_of_the_proof_is_needed_once_and_whole(paypal: Source, name: str) -> None:
    body = BODIES["paypal"]
    headers = paypal_headers(body, NOW)
    value = headers[name]
    without = {key: text for key, text in headers.items() if key != name}
    spoilt = ["", " ", value[:-1], value[1:], value + "A", "A" + value, value * 2]
    spoilt += ["é", "\udcff\udcfe", "\x00", "密", "=" * 99]

    assert code(paypal, without, body) in {"signature-missing", "timestamp-missing"}
    assert code(paypal, [*headers.items(), (name, value)], body) == "signature-repeated"
    if (
        name == "PAYPAL-CERT-URL"
    ):  # the test's own certificates are used whichever of PayPal's it is
        spoilt = ["", " ", value[1:], "A" + value, value + "é", value + "\udcff", value + "?"]
    for text in spoilt:
        assert verify(paypal, headers | {name: text}, body) is not None, text


@pytest.mark.parametrize("change", [str.upper, str.lower, str.title, str.swapcase])
def test_header_names_count_in_any_case(paypal: Source, change: Callable[[str], str]) -> None:
    body = BODIES["paypal"]
    headers = {change(name): value for name, value in paypal_headers(body, NOW).items()}

    assert verify(paypal, headers, body) is None


def test_the_signed_text_is_that_of_the_published_sample() -> None:
    body = b'{"id":"WH-1"}'
    source = compile_source({"preset": "paypal", "webhook_id": WEBHOOK_ID}, [])
    headers = paypal_headers(body, NOW, transmission="dfb3be50-fd74-11e4-8bf3-77339302725b")
    assert source.certified is not None

    claim = source.certified.claim(headers_of(headers), body)

    assert isinstance(claim, Claim)
    expected = (
        f"dfb3be50-fd74-11e4-8bf3-77339302725b|2023-11-14T22:13:20Z|{WEBHOOK_ID}|{zlib.crc32(body)}"
    )
    assert claim.signed == expected.encode()
    assert (claim.certificate, claim.algorithm) == (PAYPAL_ADDRESS, "sha256")


def test_another_webhook_or_another_algorithm_is_not_proven(paypal: Source) -> None:
    body = BODIES["paypal"]
    other = paypal_headers(body, NOW, webhook_id="1JE4291016473214C")
    right = paypal_headers(body, NOW)

    assert code(paypal, other, body) == "signature-mismatch"
    for algorithm in ("SHA1withRSA", "none", "sha256WithRSA"):
        headers = right | {"PAYPAL-AUTH-ALGO": algorithm}
        assert code(paypal, headers, body) == "signature-malformed"


# Amazon SNS: the proof is in the body.


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_each_type_of_message_is_proven_in_both_versions(
    amazon: Source, version: str, kind: str
) -> None:
    for message in (MESSAGE, {**CONFIRMATION, "Type": kind}):
        body = sns({**message, "SignatureVersion": version})
        assert verify(amazon, {}, body) is None
        assert code(amazon, {}, with_fields(body, SignatureVersion="3")) == "signature-malformed"
        other = {"1": "2", "2": "1"}[version]
        assert code(amazon, {}, with_fields(body, SignatureVersion=other)) == "signature-mismatch"


def test_a_subject_counts_where_there_is_one(amazon: Source) -> None:
    without = {key: value for key, value in MESSAGE.items() if key != "Subject"}

    for message in (without, {**MESSAGE, "Subject": None}, {**MESSAGE, "Subject": ""}):
        assert verify(amazon, {}, sns(message)) is None
    assert code(amazon, {}, with_fields(sns(without), Subject="x")) == "signature-mismatch"
    assert code(amazon, {}, with_fields(sns(MESSAGE), Subject=None)) == "signature-mismatch"


@pytest.mark.parametrize("field", [*SIGNED["aws-sns"], "SignatureVersion", "SigningCertURL"])
@pytest.mark.parametrize("value", [None, "", 7, [], {}, True, "x\ny", "\ud800"])
def test_a_field_of_another_kind_is_not_proven(amazon: Source, field: str, value: Any) -> None:
    refusal = verify(amazon, {}, with_fields(sns(MESSAGE), **{field: value}))

    assert refusal is not None
    assert refusal.status == 401


@pytest.mark.parametrize("signature", ["", "AAAA", "not base64!", "é", "QUJD\n", 7, None])
def test_a_signature_that_is_none_is_not_proven(amazon: Source, signature: Any) -> None:
    refusal = verify(amazon, {}, with_fields(sns(MESSAGE), Signature=signature))

    assert refusal is not None
    assert refusal.code in {"signature-missing", "signature-malformed", "signature-mismatch"}


def test_a_message_of_several_lines_cannot_be_read_as_another(amazon: Source) -> None:
    """What is signed are lines; those of one field must not pass for another field."""
    body = sns({**MESSAGE, "Message": "one\nMessageId\n1\nSubject\ntwo"})
    message = json.loads(body)
    as_another = {
        **message,
        "Message": "one",
        "MessageId": f"1\nSubject\ntwo\nMessageId\n{message['MessageId']}",
    }

    assert verify(amazon, {}, body) is None
    assert code(amazon, {}, json.dumps(as_another).encode()) == "signature-malformed"


def test_only_the_topics_that_are_named_count(amazon: Source) -> None:
    other = TOPIC.replace("alerta", "canary")

    assert code(amazon, {}, sns({**MESSAGE, "TopicArn": other})) == "topic-not-named"
    both = compile_source({"preset": "aws-sns", "topics": [TOPIC, other]}, [])
    assert both.certified is not None
    both.certified.use(leaf(SNS_NAME).pem)
    for topic in (TOPIC, other):
        assert verify(both, {}, sns({**MESSAGE, "TopicArn": topic})) is None


def test_raw_message_delivery_is_not_proven_and_says_what_to_do(amazon: Source) -> None:
    refusal = verify(amazon, {"X-Amz-Sns-RawDelivery": "True"}, sns(MESSAGE))

    assert refusal is not None
    assert refusal.code == "signature-missing"
    assert "switch it off" in refusal.reason


@pytest.mark.parametrize(
    "address",
    [
        "http://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/a.pem",
        "https://evil.example#sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
        "https://sns.s3.amazonaws.com/a.pem",
        "https://sns.s3-us-west-2.amazonaws.com/a.pem",
        "https://sns.eu-west-1.s3.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem?x=1",
        "https://sns.eu-west-1.amazonaws.com/../a.pem",
        "https://sns.eu-west-1.amazonaws.com/a/b.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem\n",
        "https://sns.eu-west-1.amazonaws.com/a.crt",
        "https://SNS.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com/\u0430.pem",
        "file:///etc/ssl/a.pem",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_not_asked_for(amazon: Source, address: str) -> None:
    assert code(amazon, {}, sns(MESSAGE, address=address)) == "certificate-refused"


@pytest.mark.parametrize(
    "address",
    [
        "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
        "https://www.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/../CERT-1",
        "https://api.paypal.com/v1/notifications/certs/CERT-1?x=1",
        "https://api.paypal.com/redirect",
    ],
)
def test_nor_is_one_of_paypal(paypal: Source, address: str) -> None:
    body = BODIES["paypal"]

    assert code(paypal, paypal_headers(body, NOW, address=address), body) == "certificate-refused"


@pytest.mark.parametrize(
    "address",
    [
        SNS_ADDRESS,
        "https://sns.us-gov-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem",
        "https://sns.ap-southeast-5.amazonaws.com/SimpleNotificationService-1.pem",
    ],
)
def test_certificates_of_every_region_are_asked_for(amazon: Source, address: str) -> None:
    assert verify(amazon, {}, sns(MESSAGE, address=address)) is None


def facts(source: Source, body: bytes) -> Facts:
    return Facts("POST", headers_of({}), body, verify(source, {}, body))


def test_a_confirmation_that_is_proven_names_the_address_to_call(amazon: Source) -> None:
    assert amazon.shake is not None

    answer = amazon.shake(facts(amazon, sns(CONFIRMATION)))

    assert answer is not None
    assert answer.call == CONFIRMATION["SubscribeURL"]
    assert (answer.status, answer.body) == (200, b"")


def test_nothing_else_is_a_confirmation(amazon: Source) -> None:
    assert amazon.shake is not None
    shaken = [
        sns(MESSAGE),
        sns({**MESSAGE, "Message": "SubscriptionConfirmation"}),
        sns({**CONFIRMATION, "Type": "UnsubscribeConfirmation"}),
        sns(CONFIRMATION, by=stranger()),
        json.dumps(CONFIRMATION).encode(),
        sns({**CONFIRMATION, "TopicArn": TOPIC + "-of-another"}),
    ]

    assert [amazon.shake(facts(amazon, body)) for body in shaken] == [None] * len(shaken)


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/?Action=ConfirmSubscription",
        "https://sns.eu-west-1.amazonaws.com.evil.example/?Action=ConfirmSubscription",
        "http://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
        "https://sns.eu-west-1.amazonaws.com/?Action=DeleteTopic",
        "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscriptions",
        "https://sns.eu-west-1.amazonaws.com/x?Action=ConfirmSubscription",
        "https://169.254.169.254/?Action=ConfirmSubscription",
    ],
)
def test_a_confirmation_that_leads_elsewhere_is_not_proven_even_if_it_is_signed(
    amazon: Source, address: str
) -> None:
    body = sns({**CONFIRMATION, "SubscribeURL": address})

    assert code(amazon, {}, body) == "signature-malformed"


def test_paypal_uses_its_transmission_once(paypal: Source) -> None:
    once = paypal.preset.once
    assert once is not None

    assert once(headers_of({"Paypal-Transmission-Id": "t-1"}), dict) == "t-1"
    assert paypal.once_within_s == 2 * DAY_S


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"preset": "aws-sns"}, "names no topics"),
        ({"preset": "aws-sns", "topics": []}, "names no topics"),
        ({"preset": "aws-sns", "topics": ["alarms"]}, "is not the ARN of a topic"),
        ({"preset": "paypal"}, "does not say the webhook's id"),
        ({"preset": "paypal", "webhook_id": ""}, "is empty"),
        ({"preset": "paypal", "webhook_id": "a", "tolerance": "x"}, "expected a number"),
    ],
)
def test_what_it_cannot_do_without_is_asked_for(source: dict[str, Any], words: str) -> None:
    with pytest.raises(SourceError, match=words):
        compile_source(source, [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("source: aws-sns", "2:9: the source names no topics, and anyone with an account of AWS"),
        ("source: {preset: aws-sns, topics: []}", "2:9: the source names no topics"),
        ("source: {preset: paypal}", "2:9: the source does not say the webhook's id"),
        ("source: {preset: paypal, webhook_id: a, topics: [b]}", "`topics` is not known here"),
        (
            "source: {preset: paypal, webhook_id: a}\nsecrets: [a_secret]",
            "3:10: `paypal` takes no secret, so these would protect nothing",
        ),
    ],
)
def test_rules_check_says_what_a_connector_lacks(text: str, said: str) -> None:
    loaded = load_texts({"a.yaml": f"connector: a\n{text}\n"}, catalogues())

    (problem,) = loaded.problems
    place = f"{problem.span.line}:{problem.span.column}"
    assert problem.code == "R030"
    assert said in f"{place}: {problem.message}"
