"""A clock that a test sets."""

from __future__ import annotations

from datetime import datetime

from router.core.clock import from_epoch_ms
from tests.support.rows import NOW_MS


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> datetime:
        return from_epoch_ms(self.now_ms)

    def forward(self, milliseconds: int) -> None:
        self.now_ms += milliseconds
