"""A preset is complete: registered, with recorded payloads, a page, and names that hold still."""

from __future__ import annotations

import importlib
import json
import re
from typing import Any

import pytest

from router.core.token_hash import IssuedHashes
from router.sources.preset import (
    AnyOf,
    Certified,
    Hmac,
    InBody,
    NoProof,
    Origins,
    Proof,
    PublicKey,
    SharedSecret,
    SourcePreset,
)
from router.sources.registry import REGISTRY, SOURCE_NAMES, compile_source, source_info
from router.sources.source import SourceError
from tests.conformance.sources_cases import (
    FIXTURES,
    NOW,
    ROOT,
    arrival,
    compiled,
    envelopes,
    headers_of,
    target_of,
    written,
)
from tests.support.certificates import TOPIC

# Modules of the folder that are no preset, and what they are.
MACHINERY = {
    "__init__": "the package",
    "any_of": "several schemes of one sender",
    "body": "reads texts out of bodies",
    "certificate": "certificates and their chains",
    "certified": "signatures by certificates",
    "credentials": "shared secrets",
    "exchange": "what of a request presets are given",
    "fields": "kinds of values under source:",
    "generic": "senders without a preset",
    "issues": "what is wrong with a source:",
    "options": "what may stand beside preset:",
    "origin": "pages of which sites may post",
    "preset": "what a preset is made of",
    "proof": "how a sender proves itself",
    "proof_certificate": "the same, by certificates",
    "proof_signature": "the same, by signatures",
    "public_key": "ECDSA",
    "registry": "the list",
    "signature": "HMAC",
    "signature_body": "signatures in bodies",
    "signature_header": "signature headers, taken apart",
    "signature_keys": "keys of signatures",
    "signed_message": "what is signed",
    "signed_time": "signed times",
    "source": "a compiled sender",
}
# Two requests of each sender that carry different delivery ids, as headers and body. Presets without an
# id are named, with the reason.


def adyen(code: str, **fields: Any) -> Any:
    """Return what Adyen sends of one payment."""
    item = {"pspReference": "7914073381342284", "eventCode": code, **fields}
    return {"notificationItems": [{"NotificationRequestItem": item}]}


AZURE = {"alertId": "/subscriptions/1/alerts/2", "firedDateTime": "2026-01-05T09:00:24Z"}
Carried = tuple[dict[str, str], Any]
SNS = {"Type": "Notification", "TopicArn": TOPIC, "Message": "disk full"}
IDENTIFIED: dict[str, tuple[Carried, Carried]] = {
    "shopify": (
        ({"X-Shopify-Webhook-Id": "4d3ed0de-edc5-48dd-b110-fdff73769187"}, {}),
        ({"X-Shopify-Webhook-Id": "7f81e2f4-7b2f-4f3e-9a58-6e3a2a6f1f10"}, {}),
    ),
    "github": (
        ({"X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"}, {}),
        ({"X-GitHub-Delivery": "0b989ba4-242f-11e5-81e1-c7b6966d2516"}, {}),
    ),
    "stripe": (({}, {"id": "evt_1"}), ({}, {"id": "evt_2"})),
    "standard-webhooks": (({"webhook-id": "msg_1"}, {}), ({"webhook-id": "msg_2"}, {})),
    "gitlab": (
        ({"Idempotency-Key": "f5a1e1b6", "X-Gitlab-Event-UUID": "one"}, {}),
        ({"Idempotency-Key": "0c9d2a17", "X-Gitlab-Event-UUID": "one"}, {}),
    ),
    "sentry": (({"Request-ID": "9f9f3b1c"}, {}), ({"Request-ID": "1d5a0c02"}, {})),
    "pagerduty": (({}, {"event": {"id": "01BWDWL3"}}), ({}, {"event": {"id": "01BWDWL4"}})),
    "zendesk": (
        ({}, {"id": "01H1", "type": "zen:event-type:ticket.created"}),
        ({"X-Zendesk-Webhook-Invocation-Id": "01GZ"}, {"id": "01H1", "type": "my own"}),
    ),
    "jira": (
        ({"X-Atlassian-Webhook-Identifier": "e5d3c9f7"}, {}),
        ({"X-Atlassian-Webhook-Identifier": "1a2b3c4d"}, {}),
    ),
    "aws-sns": (
        ({}, {**SNS, "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b"}),
        ({}, {**SNS, "MessageId": "dc1e94d9-56c5-5e96-808d-cc7f68faa162"}),
    ),
    "paypal": (({}, {"id": "WH-2WR32451HC0233532"}), ({}, {"id": "WH-4M0448861G563140B"})),
    "typeform": (({}, {"event_id": "01HEVENT01"}), ({}, {"event_id": "01HEVENT02"})),
    "bitbucket": (
        ({"X-Request-UUID": "b2f93568", "X-Hook-UUID": "91e2a5e1"}, {}),
        ({"X-Request-Id": "3868d64c", "X-Hook-UUID": "91e2a5e1"}, {}),
    ),
    "bigcommerce": (
        ({"webhook-id": "msg_1"}, {"hash": "a"}),
        ({"webhook-id": "msg_2"}, {"hash": "a"}),
    ),
    "square": (({}, {"event_id": "ac3ac95b"}), ({}, {"event_id": "bc368e64"})),
    "slack": (
        ({}, {"type": "event_callback", "event_id": "Ev08MFMKH6"}),
        ({}, {"command": "/weather", "trigger_id": "398738663015.4744"}),
    ),
    "twilio": (
        ({}, {"MessageSid": "SM1", "SmsStatus": "sent", "MessageStatus": "sent"}),
        ({}, {"MessageSid": "SM1", "SmsStatus": "sent", "MessageStatus": "delivered"}),
    ),
    "hubspot": (
        ({}, [{"eventId": 1, "subscriptionId": 12345, "occurredAt": 1564113600000}]),
        ({}, [{"eventId": 1, "subscriptionId": 12345, "occurredAt": 1564113600001}]),
    ),
    "linear": (
        ({"Linear-Delivery": "234d1a4e"}, {}),
        ({"Linear-Delivery": "7a9c1b7e"}, {}),
    ),
    "intercom": (({}, {"id": "notif_1"}), ({}, {"id": "notif_2"})),
    "adyen": (
        ({}, adyen("AUTHORISATION", success="true")),
        ({}, adyen("AUTHORISATION", success="false")),
    ),
    "mailgun": (({}, {"event-data": {"id": "a"}}), ({}, {"event-data": {"id": "b"}})),
    "azure-monitor": (
        ({}, {"data": {"essentials": {**AZURE, "monitorCondition": "Fired"}}}),
        ({}, {"data": {"essentials": {**AZURE, "monitorCondition": "Resolved"}}}),
    ),
    "cloudevents": (
        ({"ce-id": "1", "ce-source": "/a", "content-type": "application/json"}, {"id": "2"}),
        ({"content-type": "application/cloudevents+json"}, {"id": "1", "source": "/b"}),
    ),
}
WITHOUT_DELIVERY_ID = {
    "alertmanager": "it numbers nothing, and repeats itself on purpose",
    "calendly": "it numbers nothing",
    "datadog": "its body is the operator's",
    "form": "browsers number nothing",
    "grafana": "it numbers nothing, and repeats itself on purpose",
    "newrelic": "its body is a template",
    "none": "nothing is known of the sender",
    "opsgenie": "it numbers nothing",
    "pingdom": "it numbers nothing",
    "sendgrid": "a request has no id, but each of its events has",
    "uptimerobot": "its body is a template",
    "uptime-kuma": "it numbers nothing, and never tries again",
    "task": "whoever sends tasks gives them keys of their own",
    "woocommerce": "its delivery id is shared by what is sent in one second",
}
WITHOUT_TYPE = {
    "form": "its fields are anybody's",
    "none": "nothing is known of the sender",
    "task": "all that is sent to it is a task",
}
HEADINGS = (
    "## Set up the sender",
    "## Connector file",
    "## What arrives",
    "## The same event again",
    "## Quirks",
    "## How sure we are",
)

each_preset = pytest.mark.parametrize("preset", REGISTRY, ids=lambda preset: preset.name)


def module_of(preset: SourcePreset) -> str:
    return preset.name.replace("-", "_")


def test_every_module_of_the_folder_is_registered() -> None:
    modules = {path.stem for path in (ROOT / "router" / "sources").glob("*.py")}

    assert modules - set(MACHINERY) == {module_of(preset) for preset in REGISTRY}
    assert set(MACHINERY) <= modules


@each_preset
def test_a_preset_is_what_its_module_declares(preset: SourcePreset) -> None:
    module = importlib.import_module(f"router.sources.{module_of(preset)}")

    assert module.PRESET is preset
    assert module.__doc__
    assert not preset.docs or preset.docs in module.__doc__ or preset.docs.startswith("https://")
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", preset.name)


def test_names_are_unique_and_in_one_order() -> None:
    assert tuple(preset.name for preset in REGISTRY) == SOURCE_NAMES
    assert len(set(SOURCE_NAMES)) == len(SOURCE_NAMES)


@each_preset
def test_a_preset_has_recorded_payloads_that_say_where_they_come_from(preset: SourcePreset) -> None:
    found = envelopes(preset.name)

    assert found, f"tests/fixtures/sources/{preset.name}/ holds no payload"
    for name, envelope in found:
        origin = envelope["source"]
        assert envelope["provider"] == preset.name, name
        assert origin["licence"], name
        assert origin["kind"] in {"captured", "vendor-doc", "test-fixture", "mock", "synthetic"}
        assert len({"body", "raw_body"} & set(envelope)) == 1, name


@each_preset
def test_a_preset_has_a_page_that_tells_all_of_it(preset: SourcePreset) -> None:
    page = ROOT / "docs" / "sources" / f"{preset.name}.md"
    assert page.is_file(), f"docs/sources/{preset.name}.md is missing"
    text = page.read_text("utf-8")

    for heading in HEADINGS:
        assert heading in text, heading
    assert f"source: {preset.name}" in text or f"preset: {preset.name}" in text
    assert f"**{preset.certainty}**" in text
    if preset.docs:
        assert preset.docs in text
    for header in _headers_of(preset.proof):
        assert header.lower() in text.lower(), header
    for said in (preset.delivery_id_from, preset.event_type_from):
        for name in re.findall(r"[Xx]-[\w-]+|webhook-id|svix-id", said):
            assert name in text


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "sources").glob("*.md")), ids=str)
def test_every_page_is_of_a_preset_or_of_the_forms_without_one(page: Any) -> None:
    assert page.stem in {*SOURCE_NAMES, "generic"}


def _headers_of(proof: Proof) -> list[str]:
    """Return the names of the headers that prove a sender."""
    match proof:
        case Hmac() | PublicKey():
            return [names.signature for names in proof.headers]
        case AnyOf():
            return [header for scheme in proof.schemes for header in _headers_of(scheme)]
        case SharedSecret(header=str(header)):
            return [header]
        case Certified(also_hidden=headers):
            return list(headers)
        case SharedSecret() | InBody() | NoProof() | Origins():
            return []


@each_preset
def test_the_page_says_what_the_command_says(preset: SourcePreset) -> None:
    text = plain((ROOT / "docs" / "sources" / f"{preset.name}.md").read_text("utf-8"))
    numbered = [f"{number}. {step}" for number, step in enumerate(preset.setup, 1)]
    said = [preset.retries, preset.waits, *numbered]
    if preset.handshake != "none":
        said.append(preset.handshake)
    if preset.delivery_id is None or preset.dedupe_why:
        said.append(preset.dedupe_why)
    if preset.dedupe_key is not None:
        said.append(preset.dedupe_key)

    assert all(said), "say how the sender is set up, how it tries again and what is the same event"
    assert [words for words in said if plain(words) not in text] == []


def plain(text: str) -> str:
    """Return words without the marks of a page."""
    return " ".join(re.sub(r"[*`<>]", "", text).split())


@each_preset
def test_recorded_payloads_are_proven_named_and_taken_when_signed(preset: SourcePreset) -> None:
    source = compiled(preset.name)

    for name, envelope in envelopes(preset.name):
        arrived = arrival(source, envelope)
        assert source.verify(arrived.headers, arrived.body, NOW, arrived.target) is None, name
        assert source.takes(arrived.content_type), name
        # A mock is what somebody thought the sender sends.
        if envelope["source"]["kind"] != "mock":
            assert (arrived.named.type is None) == (preset.name in WITHOUT_TYPE), name


@each_preset
def test_sent_again_an_event_keeps_its_delivery_id_and_another_has_another(
    preset: SourcePreset,
) -> None:
    if preset.name in WITHOUT_DELIVERY_ID:
        assert preset.delivery_id is None
        assert preset.delivery_id_from == "none"
        return
    assert preset.name in IDENTIFIED, "say how a request of this sender carries its delivery id"
    source = compiled(preset.name)
    one, another = IDENTIFIED[preset.name]

    def delivery_id(now: float, carried: Carried) -> str | None:
        headers, content = carried
        body = source.seal(json.dumps(content).encode(), now)
        target = target_of(source, body, headers=headers)
        signed = headers_of(source.sign(body, now=now, headers=headers, target=target))
        assert source.verify(signed, body, now, target) is None
        return source.name(signed, body, lambda: content).delivery_id

    first = delivery_id(NOW, one)
    again = delivery_id(NOW + 3600, one)
    other = delivery_id(NOW, another)
    assert first
    assert again == first
    assert other not in {first, None}


@each_preset
@pytest.mark.parametrize(
    "content", [None, [], "text", 7, True, {}, {"id": 7, "type": [], "status": {}}]
)
def test_names_come_of_any_body_without_raising(preset: SourcePreset, content: Any) -> None:
    source = compiled(preset.name)

    named = source.name(headers_of({}), b"{}", lambda: content)

    assert named == (None, None)


def _takes_an_issued_key(preset: SourcePreset) -> bool:
    try:
        compile_source(written(preset), [], IssuedHashes(None, frozenset({"hash"})))
    except SourceError:
        return False
    return source_info(written(preset)).needs_secret


@each_preset
def test_the_default_deduplication_key_is_there_where_a_delivery_id_is(
    preset: SourcePreset,
) -> None:
    info = source_info(written(preset))

    assert info.name == preset.name
    assert info.delivery_id == (preset.name not in WITHOUT_DELIVERY_ID)
    by_id = "{{ event.delivery_id | default('') }}" if info.delivery_id else None
    assert info.dedupe_key == (preset.dedupe_key or by_id)
    assert not (info.delivery_id and preset.dedupe_key)
    assert info.needs_secret == (not isinstance(preset.proof, NoProof | Origins | Certified))
    assert info.shows_secret == _takes_an_issued_key(preset)


@each_preset
def test_a_preset_says_in_words_how_it_is_proven(preset: SourcePreset) -> None:
    said = preset.proof.summary

    match preset.proof:
        case Hmac() | PublicKey():
            assert preset.proof.headers[0].signature in said
        case InBody():
            assert preset.proof.place in said
        case AnyOf():
            assert all(scheme.summary in said for scheme in preset.proof.schemes)
        case SharedSecret():
            assert preset.proof.header is None or preset.proof.header in said
        case Certified():
            assert all(header in said for header in preset.proof.also_hidden)
        case NoProof() | Origins():
            assert said.startswith("none")


def test_there_is_no_folder_of_payloads_without_a_sender() -> None:
    folders = {path.name for path in FIXTURES.iterdir() if path.is_dir()}

    assert folders == {*SOURCE_NAMES, "generic"}
