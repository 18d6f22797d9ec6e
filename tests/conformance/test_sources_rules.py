"""What a sender sends reaches the rules as it was, and its default deduplication key holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.cli.catalogues import catalogues
from router.core import jsonio
from router.sources.preset import SourcePreset
from router.sources.registry import REGISTRY, source_info
from router.web.visible import visible_headers
from rules.decision import Decision, Event
from rules.loader import load_texts
from rules.plan import plan
from rules.ruleset import RuleSet
from tests.conformance.sources_cases import (
    Arrival,
    arrival,
    compiled,
    envelopes,
    written,
)
from workers.parse import parse_body

# What a sender writes into each body anew, where its proof is in there.
SEALED = {"aws-sns": ("Signature", "SigningCertURL", "SignatureVersion", "Timestamp")}

each_preset = pytest.mark.parametrize("preset", REGISTRY, ids=lambda preset: preset.name)


def rules_of(preset: SourcePreset) -> RuleSet:
    """Return the rules of a connector that says nothing but its source."""
    secrets = "secrets: [a_secret]" if source_info(written(preset)).needs_secret else ""
    text = f"connector: case\nsource: {json.dumps(written(preset))}\n{secrets}\n"
    loaded = load_texts({"case.yaml": text}, catalogues())
    assert loaded.rule_set is not None, [str(problem) for problem in loaded.problems]
    return loaded.rule_set


def read(preset: SourcePreset, arrived: Arrival) -> Any:
    """Return the body as a worker reads it."""
    return parse_body(arrived.body, arrived.content_type, preset.name)


def decide(preset: SourcePreset, arrived: Arrival) -> Decision:
    """Return what the rules decide about what arrived."""
    event = Event(
        id="0193",
        connector="case",
        received_at="2023-11-14T22:13:20.000Z",
        source=preset.name,
        type=arrived.named.type,
        delivery_id=arrived.named.delivery_id,
        headers=visible_headers(arrived.headers, frozenset()),
        query={},
        body=read(preset, arrived),
    )
    return plan(rules_of(preset), event)


def arrivals(preset: SourcePreset) -> list[Arrival]:
    source = compiled(preset.name)
    return [arrival(source, envelope) for _, envelope in envelopes(preset.name)]


def unsigned(content: Any) -> Any:
    """Return a body without signatures that stand in it: they are made anew."""
    if isinstance(content, list):
        return [unsigned(item) for item in content]
    if not isinstance(content, dict):
        return content
    signatures = {"signature", "hmacSignature"}
    return {key: unsigned(value) for key, value in content.items() if key not in signatures}


@each_preset
def test_recorded_bodies_are_read_exactly(preset: SourcePreset) -> None:
    for (name, envelope), arrived in zip(envelopes(preset.name), arrivals(preset), strict=True):
        content = read(preset, arrived)
        assert content, name
        if arrived.content_type.startswith("application/json"):
            assert content == jsonio.loads(arrived.body), name
        if "body" in envelope:
            sent = unsigned(json.loads(jsonio.dumps(content)))
            recorded = unsigned(json.loads(json.dumps(envelope["body"])))
            for key in SEALED.get(preset.name, ()):
                assert sent.pop(key)
                recorded.pop(key, None)
            assert sent == recorded


@each_preset
def test_every_recorded_payload_can_be_deduplicated_by_default(preset: SourcePreset) -> None:
    arrived = arrivals(preset)
    decisions = [decide(preset, one) for one in arrived]
    again = [decide(preset, one) for one in arrived]
    keys = [decision.deduplication.key for decision in decisions]

    assert [decision.undecided for decision in decisions] == [None] * len(arrived)
    assert [decision.deduplication.key for decision in again] == keys
    for one, key in zip(arrived, keys, strict=True):
        if preset.delivery_id is not None:
            assert key == one.named.delivery_id
        else:
            assert (key is None) == (preset.dedupe_key is None)
    if preset.dedupe_key is not None:
        assert len(set(keys)) == len(keys)


def woocommerce(number: int, topic: str, body: Any, *, second: int = 0) -> Arrival:
    """Return a delivery of a shop; those of one second share their delivery id."""
    headers = {
        "content-type": "application/json",
        "x-wc-webhook-topic": topic,
        "x-wc-webhook-resource": topic.partition(".")[0],
        "x-wc-webhook-delivery-id": f"of-second-{second}",
    }
    source = compiled("woocommerce")
    return arrival(source, {"headers": headers, "body": {"id": number, **body}})


def test_two_orders_of_one_second_are_two_events_and_an_order_sent_twice_is_one() -> None:
    preset = next(preset for preset in REGISTRY if preset.name == "woocommerce")

    def key(arrived: Arrival) -> str | None:
        return decide(preset, arrived).deduplication.key

    first = key(woocommerce(1, "order.created", {"date_modified_gmt": "2023-11-14T22:13:20"}))
    other = key(woocommerce(2, "order.created", {"date_modified_gmt": "2023-11-14T22:13:20"}))
    again = key(
        woocommerce(1, "order.created", {"date_modified_gmt": "2023-11-14T22:13:20"}, second=9)
    )
    changed = key(woocommerce(1, "order.updated", {"date_modified_gmt": "2023-11-14T22:13:20"}))
    deleted = key(woocommerce(1, "order.deleted", {}))

    assert first is not None
    assert again == first
    assert len({first, other, changed, deleted}) == 4


def test_what_a_shops_own_hooks_send_is_never_a_duplicate() -> None:
    preset = next(preset for preset in REGISTRY if preset.name == "woocommerce")
    arrived = woocommerce(1, "action.woocommerce_add_to_cart", {"action": "add", "arg": "a"})

    decision = decide(preset, arrived)

    assert decision.undecided is None
    assert decision.deduplication.key is None


def test_workers_look_for_json_in_the_same_field_of_a_form_as_receivers() -> None:
    for preset in REGISTRY:
        body = b"payload=%7B%22a%22%3A1%7D&data=%7B%22b%22%3A2%7D"
        read_by_worker = parse_body(body, "application/x-www-form-urlencoded", preset.name)
        plain = {"payload": '{"a":1}', "data": '{"b":2}'}
        field = preset.form_field
        assert read_by_worker == (plain if field is None else json.loads(plain[field]))
