"""Redis and the database as the settings name them, or as a running `hookyard up` has them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr
from redis.asyncio import Redis

from router.cli import embedded
from router.cli.failures import CommandError
from router.core.redis_client import connect
from router.core.settings import Settings
from router.core.store.engine import Store, open_store
from router.core.store.migrate import at_head


def redis_url(settings: Settings) -> str:
    """Return the URL of Redis: as set, else that of the `hookyard up` on the data directory.

    Raises:
        CommandError: None is set and no `hookyard up` runs there.
    """
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    if embedded.is_running(settings.data):
        return embedded.url(settings.data)
    raise CommandError(
        f"HOOKYARD_REDIS_URL is not set, and no `hookyard up` runs on {settings.data}. "
        "Set it, start `hookyard up`, or name its directory with --data"
    )


def with_redis_url(settings: Settings) -> Settings:
    """Return settings whose `redis_url` is set; see `redis_url`."""
    return settings.model_copy(update={"redis_url": SecretStr(redis_url(settings))})


@asynccontextmanager
async def redis_of(settings: Settings) -> AsyncIterator[Redis]:
    """Open a connection to Redis for as long as the context lasts."""
    redis = connect(redis_url(settings))
    try:
        yield redis
    finally:
        await redis.aclose()


@asynccontextmanager
async def store_of(settings: Settings) -> AsyncIterator[Store]:
    """Open the database for as long as the context lasts.

    Raises:
        CommandError: It has no tables yet, or those of another release.
        StoreUnavailableError: It cannot be reached.
    """
    if settings.database_url is None and not (settings.data / "hookyard.db").exists():
        raise CommandError(
            f"there is no database in {settings.data} yet: `hookyard up` makes one; or set "
            "HOOKYARD_DATABASE_URL, or name another directory with --data"
        )
    if not await at_head(settings.database):
        raise CommandError(
            "the database has no tables of this release; `hookyard db upgrade` makes them"
        )
    store = await open_store(settings.database)
    try:
        yield store
    finally:
        await store.close()
