"""A preset is complete: registered, with recorded payloads, a page, and names that hold still."""

from __future__ import annotations

import importlib
import json
import re
from functools import partial
from typing import Any

import pytest

from router.core import jsonio
from router.sources.preset import Hmac, NoProof, SharedSecret, SourcePreset
from router.sources.registry import REGISTRY, SOURCE_NAMES, compile_source, source_info
from tests.conformance.sources_cases import (
    FIXTURES,
    NOW,
    ROOT,
    SECRET,
    body_of,
    envelopes,
    headers_of,
)

# Modules of the folder that are no preset, and what they are.
MACHINERY = {
    "__init__": "the package",
    "body": "reads texts out of bodies",
    "credentials": "shared secrets",
    "fields": "kinds of values under source:",
    "generic": "senders without a preset",
    "issues": "what is wrong with a source:",
    "options": "what may stand beside preset:",
    "preset": "what a preset is made of",
    "registry": "the list",
    "signature": "HMAC",
    "signature_header": "signature headers, taken apart",
    "source": "a compiled sender",
}
# How a request of each sender carries its delivery id; presets without one are named, with a reason.
DELIVERY_ID_IN: dict[str, dict[str, str]] = {
    "shopify": {"X-Shopify-Webhook-Id": "4d3ed0de-edc5-48dd-b110-fdff73769187"},
    "github": {"X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"},
    "stripe": {},
    "standard-webhooks": {"webhook-id": "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"},
}
WITHOUT_DELIVERY_ID = {
    "alertmanager": "it numbers nothing, and repeats itself on purpose",
    "none": "nothing is known of the sender",
}
WITHOUT_TYPE = {"none": "nothing is known of the sender"}
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
    if isinstance(preset.proof, Hmac):
        for names in preset.proof.headers:
            assert names.signature.lower() in text.lower()
    for said in (preset.delivery_id_from, preset.event_type_from):
        for name in re.findall(r"[Xx]-[\w-]+|webhook-id|svix-id", said):
            assert name in text


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "sources").glob("*.md")), ids=str)
def test_every_page_is_of_a_preset_or_of_the_forms_without_one(page: Any) -> None:
    assert page.stem in {*SOURCE_NAMES, "generic"}


@each_preset
def test_recorded_payloads_are_proven_named_and_taken_when_signed(preset: SourcePreset) -> None:
    source = compile_source({"preset": preset.name}, [SECRET])

    for name, envelope in envelopes(preset.name):
        body = body_of(envelope)
        headers = headers_of(source.sign(body, now=NOW, headers=envelope["headers"]))
        named = source.name(headers, body, partial(jsonio.loads, body))
        assert source.verify(headers, body, NOW) is None, name
        assert source.takes(headers["content-type"]), name
        # A mock is what somebody thought the sender sends.
        if envelope["source"]["kind"] != "mock":
            assert (named.type is None) == (preset.name in WITHOUT_TYPE), name


@each_preset
def test_sent_again_an_event_keeps_its_delivery_id_and_another_has_another(
    preset: SourcePreset,
) -> None:
    if preset.name in WITHOUT_DELIVERY_ID:
        assert preset.delivery_id is None
        assert preset.delivery_id_from == "none"
        return
    assert preset.name in DELIVERY_ID_IN, "say how a request of this sender carries its delivery id"
    source = compile_source({"preset": preset.name}, [SECRET])
    carried = DELIVERY_ID_IN[preset.name]
    content = {"id": "evt_1", "type": "order.created"}
    body = json.dumps(content).encode()

    def delivery_id(now: float, headers: dict[str, str], content: dict[str, str]) -> str | None:
        signed = headers_of(source.sign(body, now=now, headers=headers))
        assert source.verify(signed, body, now) is None
        return source.name(signed, body, lambda: content).delivery_id

    first = delivery_id(NOW, carried, content)
    again = delivery_id(NOW + 3600, carried, content)
    other = delivery_id(
        NOW, {name: value[::-1] for name, value in carried.items()}, content | {"id": "evt_2"}
    )
    assert first
    assert again == first
    assert other not in {first, None}


@each_preset
@pytest.mark.parametrize(
    "content", [None, [], "text", 7, True, {}, {"id": 7, "type": [], "status": {}}]
)
def test_names_come_of_any_body_without_raising(preset: SourcePreset, content: Any) -> None:
    source = compile_source({"preset": preset.name}, [SECRET])

    named = source.name(headers_of({}), b"{}", lambda: content)

    assert named == (None, None)


@each_preset
def test_the_default_deduplication_key_is_there_where_a_delivery_id_is(
    preset: SourcePreset,
) -> None:
    info = source_info({"preset": preset.name})

    assert info.name == preset.name
    assert info.delivery_id == (preset.name not in WITHOUT_DELIVERY_ID)
    assert info.dedupe_key == ("{{ event.delivery_id }}" if info.delivery_id else None)
    assert info.needs_secret == (not isinstance(preset.proof, NoProof))


@each_preset
def test_a_preset_says_in_words_how_it_is_proven(preset: SourcePreset) -> None:
    said = preset.proof.summary

    match preset.proof:
        case Hmac():
            assert preset.proof.headers[0].signature in said
        case SharedSecret():
            assert "Bearer or Basic" in said
        case NoProof():
            assert said == "none"


def test_there_is_no_folder_of_payloads_without_a_sender() -> None:
    folders = {path.name for path in FIXTURES.iterdir() if path.is_dir()}

    assert folders == {*SOURCE_NAMES, "generic"}
