"""What a connector may say of forms and monitors, and what is said of it: options, notes, mistakes."""

from __future__ import annotations

from typing import Any

import pytest
from multidict import CIMultiDict

from router.cli.catalogues import catalogues
from router.cli.envelope import Envelope
from router.cli.received import NotTakenError, as_received
from router.core.intake_table import ConnectorIntake
from router.sources.preset import AnyOf, Origins, SharedSecret
from router.sources.registry import check_source, compile_source
from rules.loader import Loaded, load_texts

CONTACT = """\
connector: contact-us
source: {source}
dedupe: off
rules: [{{name: message, task: {{title: "Answer"}}}}]
"""
SIGNATURE = "X-Grafana-Alerting-Signature"
TIMESTAMP = "X-Grafana-Alerting-Timestamp"


def loaded(source: str, *more: str) -> Loaded:
    text = CONTACT.format(source=source) + "".join(more)
    return load_texts({"contact.yaml": text}, catalogues())


def said(found: Loaded) -> list[tuple[str, str, int, int]]:
    """Return code, message and place of each problem and note."""
    return [
        (each.code, each.message, each.span.line, each.span.column)
        for each in [*found.problems, *found.notes]
    ]


def test_a_form_without_a_secret_is_used_and_noted() -> None:
    found = loaded("form")

    assert found.rule_set is not None
    note = "form needs no secret: whoever knows the address can send"
    assert said(found) == [("R031", note, 2, 9)]
    assert [each.severity for each in found.notes] == ["note"]


def test_secrets_of_a_form_would_protect_nothing() -> None:
    found = loaded("form", "secrets: [form_key]\n")

    assert found.rule_set is None
    assert said(found)[0][:2] == (
        "R030",
        "`form` takes no secret, so these would protect nothing",
    )


@pytest.mark.parametrize(
    ("source", "message", "column"),
    [
        (
            '{preset: form, origins: ["https://a.example", "https://a.example/contact"]}',
            "`origins` holds what is not an origin: https://, a host, and no path",
            33,
        ),
        (
            "{preset: form, origins: ['*']}",
            "`origins` holds what is not an origin: https://, a host, and no path",
            33,
        ),
        (
            "{preset: form, then: /thanks}",
            "`then` is not an address that begins with https:// or http://",
            30,
        ),
        ("{preset: form, honeypt: a}", "`honeypt` is not known here", 24),
        (
            "{preset: grafana, header: X-Token, signature_header: X-Signature}",
            "the source says both how the secret is shown and how it signs",
            9,
        ),
    ],
)
def test_mistakes_are_said_where_they_are(source: str, message: str, column: int) -> None:
    found = loaded(source, "secrets: [a_secret]\n")

    assert ("R030", message, 2, column) in said(found)


@pytest.mark.parametrize(
    "source",
    [
        {"origins": []},
        {"origins": "https://a.example"},
        {"origins": ["https://a.example?x"]},
        {"origins": ["ftp://a.example"]},
        {"origins": ["https://user@a.example"]},
        {"then": "javascript:alert(1)"},
        {"then": "https://a.example/\r\nX: y"},
        {"then": "https://a.example/ü"},
        {"honeypot": " "},
    ],
    ids=str,
)
def test_options_of_a_form_that_cannot_be_used_are_refused(source: dict[str, Any]) -> None:
    assert check_source({"preset": "form", **source})


def test_origins_are_compared_as_browsers_write_them() -> None:
    origins = ["HTTPS://A.example:443/", "http://a.example:80", "https://a.example:8443"]

    proof = compile_source({"preset": "form", "origins": origins}, []).preset.proof

    assert proof == Origins(("https://a.example", "http://a.example", "https://a.example:8443"))
    assert "https://a.example" in proof.summary


def proof_of(**options: Any) -> Any:
    return compile_source({"preset": "grafana", **options}, ["a-secret"]).preset.proof


def test_grafana_takes_whatever_it_can_be_set_to_unless_it_is_told_which() -> None:
    assert isinstance(proof_of(), AnyOf)
    assert proof_of(header="X-Token") == SharedSecret(header="X-Token")
    assert proof_of(signature_header="X-S").headers[0].signature == "X-S"
    assert proof_of(signature_header="X-S").tolerance_s is None
    timed = proof_of(timestamp_header="X-T", tolerance="5m")
    assert (timed.headers[0].signature, timed.headers[0].timestamp) == (SIGNATURE, "X-T")
    assert (timed.signed, timed.tolerance_s) == ("{timestamp}:{body}", 300)
    assert proof_of(tolerance="5m").schemes[0].tolerance_s == 300


@pytest.mark.parametrize(
    "options",
    [
        {"tolerance": "5m", "header": "X-Token"},
        {"tolerance": "5m", "signature_header": "X-S"},
        {"timestamp_header": "X-T", "basic": "grafana"},
        {"signature_header": "X-S", "query": "token"},
        {"header": "X-Token", "query": "token"},
    ],
    ids=str,
)
def test_ways_of_grafana_that_exclude_each_other_are_refused(options: dict[str, Any]) -> None:
    assert check_source({"preset": "grafana", **options})


def test_grafana_is_proven_by_its_signature_or_by_its_credentials() -> None:
    body, now = b'{"status": "firing"}', 1_700_000_000.0
    source = compile_source({"preset": "grafana"}, ["a-secret"])
    timed = compile_source({"preset": "grafana", "timestamp_header": TIMESTAMP}, ["a-secret"])

    def refused_as(headers: dict[str, str], at: float = now) -> str | None:
        refusal = source.verify(CIMultiDict(headers), body, at)
        return refusal.code if refusal else None

    plain = source.sign(body, now=now, headers={})
    with_time = timed.sign(body, now=now, headers={})
    assert set(plain) == {SIGNATURE}
    assert refused_as(plain) is None
    assert refused_as(with_time) is None
    assert refused_as({"Authorization": "Bearer a-secret"}) is None
    assert refused_as({"Authorization": "Bearer wrong"}) == "credentials-mismatch"
    assert refused_as({}) == "signature-missing"
    # Of a time that is there the signature must be, and it must be fresh.
    assert refused_as({**plain, TIMESTAMP: "1700000000"}) == "signature-mismatch"
    assert refused_as({SIGNATURE: with_time[SIGNATURE]}) == "signature-mismatch"
    assert refused_as(with_time, now + 86_401) == "timestamp-stale"
    # A wrong signature is not made good by what else is there.
    forged = {SIGNATURE: "0" * 64, "Authorization": "Bearer a-secret"}
    assert refused_as(forged) == "signature-mismatch"


def as_event(preset: str, webhook: Envelope) -> Any:
    intake = ConnectorIntake(name="up", source={"preset": preset, "query": "token"})
    return as_received(intake, webhook, event_id="1", received_ms=0)


def test_a_file_without_a_body_is_a_get_whose_query_is_the_body() -> None:
    query = {"msg": "down", "heartbeat": '{"status": 0}', "token": "canary"}

    event = as_event("uptime-kuma", Envelope(b"", {"content-type": "text/x"}, query))

    assert event.body == b'{"msg":"down","heartbeat":{"status":0}}'
    assert (event.content_type, event.type) == ("application/json", "DOWN")
    assert dict(event.query) == {"msg": "down", "heartbeat": '{"status": 0}'}


def test_of_a_sender_that_sends_no_get_it_is_a_post_without_a_body() -> None:
    event = as_event("alertmanager", Envelope(b"", {}, {"a": "1"}))

    assert event.body == b""


def test_a_form_in_a_file_is_read_as_the_receiver_reads_it() -> None:
    form = b'--b\r\nContent-Disposition: form-data; name="data"\r\n\r\n{"msg": 1}\r\n--b--'
    headers = {"content-type": "multipart/form-data; boundary=b"}

    assert as_event("uptime-kuma", Envelope(form, headers)).type == "TEST"
    with pytest.raises(NotTakenError, match="400: the body is not multipart/form-data; boundary=b"):
        as_event("uptime-kuma", Envelope(b"--b\r\n", headers))
