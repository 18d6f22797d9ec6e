"""The bound on what one template may do (decision T10): counted in units of work, not in time.

Counting is what keeps a decision the same on a slow machine and on a fast one. A character written
costs a unit, an element a filter looks at costs `ELEMENT`, a turn of a loop costs `TURN`.
"""

from __future__ import annotations

import threading
from typing import Any, Final

from rules.scope import RenderError

BUDGET: Final = 10_000_000
ELEMENT: Final = 20
TURN: Final = 1_000


class _Meter(threading.local):
    left = BUDGET


_METER = _Meter()


class metered:  # noqa: N801  used as a function is
    """Gives what runs inside its `with` a budget of its own."""

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        self._before = _METER.left
        _METER.left = BUDGET

    def __exit__(self, *_: object) -> None:
        _METER.left = self._before


def charge(units: int) -> None:
    """Take units from the budget.

    Raises:
        RenderError: They are used up.
    """
    _METER.left -= units
    if _METER.left < 0:
        raise RenderError("the template does more work than one may")


def deep_size(value: Any) -> int:
    """Return the units that looking through a value and all it holds costs."""
    if isinstance(value, dict):
        return size(value) + sum(map(deep_size, value.values()))
    if isinstance(value, list | tuple):
        return size(value) + sum(map(deep_size, value))
    return size(value)


def size(value: Any) -> int:
    """Return the units that looking through a value once costs."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list | dict | tuple):
        return ELEMENT * (1 + len(value))
    return 1
