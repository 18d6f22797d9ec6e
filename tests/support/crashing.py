"""`hookyard work` that ends as by `kill -9` at a certain step of its first delivery; it knows `askable` too.

`HOOKYARD_TEST_CRASH` names the step. Its heartbeat is a quick one, so that others take over soon.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import workers.destinations as room
from router.core.settings import environment
from tests.support.askable import register
from workers import worker
from workers.destinations.sender import Sender
from workers.ledger import Ledger
from workers.line import Line

_VARIABLE = "HOOKYARD_TEST_CRASH"

Method = Callable[..., Awaitable[Any]]


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(method: Method) -> Method:
    async def dying(*given: Any, **named: Any) -> Any:
        _die()
        return await method(*given, **named)

    return dying


def _after(method: Method) -> Method:
    async def dying(*given: Any, **named: Any) -> Any:
        result = await method(*given, **named)
        if result != []:  # nothing was claimed
            _die()
        return result

    return dying


_WRAPPED: dict[str, tuple[Any, str, Callable[[Method], Method]]] = {
    "claimed": (Line, "_claim", _after),
    "before intent": (Ledger, "intend", _before),
    "after intent": (Ledger, "intend", _after),
    "answered": (Sender, "send", _after),
    "finished": (Ledger, "finish", _after),
}
STEPS = tuple(_WRAPPED)


def _set_up(step: str) -> None:
    owner, name, wrap = _WRAPPED[step]
    setattr(owner, name, wrap(getattr(owner, name)))


def _main() -> None:
    worker.HEARTBEAT_S, worker.HEARTBEAT_MS = 0.2, 1000
    register(room)
    if step := environment().get(_VARIABLE):
        _set_up(step)
    from router.cli.main import main  # noqa: PLC0415  it reads the registry

    main(sys.argv[1:])


if __name__ == "__main__":
    _main()
