"""Which set of rules receivers go by, where several workers may go by several.

Each worker decides by what its own files hold. Receivers know one set's connectors: the newest one, where
a set is new when a worker's files become it. A worker that is started on older files replaces nothing,
unless no worker goes by the newer set any more.
"""

from __future__ import annotations

import structlog
from redis.asyncio import Redis

from router.core import keys
from router.core.clock import Clock, epoch_ms
from router.core.intake_table import publish, published
from router.core.store import rule_sets
from router.core.store.engine import Store
from workers.in_force import InForce

_USED_MS = 5000
"""How long a set counts as used after a worker said that it goes by it; each says so every second."""

log = structlog.get_logger(__name__)


class RulesPublished:
    """Keeps sets of rules in the database, and the newest one published."""

    def __init__(self, redis: Redis, store: Store, clock: Clock) -> None:
        self._redis = redis
        self._store = store
        self._clock = clock
        self._at_ms = 0
        self._unused_since_ms: int | None = None

    async def put(self, in_force: InForce) -> None:
        """Keep and publish a set as the newest: a worker's files have become it."""
        async with self._store.begin() as conn:
            last = await rule_sets.last_good(conn)
            # Whatever this machine's clock says: it is newer than the one before.
            now_ms = epoch_ms(self._clock())
            at_ms = now_ms if last is None else max(now_ms, last["in_force_ms"] + 1)
            await rule_sets.put_in_force(
                conn,
                rules_hash=in_force.rule_set.hash,
                files=in_force.rule_set.files,
                intake_table=in_force.table.model_dump(mode="json"),
                now_ms=at_ms,
            )
        self._at_ms = at_ms
        await self._publish(in_force)

    async def start(self, in_force: InForce) -> None:
        """Begin to go by a set: it is new if no worker ever went by it, else it is upheld."""
        async with self._store.connect() as conn:
            known = await rule_sets.find(conn, in_force.rule_set.hash)
        if known is None:
            await self.put(in_force)
        else:
            self._at_ms = known["in_force_ms"]
            await self.uphold(in_force)

    async def uphold(self, in_force: InForce) -> None:
        """Say that this worker goes by a set, and publish it if nothing newer that is used is published."""
        rules_hash = in_force.rule_set.hash
        await self._redis.set(keys.rules_used(rules_hash), b"1", px=_USED_MS)
        current = await published(self._redis)
        if current is not None and current.hash == rules_hash:
            self._at_ms = max(self._at_ms, current.at_ms)
        elif current is None or current.at_ms < self._at_ms:
            await self._publish(in_force)
            log.warning("intake_table_published_again", rules=rules_hash)
        elif await self._is_abandoned(current.hash):
            await self.put(in_force)
            log.warning("older_rules_published", rules=rules_hash, instead_of=current.hash)
        else:
            return
        self._unused_since_ms = None

    async def _is_abandoned(self, rules_hash: str) -> bool:
        """Tell whether no worker has gone by a set for a while; after an outage all have to say so anew."""
        now_ms = epoch_ms(self._clock())
        if await self._redis.exists(keys.rules_used(rules_hash)):
            self._unused_since_ms = None
            return False
        if self._unused_since_ms is None:
            self._unused_since_ms = now_ms
        return now_ms - self._unused_since_ms >= _USED_MS

    async def _publish(self, in_force: InForce) -> None:
        await self._redis.set(keys.rules_used(in_force.rule_set.hash), b"1", px=_USED_MS)
        await publish(self._redis, in_force.table, at_ms=self._at_ms)
