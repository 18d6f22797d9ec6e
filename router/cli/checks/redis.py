"""Whether Redis keeps what it is given: version, persistence, eviction, clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from router.cli import embedded
from router.cli.checks.clock import check_skew
from router.cli.checks.finding import Finding, ok, problem, warning
from router.cli.failures import CommandError
from router.cli.parts import redis_of
from router.core.clock import Clock, epoch_ms
from router.core.redaction import scrub
from router.core.settings import Settings

_LEAST_VERSION = (6, 2)


async def check_redis(settings: Settings, clock: Clock) -> list[Finding]:
    """Check the Redis of the settings, or what `hookyard up` would start."""
    if settings.redis_url is None and not embedded.is_running(settings.data):
        return [_not_started(settings)]
    try:
        async with redis_of(settings) as redis:
            return await _ask(redis, clock)
    except (RedisError, OSError, ValueError) as error:
        return [
            problem(
                "redis",
                f"cannot be reached: {scrub(str(error))}",
                "start it, or correct HOOKYARD_REDIS_URL",
                reachable=False,
            )
        ]


def _not_started(settings: Settings) -> Finding:
    try:
        server = embedded.choose_server(settings.data)
    except CommandError as error:
        return problem("redis", "none is set and none can be started", str(error), reachable=False)
    return ok("redis", f"not running; `hookyard up` starts {server}")


async def _ask(redis: Redis, clock: Clock) -> list[Finding]:
    info: Mapping[str, Any] = await redis.info()
    before = epoch_ms(clock())
    seconds, microseconds = await redis.time()
    after = epoch_ms(clock())
    theirs = int(seconds) * 1000 + int(microseconds) // 1000
    return [
        _version(info),
        await _persistence(redis, info),
        await _eviction(redis, info),
        check_skew("Redis", before, theirs, after),
    ]


def _version(info: Mapping[str, Any]) -> Finding:
    version = str(info.get("valkey_version") or info.get("redis_version", "0"))
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    name = "Valkey" if "valkey_version" in info else "Redis"
    if numbers < _LEAST_VERSION:
        return problem("redis", f"{name} {version} is too old", "use Redis 6.2 or newer, or Valkey")
    return ok("redis", f"{name} {version}")


async def _persistence(redis: Redis, info: Mapping[str, Any]) -> Finding:
    if not info.get("aof_enabled"):
        return problem(
            "persistence",
            "Redis keeps events in memory only: a restart loses what was acknowledged",
            "start it with `--appendonly yes --appendfsync always`",
        )
    if info.get("aof_last_write_status", "ok") != "ok":
        return problem(
            "persistence",
            "Redis could not write its append-only file",
            "look at its log and at the free space of its disk",
        )
    fsync = await _config(redis, "appendfsync")
    if fsync == "always":
        return ok("persistence", "append-only file, synced before each answer")
    if fsync is None:
        return warning(
            "persistence",
            "append-only file; whether each write is synced cannot be asked here",
            "set `appendfsync always` where this Redis is configured",
        )
    return warning(
        "persistence",
        f"append-only file, appendfsync {fsync}: a power cut may lose the last second",
        "set `appendfsync always`; it costs Hookyard about a tenth of its throughput",
    )


async def _eviction(redis: Redis, info: Mapping[str, Any]) -> Finding:
    policy = info.get("maxmemory_policy") or await _config(redis, "maxmemory-policy")
    if policy is None:
        return warning(
            "eviction", "the policy cannot be asked here", "make sure that it is noeviction"
        )
    if policy != "noeviction":
        return problem(
            "eviction",
            f"the policy is {policy}: Redis would throw events away when memory is short",
            "set `maxmemory-policy noeviction`",
        )
    return ok("eviction", "noeviction")


async def _config(redis: Redis, name: str) -> str | None:
    """Return a setting of the server; None where asking is forbidden, as with many hosted ones."""
    try:
        found = await redis.config_get(name)
    except RedisError:
        return None
    value = found.get(name) or found.get(name.encode())
    return value.decode() if isinstance(value, bytes) else value
