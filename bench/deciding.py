"""What deciding about one event costs: 20 rules and 5 templates, against a function written by hand.

Both read the body exactly (`Decimal` for fractions), find the one of twenty cases that fits, and
make the same task of it; the function knows nothing else, keeps no record of why, and could not be
edited by anybody but a programmer. Both run in turns in one process, so that a slow moment of the
machine meets both.
"""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal, InvalidOperation
from time import perf_counter_ns
from typing import Any

from bench.cores import Cores
from bench.figures import Figure, at_most
from bench.webhooks import body
from router.cli.catalogues import catalogues
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


def rules() -> str:
    """Return a connector of twenty rules: for each topic one above and one below a limit."""
    return _HEAD + "".join(
        _RULE.format(name=f"{size} {topic.replace('/', ' ')}", topic=topic, bound=bound)
        for topic in _TOPICS
        for size, bound in (("big", f"gte: {_LIMIT}"), ("small", f"lt: {_LIMIT}"))
    )


def by_hand(raw: bytes, topic: str) -> dict[str, Any] | None:
    """Do the same without rules."""
    content = json.loads(raw, parse_float=Decimal)
    total = content.get("total_price")
    try:
        price = Decimal(total)
    except (InvalidOperation, TypeError):
        return None
    size = "big" if price >= _LIMIT else "small"
    for known in _TOPICS:
        if topic == known:
            name = f"{size} {known.replace('/', ' ')}"
            return {
                "key": f"order-{content['id']}",
                "version": content["created_at"],
                "title": f"{name} {content['name']}",
                "description": (
                    f"{len(content['line_items'])} items, "
                    f"{content['total_price']} {content['currency']}"
                ),
                "priority": "high",
                "labels": ["shopify"],
                "custom": {"order_total": content["total_price"]},
            }
    return None


async def measure(split: Cores, *, quick: bool) -> AsyncIterator[Figure]:
    """Compare the best of many rounds over the same events."""
    del split  # both ways run here, in turns
    events = _events(200)
    loaded = load_texts({"shop.yaml": rules()}, catalogues())
    rule_set = loaded.rule_set
    if rule_set is None:
        raise RuntimeError(f"the rules of the bench are not valid: {loaded.problems}")

    def decide(event: IncomingEvent) -> dict[str, Any] | None:
        decision = judge(event, rule_set).decision
        if decision is None or len(decision.actions) != 1:
            return None
        action = decision.actions[0].action
        if not isinstance(action, OpenTask) or action.key is None:
            return None
        return {"key": action.key.text, "version": action.version, **action.fields}

    def plainly(event: IncomingEvent) -> dict[str, Any] | None:
        return by_hand(event.body, event.type or "")

    if any(decide(event) is None or decide(event) != plainly(event) for event in events):
        raise RuntimeError("the two ways do not make the same tasks")
    ours, theirs = _rounds(events, (decide, plainly), 20 if quick else 60)
    note = f"20 rules, 5 templates, {len(events[0].body):,} bytes, from bytes to decision"
    yield at_most("deciding about an event", ours, 60, " us", note)
    yield at_most(
        "the same against a function written by hand",
        ours / theirs,
        4,
        "x",
        f"{theirs:.1f} us by hand",
    )


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
