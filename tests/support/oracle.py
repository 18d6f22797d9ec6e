"""An oracle: remembers what was sent and what was acknowledged, and in the end does the counting.

It looks into the database itself, so that no code of ours stands between it and the truth but the
column names. Rules are those of `tests.support.routes`: an order makes a task without a key, so a
second effect of one delivery would be a second task; an update counts on one keyed task.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from arq.constants import in_progress_key_prefix, job_key_prefix
from redis.asyncio import Redis
from sqlalchemy import text

from router.core import keys
from router.core.store.engine import Store
from tests.support.waiting import wait_until

_DECIDED = {"routed", "dropped", "duplicate"}


@dataclass
class Oracle:
    """What was sent; deliveries by their id, events by the id in their acknowledgement."""

    sent: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Delivery id -> (order's number, topic)."""
    acknowledged: dict[str, str] = field(default_factory=dict)
    """Event id -> delivery id."""

    def sends(self, delivery_id: str, number: str, topic: str = "orders/create") -> None:
        """Remember a delivery, before it is sent for the first time."""
        self.sent[delivery_id] = (number, topic)

    def hears(self, event_id: str, delivery_id: str) -> None:
        """Remember that a delivery was acknowledged, under which id."""
        before = self.acknowledged.setdefault(event_id, delivery_id)
        assert before == delivery_id, f"event id {event_id} was given twice"

    async def missing(self, store: Store) -> list[str]:
        """Return acknowledged events that have no outcome yet."""
        rows = await _rows(store, "SELECT id, status FROM events")
        decided = {row["id"] for row in rows if row["status"] != "accepted"}
        return [event_id for event_id in self.acknowledged if event_id not in decided]

    async def settled(self, store: Store, redis: Redis, *, within_s: float) -> None:
        """Wait until everything that was accepted is decided and nothing waits in Redis."""

        async def all_decided() -> bool:
            waiting = await redis.zrange(keys.PENDING, 0, -1)
            missing = await self.missing(store)
            if waiting or missing:
                state = [await _state(redis, batch.decode()) for batch in waiting[:3]]
                raise LookupError(f"{len(waiting)} batches wait, {len(missing)} missing: {state}")
            return True

        await wait_until(
            all_decided, "everything is decided", within_s=within_s, ignoring=(LookupError,)
        )

    async def check(self, store: Store, redis: Redis | None = None) -> None:
        """Fail with all that is wrong; everything must have been decided."""
        wrong = [f"acknowledged and lost: {event_id}" for event_id in await self.missing(store)]
        events = await _rows(
            store, "SELECT id, status, reason, delivery_id, duplicate_of FROM events"
        )
        tasks = await _rows(store, "SELECT title, occurrences, source FROM tasks")
        wrong += self._of_events(events)
        wrong += self._of_orders(events, tasks)
        wrong += self._of_counts(tasks)
        if redis is not None:
            waiting = await redis.zcard(keys.PENDING)
            counted = int(await redis.get(keys.PENDING_EVENTS) or 0)
            if waiting or counted:
                wrong.append(f"still pending in Redis: {waiting} batches, {counted} events counted")
        assert not wrong, "\n".join([f"{len(wrong)} wrong:", *wrong[:20]])

    def _of_events(self, events: list[dict[str, Any]]) -> list[str]:
        """Each delivery has one event that acted, all its others are duplicates of that one."""
        wrong = []
        by_delivery: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for event in events:
            by_delivery[event["delivery_id"]].append(event)
            if event["status"] not in _DECIDED:
                wrong.append(f"{event['id']} is {event['status']}: {event['reason']}")
        for delivery_id, found in by_delivery.items():
            if delivery_id not in self.sent:
                wrong.append(f"nobody sent {delivery_id}")
                continue
            acted = [event["id"] for event in found if event["status"] != "duplicate"]
            if len(acted) != 1:
                wrong.append(f"delivery {delivery_id}: {len(acted)} of {len(found)} events acted")
                continue
            wrong += [
                f"{event['id']} is called a duplicate of {event['duplicate_of']}, not of {acted[0]}"
                for event in found
                if event["status"] == "duplicate" and event["duplicate_of"] != acted[0]
            ]
        return wrong

    def _of_orders(self, events: list[dict[str, Any]], tasks: list[dict[str, Any]]) -> list[str]:
        """An order that was routed has exactly one task, any other none."""
        routed = Counter(
            f"Order {self.sent[event['delivery_id']][0]}"
            for event in events
            if event["status"] == "routed"
            and self.sent.get(event["delivery_id"], ("", ""))[1] == "orders/create"
        )
        made = Counter(task["title"] for task in tasks if not task["title"].endswith(" changed"))
        return [
            f"{title}: {routed[title]} routed, {made[title]} tasks"
            for title in routed | made
            if routed[title] != made[title]
        ]

    def _of_counts(self, tasks: list[dict[str, Any]]) -> list[str]:
        """A counted task counts each acknowledged delivery once; one that was not may count or not."""
        least: Counter[str] = Counter()
        most: Counter[str] = Counter()
        heard = set(self.acknowledged.values())
        for delivery_id, (number, topic) in self.sent.items():
            if topic == "orders/updated":
                title = f"Order {number} changed"
                most[title] += 1
                least[title] += delivery_id in heard
        found = {t["title"]: t["occurrences"] for t in tasks if t["title"].endswith(" changed")}
        several = Counter(t["title"] for t in tasks if t["title"].endswith(" changed"))
        wrong = [
            f"{title}: {number} tasks for one key"
            for title, number in several.items()
            if number > 1
        ]
        return wrong + [
            f"{title} counts {found.get(title, 0)}, of {least[title]} to {most[title]} deliveries"
            for title in most
            if not least[title] <= found.get(title, 0) <= most[title]
        ]


async def _state(redis: Redis, batch_id: str) -> dict[str, Any]:
    """Return what Redis has of a batch that waits, for whoever reads why it still does."""
    lease = await redis.get(keys.lease(batch_id))
    running = await redis.get(in_progress_key_prefix + batch_id)
    return {
        "lease": lease,
        "lease's worker lives": lease and await redis.exists(keys.worker(lease.decode())),
        "in progress": running,
        "queued": await redis.zscore(keys.QUEUE, batch_id),
        "job": await redis.exists(job_key_prefix + batch_id),
        "stored": await redis.exists(keys.batch(batch_id)),
    }


async def _rows(store: Store, statement: str) -> list[dict[str, Any]]:
    async with store.connect() as conn:
        return [dict(row) for row in (await conn.execute(text(statement))).mappings()]
