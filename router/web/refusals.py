"""Records refusals so that an operator sees why a webhook "does not arrive".

Requests only leave a note here; the database is written to by a task of its own. When it is away
notes wait, and when too many wait, or a connector is refused too often in a minute, they are only
counted: reception is never slowed down.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Tally
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import islice
from typing import Any

import structlog

from router.core.clock import Clock, epoch_ms
from router.core.errors import StoreError
from router.core.ids import IdSource
from router.core.metrics import REFUSALS_UNRECORDED
from router.core.redaction import REDACTED, redact_headers, scrub

_PER_MINUTE = 60
"""Notes a connector gets in a minute; what is summed up gets none but the sum."""
_PER_HOUR = 600
"""Notes it gets in an hour, so that a flood of days does not fill the store either."""
_BUFFERED = 2000
_AT_ONCE = 200
_LINGER_S = 0.2
_AGAIN_S = 2.0
_CLOSE_WITHIN_S = 3.0
_MAX_NAME = 100
_MAX_VALUE = 500
_MAX_HEADERS = 60
_MAX_SHOWN = 8000
_LEFT_OUT = "(left out)"
_MINUTE_MS = 60_000
_HOUR_MINUTES = 60

Row = dict[str, Any]
_Kind = tuple[str, str, bool]
"""What is summed up together: whose cap it is, the code, and whether it is beyond that cap."""
Save = Callable[[Sequence[Row]], Awaitable[None]]
"""Writes rows of the table `refusals` in a transaction."""

_log = structlog.get_logger(__name__)


class RefusalRecorder:
    """Buffers refusals and writes them; `note` never waits."""

    def __init__(self, save: Save, *, new_id: IdSource, clock: Clock) -> None:
        self._save = save
        self._new_id = new_id
        self._clock = clock
        self._rows: deque[Row] = deque()
        self._something = asyncio.Event()
        self._flushing = asyncio.Lock()
        self._minute = 0
        self._hour = 0
        self._of_hour: Tally[str] = Tally()
        self._noted: Tally[str] = Tally()
        self._over: dict[_Kind, Row] = {}
        self._summed: Tally[_Kind] = Tally()

    def note(
        self,
        connector: str,
        *,
        bucket: str,
        status: int,
        code: str,
        reason: str,
        remote: str | None,
        headers: Mapping[str, str],
        hidden: frozenset[str] = frozenset(),
        summed_up: bool = False,
    ) -> None:
        """Remember a refusal.

        `bucket` is what the cap of a minute is about; `summed_up` leaves it at one note a minute with
        a count. `hidden` names headers that hold credentials.
        """
        now_ms = epoch_ms(self._clock())
        self._turn(now_ms // _MINUTE_MS)
        row = {
            "id": "",
            "connector": connector,
            "at_ms": now_ms,
            "status": status,
            "code": code,
            "reason": reason,
            "remote": remote,
            "headers": {},
        }
        if summed_up:
            self._sum_up((bucket, code, False), row)
        elif self._noted[bucket] < _PER_MINUTE and self._of_hour[bucket] < _PER_HOUR:
            self._noted[bucket] += 1
            self._of_hour[bucket] += 1
            row["headers"] = _presentable(headers, hidden)
            self._add(row)
        else:
            REFUSALS_UNRECORDED.inc()
            self._sum_up((bucket, code, True), row)

    def _sum_up(self, what: _Kind, row: Row) -> None:
        """Count what gets no note of its own; the last one is remembered."""
        self._over[what] = row
        self._summed[what] += 1
        self._something.set()

    async def run(self) -> None:
        """Write notes until cancelled, through outages of the database."""
        while True:
            await self._something.wait()
            await asyncio.sleep(_LINGER_S)  # a burst shares a transaction
            try:
                await self._flush()
            except StoreError as error:
                _log.debug("refusals_wait", error=str(error))
                await asyncio.sleep(_AGAIN_S)

    async def close(self) -> None:
        """Write what is buffered, if the database lets us in time."""
        self._turn(self._minute + 1)
        try:
            async with asyncio.timeout(_CLOSE_WITHIN_S):
                await self._flush()
        except (StoreError, TimeoutError):
            _log.warning("refusals_lost", count=len(self._rows))

    async def _flush(self) -> None:
        async with self._flushing:  # `close` may come while `run` writes
            self._turn(epoch_ms(self._clock()) // _MINUTE_MS)
            while self._rows:
                rows = [self._rows[at] for at in range(min(_AT_ONCE, len(self._rows)))]
                await self._save(rows)
                for _ in rows:
                    self._rows.popleft()
            if not self._over:
                self._something.clear()

    def _turn(self, minute: int) -> None:
        """When a minute is over, sum up what was beyond the cap in it and begin anew."""
        if minute == self._minute:
            return
        over, self._over = self._over, {}
        for what, row in over.items():
            count = f"{self._summed[what]:,}{' more' if what[2] else ''}"
            reason = f"{count} refusals within this minute, the last one: {row['reason']}"
            self._add({**row, "reason": reason})
        self._minute = minute
        if minute // _HOUR_MINUTES != self._hour:
            self._hour = minute // _HOUR_MINUTES
            self._of_hour.clear()
        self._noted.clear()
        self._summed.clear()

    def _add(self, row: Row) -> None:
        if len(self._rows) >= _BUFFERED:
            REFUSALS_UNRECORDED.inc()
            return
        self._rows.append({**row, "id": self._new_id(), "reason": scrub(row["reason"])})
        self._something.set()


def _presentable(headers: Mapping[str, str], hidden: frozenset[str]) -> dict[str, str]:
    """Return headers without credentials, names in lower case, long values cut, and not too many."""
    few = islice(headers.items(), _MAX_HEADERS)
    shown = redact_headers({name[:_MAX_NAME].lower(): value for name, value in few})
    left = _MAX_SHOWN
    for name, value in shown.items():
        # Bytes that were not UTF-8 arrive as lone surrogates, which no database holds.
        readable = value[:_MAX_VALUE].encode("utf-8", "replace").decode()
        shown[name] = REDACTED if name in hidden else readable if left > 0 else _LEFT_OUT
        left -= len(readable)
    return shown
