"""How a destination stands: whether anything is sent to it at the moment, and if not, why and until when.

Workers write it (pauses and breakers, in Redis); whoever watches over the process reads it, and people may
let a destination go on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from redis.asyncio import Redis

from router.core import jsonio, keys
from router.core.clock import from_epoch_ms, rfc3339
from router.core.store.deliveries import unsettled_counts
from router.core.store.engine import Store
from router.core.store.retries import CREDENTIALS

State = Literal["ok", "open", "paused"]

_BREAKER = ["opened", "until", "since", "why", "failures"]
_LET_PROBE = """
if redis.call('HEXISTS', KEYS[1], 'opened') == 1 then redis.call('HSET', KEYS[1], 'until', '0') end
"""
"""KEYS: a breaker."""


@dataclass(frozen=True, slots=True)
class Standing:
    """`open`: its breaker is; `paused`: it refused us or wants to be left alone.

    `until_ms` is when it is tried again, None if somebody has to act first.
    """

    state: State = "ok"
    code: str | None = None
    message: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        reason = None if self.code is None else {"code": self.code, "message": self.message}
        return {
            "state": self.state,
            "reason": reason,
            "since": _instant(self.since_ms),
            "until": _instant(self.until_ms),
        }


OK = Standing()

TROUBLE = ("uncertain", "held", "failed")
"""States of deliveries that somebody may have to do something about."""


async def standings(redis: Redis, destinations: Collection[str]) -> dict[str, Standing]:
    """Return how each of some destinations stands."""
    names = sorted(destinations)
    if not names:
        return {}
    async with redis.pipeline(transaction=False) as pipe:
        pipe.time()
        for name in names:
            pipe.get(keys.pause(name))
            pipe.pttl(keys.pause(name))
            pipe.hmget(keys.breaker(name), _BREAKER)
        (seconds, microseconds), *answers = await pipe.execute()
    now_ms = seconds * 1000 + microseconds // 1000
    found = zip(names, answers[::3], answers[1::3], answers[2::3], strict=True)
    return {name: _standing(pause, left_ms, kept, now_ms) for name, pause, left_ms, kept in found}


async def overview(store: Store, redis: Redis, types: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return how each destination stands and how much is in trouble there, by name, as JSON.

    `types` are those in force, by name; others are shown if something is in trouble there.
    """
    async with store.connect() as conn:
        counts = await unsettled_counts(conn)
    names = sorted({*types, *(name for name, _ in counts)})
    stands = await standings(redis, names)
    return [
        {
            "name": name,
            "type": types.get(name),
            **stands[name].as_json(),
            "deliveries": {state: counts.get((name, state), 0) for state in TROUBLE},
        }
        for name in names
    ]


async def let_go_on(redis: Redis, destination: str) -> bool:
    """End what keeps a destination from being sent to, because somebody wants it to be tried.

    A pause for credentials ends; an open breaker lets a probe through at once. A destination that asked for
    patience (429) gets it. Returns whether it was paused for its credentials.
    """
    stored = await redis.get(keys.pause(destination))
    await redis.register_script(_LET_PROBE)(keys=[keys.breaker(destination)])
    if stored is None or jsonio.loads(stored)["code"] != CREDENTIALS:
        return False
    await redis.delete(keys.pause(destination))
    return True


def _standing(pause: bytes | None, left_ms: int, kept: list[bytes | None], now_ms: int) -> Standing:
    if pause is not None:
        told = jsonio.loads(pause)
        until_ms = None if left_ms < 0 else now_ms + left_ms
        return Standing("paused", told["code"], told["message"], told.get("since_ms"), until_ms)
    opened, until, since, why, failures = kept
    if not int(opened or 0):
        return OK
    message = f"{int(failures or 0)} failures in a row; the last one: {(why or b'').decode()}"
    return Standing("open", "breaker-open", message, _ms(since), _ms(until))


def _ms(microseconds: bytes | None) -> int | None:
    return None if microseconds is None else int(microseconds) // 1000


def _instant(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else rfc3339(from_epoch_ms(milliseconds))
