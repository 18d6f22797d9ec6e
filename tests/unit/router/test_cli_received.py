"""A webhook at hand becomes the event that the receiver would make of it."""

from __future__ import annotations

from typing import Any

import pytest

from router.cli.envelope import Envelope
from router.cli.received import NotTakenError, as_received
from router.core.event import IncomingEvent
from router.core.intake_table import ConnectorIntake


def received(
    body: bytes = b"{}",
    headers: dict[str, str] | None = None,
    query: dict[str, str] | None = None,
    *,
    source: dict[str, Any] | None = None,
    body_limit: int | None = None,
    **given: Any,
) -> IncomingEvent:
    intake = ConnectorIntake(
        name="shop", source=source or {"preset": "shopify"}, body_limit=body_limit
    )
    return as_received(
        intake, Envelope(body, headers or {}, query or {}), event_id="e1", received_ms=5, **given
    )


def test_the_event_is_named_as_its_sender_names_it() -> None:
    event = received(
        b'{"id": 1}',
        {"x-shopify-topic": "orders/create", "x-shopify-webhook-id": "d1"},
        {"a": "1"},
    )

    assert (event.id, event.connector, event.received_ms) == ("e1", "shop", 5)
    assert (event.body, event.content_type) == (b'{"id": 1}', "application/json")
    assert (event.type, event.delivery_id, event.query) == ("orders/create", "d1", {"a": "1"})


def test_names_may_be_in_the_body() -> None:
    event = received(b'{"id": "evt_1", "type": "invoice.paid"}', source={"preset": "stripe"})

    assert (event.type, event.delivery_id) == ("invoice.paid", "evt_1")


def test_a_form_may_hold_the_json() -> None:
    event = received(
        b"payload=%7B%22action%22%3A%22opened%22%7D",
        {"content-type": "application/x-www-form-urlencoded", "x-github-event": "issues"},
        source={"preset": "github"},
    )

    assert event.type == "issues"
    with pytest.raises(NotTakenError, match=r"400: .* a form without the field payload"):
        received(
            b"a=1",
            {"content-type": "application/x-www-form-urlencoded"},
            source={"preset": "github"},
        )


def test_rules_see_no_credentials() -> None:
    event = received(
        headers={
            "authorization": "Bearer canary",
            "cookie": "canary",
            "x-shopify-hmac-sha256": "canary",
            "x-shopify-topic": "orders/create",
        }
    )
    key = received(headers={"x-api-key": "canary", "x-a": "1"}, source={"header": "X-Api-Key"})
    parameter = received(
        query={"token": "canary", "a": "1"}, source={"preset": "alertmanager", "query": "token"}
    )

    assert event.headers == {"content-type": "application/json", "x-shopify-topic": "orders/create"}
    assert key.headers == {"content-type": "application/json", "x-a": "1"}
    assert parameter.query == {"a": "1"}


def test_type_and_delivery_id_may_be_given() -> None:
    headers = {"x-shopify-topic": "orders/create", "x-shopify-webhook-id": "d1"}

    event = received(headers=headers, type_="orders/paid", delivery_id="d2", else_delivery_id="d3")

    assert (event.type, event.delivery_id) == ("orders/paid", "d2")


def test_an_id_is_made_up_only_where_the_sender_gives_ids_and_this_one_has_none() -> None:
    headers = {"x-shopify-webhook-id": "d1"}

    assert received(headers=headers, else_delivery_id="d3").delivery_id == "d1"
    assert received(else_delivery_id="d3").delivery_id == "d3"
    assert received(source={"preset": "none"}, else_delivery_id="d3").delivery_id is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"body": b"{"}, "400: the body is not application/json: "),
        (
            {"headers": {"content-type": "text/plain"}},
            r"415: the Content-Type is text/plain; .*application/json.* is taken",
        ),
        ({"body": b"123", "body_limit": 2}, "413: the body is 3 bytes, at most 2 are taken"),
        ({"body": b" " * (1024 * 1024 + 1)}, "at most 1,048,576 are taken"),
    ],
)
def test_what_the_receiver_would_not_take_is_told_with_its_answer(
    given: dict[str, Any], words: str
) -> None:
    with pytest.raises(NotTakenError, match=words):
        received(**given)
