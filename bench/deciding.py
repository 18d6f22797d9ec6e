"""What deciding about one event costs: 20 rules and 5 templates, against a function written by hand.

Both read the body to the letter, find the one of twenty cases that fits, make the same task of it and say
why; the function knows nothing else, and could not be edited by anybody but a programmer. Beside it
stands one that only makes the task. All run in turns in one process, so that a slow moment of the
machine meets all of them.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal, InvalidOperation
from time import perf_counter_ns
from typing import Any

from bench.cores import Cores
from bench.figures import Figure, at_most
from bench.webhooks import body
from router.cli.catalogues import catalogues
from router.core import jsonio
from router.core.event import IncomingEvent
from rules.decision import OpenTask
from rules.loader import load_texts
from workers.judge import judge

_TOPICS = (
    "orders/create",
    "orders/cancelled",
    "orders/paid",
    "refunds/create",
    "disputes/create",
    "products/update",
    "customers/create",
    "fulfillments/create",
    "inventory_levels/update",
    "app/uninstalled",
)
_HEAD = """\
connector: shop
source: none
dedupe: {key: "{{ event.delivery_id }}"}
rules:
"""
_RULE = """\
  - name: {name}
    when:
      event: {topic}
      body.total_price: {{{bound}}}
    task:
      key: "order-{{{{ body.id }}}}"
      version: "{{{{ body.created_at }}}}"
      title: "{name} {{{{ body.name }}}}"
      description: "{{{{ body.line_items | length }}}} items, {{{{ body.total_price }}}} {{{{ body.currency }}}}"
      priority: high
      labels: [shopify]
      custom: {{order_total: "{{{{ body.total_price }}}}"}}
"""
_LIMIT = 1000
_BAD = re.compile("[\x00\ud800-\udfff]")

Task = dict[str, Any]
Why = tuple[str, Any, Any, str | None]


def rules() -> str:
    """Return a connector of twenty rules: for each topic one above and one below a limit."""
    return _HEAD + "".join(
        _RULE.format(name=f"{size} {topic.replace('/', ' ')}", topic=topic, bound=bound)
        for topic in _TOPICS
        for size, bound in (("big", f"gte: {_LIMIT}"), ("small", f"lt: {_LIMIT}"))
    )


def least(raw: bytes, topic: str) -> Task | None:
    """Make the same task with as little as possible."""
    content = json.loads(raw, parse_float=Decimal)
    try:
        price = Decimal(content.get("total_price"))
    except (InvalidOperation, TypeError):
        return None
    size = "big" if price >= _LIMIT else "small"
    return _task(content, f"{size} {topic.replace('/', ' ')}") if topic in _TOPICS else None


def by_hand(event: IncomingEvent) -> tuple[Task | None, str | None, list[Why]]:
    """Do the same: JSON to the letter, the key that makes a duplicate, the task, and why."""
    content = jsonio.loads(event.body)
    found = content.get("total_price")
    try:
        price = Decimal(found)
    except (InvalidOperation, TypeError):
        return None, event.delivery_id, [("total_price", None, found, "it is no number")]
    task: Task | None = None
    why: list[Why] = []
    for topic in _TOPICS:
        if event.type != topic:
            continue
        for size, holds in (("big", price >= _LIMIT), ("small", price < _LIMIT)):
            why += [("event", topic, topic, None), ("total_price", _LIMIT, found, None)]
            if holds:
                task = _task(content, f"{size} {topic.replace('/', ' ')}")
    return task, event.delivery_id, why


def _task(content: dict[str, Any], name: str) -> Task:
    return {
        "key": _text(f"order-{content['id']}"),
        "version": _text(content["created_at"]),
        "title": _text(f"{name} {content['name']}"),
        "description": _text(
            f"{len(content['line_items'])} items, {content['total_price']} {content['currency']}"
        ),
        "priority": "high",
        "labels": ["shopify"],
        "custom": {"order_total": _text(content["total_price"])},
    }


def _text(words: str) -> str:
    """Return a text that a database can hold."""
    return words if words.isascii() and "\x00" not in words else _BAD.sub("\ufffd", words)


async def measure(split: Cores, *, quick: bool) -> AsyncIterator[Figure]:
    """Compare the best of many rounds over the same events."""
    del split  # both ways run here, in turns
    events = _events(200)
    loaded = load_texts({"shop.yaml": rules()}, catalogues())
    rule_set = loaded.rule_set
    if rule_set is None:
        raise RuntimeError(f"the rules of the bench are not valid: {loaded.problems}")

    def decide(event: IncomingEvent) -> Task | None:
        decision = judge(event, rule_set).decision
        if decision is None or len(decision.actions) != 1:
            return None
        action = decision.actions[0].action
        if not isinstance(action, OpenTask) or action.key is None:
            return None
        return {"key": action.key.text, "version": action.version, **action.fields}

    def barely(event: IncomingEvent) -> Task | None:
        return least(event.body, event.type or "")

    for event in events:
        if not decide(event) == by_hand(event)[0] == barely(event) is not None:
            raise RuntimeError("the ways do not make the same tasks")
    ours, theirs, least_us = _rounds(events, (decide, by_hand, barely), 20 if quick else 60)
    note = f"20 rules, 5 templates, {len(events[0].body):,} bytes, from bytes to decision"
    yield at_most("deciding about an event", ours, 60, " us", note)
    note = f"{theirs:.1f} us by hand; {ours / least_us:.1f}x a function that only makes the task"
    yield at_most("the same against a function written by hand", ours / theirs, 4, "x", note)


def _events(count: int) -> Sequence[IncomingEvent]:
    chance = random.Random("deciding")  # noqa: S311  data for a load, no secret
    return [
        IncomingEvent(
            id=f"{number:032x}",
            connector="shop",
            received_ms=1_790_000_000_000 + number,
            body=body(chance, topic := chance.choice(_TOPICS)),
            content_type="application/json",
            type=topic,
            delivery_id=f"delivery-{number}",
            headers={"x-shopify-topic": topic, "content-type": "application/json"},
        )
        for number in range(count)
    ]


def _rounds(
    events: Sequence[IncomingEvent], ways: Sequence[Callable[[IncomingEvent], Any]], rounds: int
) -> list[float]:
    """Return the least microseconds an event of each way, over rounds in turns."""
    best = [float("inf")] * len(ways)
    for _ in range(rounds):
        for number, way in enumerate(ways):
            started = perf_counter_ns()
            for event in events:
                way(event)
            best[number] = min(best[number], (perf_counter_ns() - started) / len(events) / 1000)
    return best
