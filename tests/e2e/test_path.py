"""From the webhook to the task, through the real processes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.hookyard import Hookyard
from tests.support.senders import alerts, order, shopify

pytestmark = [pytest.mark.e2e, pytest.mark.redis]


@pytest.fixture(autouse=True)
async def _running(hookyard: Hookyard) -> None:
    await hookyard.serve()
    hookyard.work()
    await hookyard.ready()


async def test_a_signed_webhook_becomes_one_task(hookyard: Hookyard) -> None:
    status, answer = await hookyard.send(shopify(order(1001), "delivery-a"))
    assert (status, answer["status"]) == (202, "accepted")
    event = await hookyard.outcome(answer["event_id"])
    assert event["status"] == "routed"
    assert event["type"] == "orders/create"
    assert event["delivery_id"] == "delivery-a"
    (made,) = event["tasks"]
    task = await hookyard.get(f"/tasks/{made['id']}")
    assert task["title"] == "Order 1001"
    assert task["source"]["event_id"] == answer["event_id"]
    assert task["source"]["rule"] == "order"
    assert (await _tasks(hookyard)) == ["Order 1001"]


async def test_the_same_delivery_again_has_no_effect(hookyard: Hookyard) -> None:
    first = (await hookyard.send(shopify(order(1), "delivery-b")))[1]["event_id"]
    await hookyard.outcome(first)
    second = (await hookyard.send(shopify(order(1), "delivery-b")))[1]["event_id"]
    event = await hookyard.outcome(second)
    assert (event["status"], event["duplicate_of"], event["tasks"]) == ("duplicate", first, [])
    assert await _tasks(hookyard) == ["Order 1"]


async def test_an_event_no_rule_wants_is_dropped_with_the_reason(hookyard: Hookyard) -> None:
    request = shopify(order(1), "delivery-c", topic="shop/redact")
    event = await hookyard.outcome((await hookyard.send(request))[1]["event_id"])
    assert (event["status"], event["reason"]) == ("dropped", "not an order we act on")
    assert await _tasks(hookyard) == []


async def test_prefer_wait_answers_with_the_task_the_drop_and_the_duplicate(
    hookyard: Hookyard,
) -> None:
    request = shopify(order(7), "delivery-d")
    status, made = await hookyard.send(request, Prefer="wait=10")
    assert (status, made["status"]) == (201, "routed")
    assert made["tasks"][0]["action"] == "created"
    assert made["tasks"][0]["rule"] == "order"
    status, again = await hookyard.send(request, Prefer="wait=10")
    assert (status, again["status"]) == (200, "duplicate")
    assert again["duplicate_of"] == made["event_id"]
    other = shopify(order(7), "delivery-e", topic="shop/redact")
    status, dropped = await hookyard.send(other, Prefer="wait=10")
    assert (status, dropped["status"]) == (200, "dropped")


async def test_alerts_open_count_and_complete_their_tasks(hookyard: Hookyard) -> None:
    for request in (
        alerts("firing", "aa", "bb"),
        alerts("firing", "aa"),
        alerts("resolved", "aa"),
    ):
        status, answer = await hookyard.send(request, Prefer="wait=10")
        assert status == 201, answer
    tasks = {task["key"]: task for task in (await hookyard.get("/tasks"))["data"]}
    assert (tasks["aa"]["status_kind"], tasks["aa"]["occurrences"]) == ("done", 2)
    assert (tasks["bb"]["status_kind"], tasks["bb"]["occurrences"]) == ("initial", 1)


async def test_hookyard_send_signs_as_the_sender_would(hookyard: Hookyard) -> None:
    file = hookyard.directory / "order.json"
    file.write_bytes(order(1002))
    words = ["--event", str(file), "--wait", "10"]
    for header in ("X-Shopify-Topic: orders/create", "X-Shopify-Webhook-Id: delivery-f"):
        words += ["--header", header]
    done = hookyard.run("send", "shop", *words)
    assert done.returncode == 0, done.stderr
    assert await _tasks(hookyard) == ["Order 1002"], done.stdout


async def _tasks(hookyard: Hookyard) -> list[Any]:
    return [task["title"] for task in (await hookyard.get("/tasks"))["data"]]
