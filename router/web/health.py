"""`/healthz`, `/readyz`, `/metrics`: for those who watch over the process."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable
from typing import Any

from aiohttp import web
from redis.asyncio import Redis
from redis.exceptions import RedisError

from router.core import metrics, rules_state
from router.core.clock import Clock, epoch_ms
from router.core.errors import StoreError
from router.core.pending import PendingBatches
from router.core.standing import Standing, standings
from router.core.store.engine import Store
from router.web.api.endpoint import Handler, guarded, json_response
from router.web.api.tokens import ADMIN, Tokens
from router.web.connectors import Connectors

_ANSWER_WITHIN_S = 2.0
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


class Health:
    """Answers how the process and what it stands on are doing."""

    def __init__(
        self,
        *,
        redis: Redis,
        store: Store,
        pending: PendingBatches,
        connectors: Connectors,
        tokens: Tokens,
        clock: Clock,
    ) -> None:
        self._redis = redis
        self._store = store
        self._pending = pending
        self._connectors = connectors
        self._tokens = tokens
        self._clock = clock
        self._shown: set[str] = set()

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Add the three addresses."""
        router.add_get("/healthz", self._healthz)
        router.add_get("/readyz", self._for_insiders(self._readyz))
        router.add_get("/metrics", self._for_insiders(self._metrics))

    def _for_insiders(self, handle: Handler) -> Handler:
        """Let through who is on this machine or has a token of the scope admin (decision A6)."""

        async def guard(request: web.Request) -> web.Response:
            if not is_local(request):
                await self._tokens.demand(request, ADMIN)
            return await handle(request)

        return guarded(guard)

    async def _healthz(self, _request: web.Request) -> web.Response:
        return json_response({"status": "ok"})

    async def _readyz(self, _request: web.Request) -> web.Response:
        redis, database, rules, destinations = await asyncio.gather(
            _answers(self._redis.ping()),
            _answers(self._store.ping()),
            self._rules(),
            self._destinations(),
        )
        ready = redis["state"] == database["state"] == "ok" and rules["state"] != "waiting"
        content = {
            "status": "ready" if ready else "not ready",
            "redis": redis,
            "database": database,
            "rules": rules,
            "destinations": destinations,
        }
        return json_response(content, 200 if ready else 503)

    async def _rules(self) -> dict[str, Any]:
        """Tell of the rules: `waiting` as long as none could be loaded, `stale` on a bad edit."""
        said = await self._said_of_rules()
        in_force = self._connectors.hash
        if in_force is not None:
            return {"state": "ok", **(said or {}), "hash": in_force}
        if said is None:
            reason = "Redis does not say"
        elif said:
            reason = "the rule files have problems, and none were in force before"
        else:
            reason = "no worker has put rules in force yet"
        return {**(said or {}), "state": "waiting", "reason": reason, "hash": None}

    async def _said_of_rules(self) -> dict[str, Any] | None:
        """Return what a worker says of its rule files while they have problems; None if Redis is away."""
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                return await rules_state.said(self._redis) or {}
        except (RedisError, OSError, TimeoutError):
            return None

    async def _destinations(self) -> dict[str, Any]:
        """Name the destinations that nothing is sent to at the moment; none makes us unready (V30)."""
        return {
            name: standing.as_json()
            for name, standing in (await self._standings()).items()
            if standing.state != "ok"
        }

    async def _standings(self) -> dict[str, Standing]:
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                return await standings(self._redis, self._connectors.destinations)
        except (RedisError, OSError, TimeoutError):
            return {}  # that Redis is away is said already

    async def _metrics(self, _request: web.Request) -> web.Response:
        await self._measure_backlog()
        await self._measure_rules()
        await self._measure_destinations()
        body, content_type = metrics.render()
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _measure_rules(self) -> None:
        said = await self._said_of_rules()
        if said is not None:
            is_good = not said and self._connectors.hash is not None
            metrics.RULES_LAST_RELOAD_SUCCESS.set(1 if is_good else 0)

    async def _measure_destinations(self) -> None:
        stands = await self._standings()
        for name in self._shown.union(stands):
            metrics.BREAKER_OPEN.labels(name).set(name in stands and stands[name].state != "ok")
        self._shown.update(stands)

    async def _measure_backlog(self) -> None:
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                events = await self._pending.count_events()
                oldest_ms = await self._pending.oldest_ms()
        except (RedisError, OSError, TimeoutError):
            return  # the other metrics matter all the more while Redis is away
        now_ms = epoch_ms(self._clock())
        metrics.BACKLOG_EVENTS.set(events)
        metrics.BACKLOG_AGE_SECONDS.set(
            0 if oldest_ms is None else max(0, now_ms - oldest_ms) / 1000
        )


def is_local(request: web.Request) -> bool:
    """Tell whether a request comes from this machine, and not through a proxy on it."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        address = ipaddress.ip_address(request.remote or "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


async def _answers(asked: Awaitable[Any]) -> dict[str, str]:
    """Tell whether what was asked answers in time; the reason holds no address."""
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_S):
            await asked
    except TimeoutError:
        return {"state": "away", "reason": "no answer in time"}
    except (RedisError, OSError) as error:
        return {"state": "away", "reason": type(error).__name__}
    except StoreError as error:
        return {"state": "away", "reason": str(error)}
    return {"state": "ok"}
