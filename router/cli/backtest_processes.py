"""The two sides of a back-test, each in a process of its own, and their outcomes side by side.

Each process reads the same stretch of the event log and rehearses it with one set of rules. They share
nothing, so two cores take half the time of one.
"""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from router.cli.catalogues import catalogues
from router.cli.failures import CommandError
from router.cli.start import run_async
from router.core.store.engine import open_store
from router.core.store.events import Stretch, events_of
from rules.loader import load
from workers.backtest import Outcome, outcome_of
from workers.rehearsal import Rehearsal

_AT_ONCE: Final = 500
"""Events that are read and handed over together."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side: the directory of its rules, and what it reads."""

    routes: Path
    database: str
    stretch: Stretch
    connectors: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Side({self.routes})"  # the database's URL may hold a password


def side_by_side(live: Side, new: Side) -> Iterator[tuple[Outcome, Outcome]]:
    """Yield what came of each event under either set of rules.

    An event that retention takes away in the middle, so that only one side has read it, is passed over.

    Raises:
        CommandError: A side ended before it was done.
    """
    with closing(_outcomes(live)) as left, closing(_outcomes(new)) as right:
        one, other = next(left, None), next(right, None)
        while one is not None and other is not None:
            first, second = one.event_id, other.event_id
            if first == second:
                yield one, other
            if first <= second:
                one = next(left, None)
            if second <= first:
                other = next(right, None)


def _outcomes(side: Side) -> Generator[Outcome, None, None]:
    """Start a side and yield its outcomes as they come; end it when nobody wants more."""
    context = get_context("spawn")  # a fork would take the parent's event loop and threads along
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(side, sending), daemon=True)
    process.start()
    sending.close()
    try:
        while True:
            try:
                outcomes = receiving.recv()
            except EOFError:
                raise CommandError(f"the back-test of {side.routes} ended early") from None
            if outcomes is None:
                return
            if isinstance(outcomes, str):
                raise CommandError(f"the back-test of {side.routes}: {outcomes}")
            yield from outcomes
    finally:
        receiving.close()
        if process.is_alive():
            process.terminate()
        process.join()


def _run(side: Side, sending: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it, and ends this one
    try:
        run_async(_rehearse(side, sending))
    except BrokenPipeError:
        return  # nobody wants more
    except Exception as error:  # noqa: BLE001  the boundary of a process: the parent says what it was
        sending.send(f"{type(error).__name__}: {error}")
        return
    sending.send(None)


async def _rehearse(side: Side, sending: Connection) -> None:
    rule_set = load(side.routes, catalogues(), warn=False).rule_set
    if rule_set is None:
        raise CommandError("its files have changed, and have errors now")
    rehearsal = Rehearsal(rule_set)
    store = await open_store(side.database)
    try:
        after: str | None = None
        while True:
            async with store.connect() as conn:
                events = await events_of(
                    conn, side.stretch, after=after, limit=_AT_ONCE, connectors=side.connectors
                )
            if not events:
                return
            after = events[-1].id
            sending.send([outcome_of(rehearsal.route(event)) for event in events])
    finally:
        await store.close()
