"""Whole workers inside the test's own process: started, stopped, and looked at from within."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import text

from router.cli.catalogues import catalogues
from router.core import keys
from router.core.settings import Secrets, Settings, load_settings
from router.core.store.engine import Store
from tests.support.waiting import wait_until
from workers.main import work


@dataclass(frozen=True, slots=True)
class Workplace:
    """What all workers of a test share; `secrets` may be changed while they work."""

    routes: Path
    redis_url: str
    database_url: str
    secrets: dict[str, str] = field(default_factory=dict)

    @asynccontextmanager
    async def worker(self, *, at_work: bool = True, **given: Any) -> AsyncIterator[asyncio.Event]:
        """Run a worker for as long as the block lasts; gives the event that stops it.

        It takes jobs when the block begins, unless it is not to be `at_work` by then. It must not end
        by itself, and it must end once it is stopped.
        """
        stop = asyncio.Event()
        redis: Redis = Redis.from_url(self.redis_url)
        others = await workers_of(redis)
        settings = self._settings(**given)
        secrets = Secrets(settings, _Variables(self.secrets))
        working = asyncio.create_task(work(settings, secrets, catalogues(), stop=stop))
        try:
            if at_work:
                await another_worker(redis, others)
            yield stop
            assert stop.is_set() or not working.done(), "the worker ended by itself"
        finally:
            stop.set()
            await redis.aclose()
            async with asyncio.timeout(25):
                await working

    def _settings(self, **given: Any) -> Settings:
        return load_settings(
            routes=self.routes,
            redis_url=SecretStr(self.redis_url),
            database_url=SecretStr(self.database_url),
            **given,
        )


class _Variables(dict[str, str]):
    """An environment whose secrets are those of a mapping at the moment."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        super().__init__()
        self._secrets = secrets

    def get(self, name: str, default: Any = None) -> Any:
        named = {Secrets.variable(key): value for key, value in self._secrets.items()}
        return named.get(name, default)


async def workers_of(redis: Redis) -> set[bytes]:
    """Return the keys of the workers that live."""
    return {name async for name in redis.scan_iter(keys.worker("*"))}


async def another_worker(redis: Redis, others: Collection[bytes], *, within_s: float = 20) -> None:
    """Wait until a worker lives that is none of the others."""

    async def is_there() -> set[bytes]:
        return await workers_of(redis) - set(others)

    await wait_until(is_there, "another worker is at work", within_s=within_s)


async def rows(store: Store, table: str) -> list[dict[str, Any]]:
    """Return all rows of a table by id, JSON columns as text."""
    async with store.connect() as conn:
        found = await conn.execute(text(f"SELECT * FROM {table} ORDER BY id"))  # noqa: S608  a table of ours
        return [dict(row) for row in found.mappings()]


async def outcome_of(store: Store, event_id: str, *, within_s: float = 15) -> dict[str, Any]:
    """Return an event's row once it is there."""

    async def decided() -> dict[str, Any] | None:
        return next((row for row in await rows(store, "events") if row["id"] == event_id), None)

    return await wait_until(decided, f"event {event_id} is decided", within_s=within_s)
