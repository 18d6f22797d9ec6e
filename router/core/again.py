"""Somebody wants deliveries sent again: what keeps their destination from being sent to ends, too (V2)."""

from __future__ import annotations

from collections.abc import Collection

from redis.asyncio import Redis

from router.core.standing import let_go_on
from router.core.store.deliveries import get_deliveries
from router.core.store.engine import Store
from router.core.store.retries import CREDENTIALS, Handled, adopt, release, retry


async def send_again(
    store: Store,
    redis: Redis,
    delivery_ids: Collection[str],
    *,
    now_ms: int,
    external_id: str | None = None,
) -> Handled:
    """Have deliveries sent again at once; with an `external_id` that is what the one copy is.

    If a destination was paused for its credentials, all that is held for them goes on.

    Raises:
        RedisError, OSError: Redis is away; nothing was done.
    """
    async with store.connect() as conn:
        rows = await get_deliveries(conn, delivery_ids)
    concerned = {row["destination"] for row in rows if row["state"] != "current"}
    for destination in sorted(concerned):
        if await let_go_on(redis, destination):
            await release(store, destination, CREDENTIALS, now_ms=now_ms)
    async with store.begin() as conn:
        if external_id is not None:
            (delivery_id,) = delivery_ids
            return await adopt(conn, delivery_id, external_id, now_ms=now_ms)
        return await retry(conn, delivery_ids, now_ms=now_ms)
