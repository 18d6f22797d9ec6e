"""Rules in force in a worker, from the texts of files."""

from __future__ import annotations

import asyncio
from pathlib import Path

from redis.asyncio import Redis

from router.cli.catalogues import catalogues
from router.core.clock import Clock, utc_now
from router.core.settings import Secrets, load_settings
from router.core.store.engine import Store
from tests.support.routes import OPEN_DOOR, write_routes
from workers.rules_in_force import RulesInForce


def loader_of(
    directory: Path, redis: Redis, store: Store, clock: Clock = utc_now, **secrets: str
) -> RulesInForce:
    """Return what loads the rules of a directory; it has not done so yet."""
    known = {Secrets.variable(name): value for name, value in secrets.items()}
    return RulesInForce(
        directory,
        catalogues(),
        Secrets(load_settings(), known),
        redis=redis,
        store=store,
        clock=clock,
    )


async def rules_in_force(
    directory: Path, redis: Redis, store: Store, clock: Clock = utc_now, **files: str
) -> RulesInForce:
    """Return rules from the files given, and a connector `open` beside them."""
    write_routes(directory / "routes", open=OPEN_DOOR, **files)
    rules = loader_of(directory / "routes", redis, store, clock)
    await rules.start(asyncio.Event())
    return rules
