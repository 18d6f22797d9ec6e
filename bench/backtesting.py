"""How long a back-test of 100,000 stored events takes, as the command that people run."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from time import perf_counter

from bench.cores import Cores
from bench.deciding import rules
from bench.figures import Figure, at_most
from bench.webhooks import body
from router.core.clock import epoch_ms, utc_now
from router.core.event import IncomingEvent
from router.core.ids import id_source
from router.core.settings import environment
from router.core.store import routing
from router.core.store.engine import Store, open_store
from router.core.store.events import accepted_row
from router.core.store.migrate import upgrade

COUNT = 100_000
_AT_ONCE = 2_000
_DAYS_MS = 6 * 86_400_000
_WITHIN_S = 600


async def measure(split: Cores, *, quick: bool) -> AsyncIterator[Figure]:
    """Fill a SQLite store, change one rule of twenty, and time the command."""
    del split  # the command takes what cores there are
    count = 10_000 if quick else COUNT
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        await _fill(folder, count)
        for name, text in (
            ("live", rules()),
            ("new", rules().replace("priority: high", "priority: low", 1)),
        ):
            (folder / name).mkdir()
            (folder / name / "shop.yaml").write_text(text, "utf-8")
        started = perf_counter()
        ended = await asyncio.to_thread(_command, folder)
        taken = perf_counter() - started
    if ended.returncode != 1 or "changed" not in ended.stdout:
        raise RuntimeError(f"the back-test found no difference: {ended.stdout} {ended.stderr}")
    must = 120 * count / COUNT
    note = f"two sets of 20 rules, SQLite, {count / taken:,.0f} events/s, the start of the command included"
    yield at_most(f"back-test of {count:,} events", taken, must, " s", note)


async def _fill(folder: Path, count: int) -> None:
    url = f"sqlite:///{folder / 'hookyard.db'}"
    await upgrade(url)
    store = await open_store(url)
    try:
        await _write(store, count)
    finally:
        await store.close()


async def _write(store: Store, count: int) -> None:
    chance = random.Random("back-test")  # noqa: S311  data for a load, no secret
    new_id, first_ms = id_source(), epoch_ms(utc_now()) - _DAYS_MS
    for start in range(0, count, _AT_ONCE):
        rows = [
            accepted_row(
                IncomingEvent(
                    id=new_id(),
                    connector="shop",
                    received_ms=first_ms + number,
                    body=body(chance),
                    content_type="application/json",
                    type="orders/create",
                    delivery_id=f"delivery-{number}",
                )
            )
            for number in range(start, min(start + _AT_ONCE, count))
        ]
        for row in rows:
            row["status"] = "routed"
        async with store.begin() as conn:
            await routing.write(conn, routing.Writes(events=rows))


def _command(folder: Path) -> subprocess.CompletedProcess[str]:
    arguments = ("rules", "backtest", "--routes", "new", "--since", "30d", "--data", ".")
    return subprocess.run(
        [sys.executable, "-m", "router.cli.main", *arguments],
        cwd=folder,
        env={"PATH": environment()["PATH"], "HOOKYARD_ROUTES": "live"},
        capture_output=True,
        text=True,
        timeout=_WITHIN_S,
        check=False,
    )
