"""What somebody does about deliveries, and that they did (decision V2).

Who wants them sent again ends what keeps their destination from being sent to, too.
"""

from __future__ import annotations

from collections.abc import Collection

from redis.asyncio import Redis

from router.core.standing import let_go_on
from router.core.store import audit, retries
from router.core.store.audit import Done
from router.core.store.deliveries import get_deliveries
from router.core.store.engine import Store
from router.core.store.retries import CREDENTIALS, Handled, adopt, release, retry


async def send_again(
    store: Store,
    redis: Redis,
    delivery_ids: Collection[str],
    *,
    now_ms: int,
    done: Done,
    external_id: str | None = None,
    one_by_one: bool = True,
) -> Handled:
    """Have deliveries sent again at once; with an `external_id` that is what the one copy is.

    If a destination was paused for its credentials, all that is held for them goes on. The audit log
    tells of each delivery; not if they are not taken `one_by_one`: then whoever asks has told of them all.

    Raises:
        RedisError, OSError: Redis is away; nothing was done.
    """
    async with store.connect() as conn:
        rows = await get_deliveries(conn, delivery_ids)
    concerned = {row["destination"] for row in rows if row["state"] != "current"}
    for destination in sorted(concerned):
        if await let_go_on(redis, destination):
            async with store.begin() as conn:
                await audit.note(conn, done("destination-resumed", destination))
            await release(store, destination, CREDENTIALS, now_ms=now_ms)
    async with store.begin() as conn:
        if external_id is None:
            handled = await retry(conn, delivery_ids, now_ms=now_ms)
        else:
            (delivery_id,) = delivery_ids
            handled = await adopt(conn, delivery_id, external_id, now_ms=now_ms)
        found = {} if external_id is None else {"external_id": external_id}
        for row in handled.rows if one_by_one else ():
            detail = {"destination": row["destination"], **found}
            await audit.note(conn, done("delivery-retried", row["id"], **detail))
    return handled


async def give_up(
    store: Store,
    delivery_ids: Collection[str],
    reason: str,
    *,
    now_ms: int,
    done: Done,
    one_by_one: bool = True,
) -> Handled:
    """Give deliveries up; for the audit log see `send_again`."""
    async with store.begin() as conn:
        handled = await retries.drop(conn, delivery_ids, reason, now_ms=now_ms)
        for row in handled.rows if one_by_one else ():
            detail = {"destination": row["destination"], "reason": reason}
            await audit.note(conn, done("delivery-dropped", row["id"], **detail))
    return handled
