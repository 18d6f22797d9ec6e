"""Which cores whom: the measured processes on two, the load generator on what else there is."""

from __future__ import annotations

import platform
from dataclasses import dataclass

import psutil

from tests.support.programs import usable_cores


@dataclass(frozen=True, slots=True)
class Cores:
    """Lists of core numbers; on a machine of two cores all three are the same two."""

    server: list[int]
    """One process that is compared with others."""
    store: list[int]
    """Redis, where the server has its core to itself."""
    pair: list[int]
    """Two cores for all processes of an installation."""
    load: list[int]


def cores() -> Cores:
    """Divide the cores this process may use."""
    usable = usable_cores()
    pair = usable[:2]
    load = usable[2:] or pair
    return Cores(server=pair[:1], store=pair[-1:], pair=pair, load=load)


def conditions(split: Cores) -> str:
    """Describe the machine and the division."""
    usable = len(usable_cores())
    shared = " (shared with the load generator: no other cores)" if split.load == split.pair else ""
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{platform.system()} {platform.machine()}, {usable} cores usable, {memory:.0f} GiB, "
        f"Python {platform.python_version()}; measured processes on cores {split.pair}{shared}, "
        f"load average at start {psutil.getloadavg()[0]:.1f}"
    )
