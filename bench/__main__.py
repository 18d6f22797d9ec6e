"""`python -m bench [--only ack,latency] [--quick] [--json FILE]`: measure and print one table."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from bench import (
    ack,
    backlog,
    backtesting,
    deciding,
    delivering,
    idle,
    latency,
    lists,
    proof,
    rule_count,
    task_connector,
    throughput,
    verifying,
)
from bench.cores import Cores, conditions, cores
from bench.figures import Figure, print_table
from tests.support.programs import ProgramMissingError


class Measure(Protocol):
    """A part of the run."""

    def __call__(self, split: Cores, *, quick: bool) -> AsyncIterator[Figure]:
        """Yield figures as they are measured."""


PARTS: dict[str, Measure] = {
    "ack": ack.measure,
    "proof": proof.measure,
    "verifying": verifying.measure,
    "throughput": throughput.measure,
    "latency": latency.measure,
    "tasks": task_connector.measure,
    "lists": lists.measure,
    "deciding": deciding.measure,
    "backtest": backtesting.measure,
    "delivering": delivering.measure,
    "rules": rule_count.measure,
    "backlog": backlog.measure,
    "idle": idle.measure,
}


def _main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts, of {','.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="shorter, and less certain")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    given = parser.parse_args()
    names = [name.strip() for name in given.only.split(",")]
    if unknown := set(names) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    split = cores()
    where = conditions(split) + ("; quick" if given.quick else "")
    try:
        figures = asyncio.run(_measure(names, split, quick=given.quick))
    except ProgramMissingError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    print_table(figures, where)
    if given.json:
        content = {"conditions": where, "figures": [figure.as_json() for figure in figures]}
        given.json.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    return 0 if all(figure.ok is not False for figure in figures) else 1


async def _measure(names: list[str], split: Cores, *, quick: bool) -> list[Figure]:
    figures: list[Figure] = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr)
        async for figure in PARTS[name](split, quick=quick):
            said = {True: "ok", False: "MISS", None: ""}[figure.ok]
            print(f"  {figure.name}: {figure.value:,.3g}{figure.unit} {said}", file=sys.stderr)
            figures.append(figure)
    return figures


if __name__ == "__main__":
    sys.exit(_main())
