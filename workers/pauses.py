"""Pauses: while one lasts, nothing is sent to a destination, by any worker (decisions V2, V6).

They are kept in Redis. A pause for credentials lasts until the destination's configuration or one of its
secrets changes, or until somebody removes it by retrying a delivery.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache

from redis.asyncio import Redis

from router.core import jsonio, keys
from router.core.errors import SecretMissingError, SettingsError
from router.core.store.retries import CREDENTIALS
from workers.destinations.destination import Common, Destination
from workers.destinations.sender import SecretStore

RATE_LIMITED = "rate-limited"

__all__ = ["CREDENTIALS", "RATE_LIMITED", "Pause", "Pauses", "mark_of"]


@dataclass(frozen=True, slots=True)
class Pause:
    """Why a destination is left alone; `mark` stands for the credentials that were refused."""

    code: str
    message: str
    mark: str = ""
    since_ms: int | None = None


class Pauses:
    """Reads and sets the pauses of destinations."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def of(self, destination: str) -> Pause | None:
        """Return the pause a destination is in."""
        stored = await self._redis.get(keys.pause(destination))
        return None if stored is None else Pause(**jsonio.loads(stored))

    async def put(self, destination: str, pause: Pause, *, for_ms: int | None = None) -> None:
        """Leave a destination alone, for a time or until it is ended."""
        told: Mapping[str, object] = asdict(pause)
        await self._redis.set(
            keys.pause(destination),
            jsonio.dumps(told),
            px=None if for_ms is None else max(1, for_ms),
        )

    async def end(self, destination: str) -> None:
        """Let requests to a destination go on."""
        await self._redis.delete(keys.pause(destination))


def mark_of(kind: Destination, config: Common, secrets: SecretStore) -> str:
    """Return a text that changes with a destination's configuration and secrets, and tells neither."""
    values: list[str] = []
    for name in sorted(kind.secrets(config)):
        try:
            values.append(secrets.get(name))
        except (SecretMissingError, SettingsError):
            values.append("")
    return _digest(config.model_dump_json(by_alias=True), "\x1f".join(values))


@lru_cache(maxsize=64)
def _digest(configuration: str, secrets: str) -> str:
    """Hash slowly: what is kept in Redis must not help anybody who guesses secrets."""
    salt = hashlib.sha256(configuration.encode()).digest()
    return hashlib.scrypt(secrets.encode(), salt=salt, n=4096, r=8, p=1, dklen=16).hex()
