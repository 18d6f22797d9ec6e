"""The board of tasks for commands: by hand, on the database itself, by the rules in force."""

from __future__ import annotations

import os
import pwd
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from pydantic import ValidationError

from router.cli.failures import CommandError
from router.cli.parts import redis_of, store_of
from router.core.actor import Actor
from router.core.clock import utc_now
from router.core.ids import id_source
from router.core.intake_table import IntakeTable
from router.core.names import Names
from router.core.nudges import nudge_soon
from router.core.settings import Settings
from router.core.store import rule_sets
from router.core.store.engine import Store
from router.core.task_board import TaskBoard
from workers.by_hand import ByHand


def actor() -> Actor:
    """Return who gives commands: the user of the system."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return Actor("cli", name)


@asynccontextmanager
async def board_of(settings: Settings) -> AsyncIterator[tuple[TaskBoard, Store]]:
    """Open the board, and its database, for as long as the context lasts.

    Raises:
        CommandError, StoreUnavailableError: See `store_of`.
    """
    async with store_of(settings) as store:
        names = await _names(store)

        async def nudge(destinations: Collection[str]) -> None:
            if not destinations:
                return
            try:
                async with redis_of(settings) as redis:
                    await nudge_soon(redis, utc_now, destinations)
            except CommandError:  # no Redis is known: workers find out by themselves
                pass

        board = TaskBoard(
            store=store,
            reader=ByHand(),
            names=lambda: names,
            clock=utc_now,
            new_id=id_source(),
            nudge=nudge,
        )
        yield board, store


async def _names(store: Store) -> Names:
    """Return what tasks may name by the rules that came into force last."""
    async with store.connect() as conn:
        kept = await rule_sets.last_good(conn)
    if kept is None:
        return Names()
    try:
        return IntakeTable.model_validate(kept["intake_table"]).names
    except ValidationError:
        raise CommandError(
            "the rules in force are of another release; start a worker of this one"
        ) from None
