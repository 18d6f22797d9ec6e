"""A measured figure, what it must reach, and the table of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    `value` is in `unit`; `must` is what it has to reach (`at least` or `at most`), None where the
    figure only stands beside others. `note` says how it came about.
    """

    name: str
    value: float
    unit: str = ""
    bound: Literal["at least", "at most"] | None = None
    must: float | None = None
    note: str = ""

    @property
    def ok(self) -> bool | None:
        """Whether it reaches what it must; None where nothing is asked of it."""
        if self.must is None:
            return None
        return self.value >= self.must if self.bound == "at least" else self.value <= self.must

    def as_json(self) -> dict[str, Any]:
        """The figure for programs."""
        return {**asdict(self), "ok": self.ok}


def at_least(name: str, value: float, must: float, unit: str = "", note: str = "") -> Figure:
    """Return a figure that must not be below a bound."""
    return Figure(name, value, unit, "at least", must, note)


def at_most(name: str, value: float, must: float, unit: str = "", note: str = "") -> Figure:
    """Return a figure that must not be above a bound."""
    return Figure(name, value, unit, "at most", must, note)


def print_table(figures: Sequence[Figure], conditions: str) -> None:
    """Print the table and the conditions under which it was measured."""
    table = Table(title="Hookyard, measured", caption=conditions, caption_justify="left")
    for heading in ("figure", "measured", "must reach", "", "how"):
        right = heading in {"measured", "must reach"}
        table.add_column(heading, justify="right" if right else "left", overflow="fold")
    for figure in figures:
        verdict = {True: "[green]ok[/]", False: "[red]MISS[/]", None: ""}[figure.ok]
        sign = ">=" if figure.bound == "at least" else "<="
        must = "" if figure.must is None else f"{sign} {_number(figure.must)}{figure.unit}"
        measured = f"{_number(figure.value)}{figure.unit}"
        table.add_row(figure.name, measured, must, verdict, figure.note)
    Console().print(table)


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """Return the value below which a share of values lies; they must be sorted."""
    if not sorted_values:
        return float("nan")
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
