"""Finds the rules that may match without asking each: what an event costs does not grow with the others.

A rule whose condition needs an equality (`event: orders/create`, `body.vendor: {in: [a, b]}`) is
filed under one path and the values it needs there. For an event the path is read once and one
look-up gives the rules; those filed under other values are false for it and are not touched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence

from rules.conditions_tree import Condition
from rules.paths import Path
from rules.scope import Scope
from rules.values import scalar_key

Table = Mapping[Hashable, Sequence[int]]


class RuleIndex:
    """Files rules, each a number and a condition (None: always), by what their conditions need."""

    __slots__ = ("_always", "_tables", "numbers")

    def __init__(self, rules: Iterable[tuple[int, Condition | None]]) -> None:
        needs = [(number, {} if when is None else when.needs()) for number, when in rules]
        self.numbers = tuple(number for number, _ in needs)
        """The numbers of all rules that were filed, in order."""
        spread = _spread([needed for _, needed in needs])
        self._always: list[int] = []
        tables: dict[Path, dict[Hashable, list[int]]] = defaultdict(lambda: defaultdict(list))
        for number, needed in needs:
            if not needed:
                self._always.append(number)
                continue
            # The path with the most different values over all rules leaves the fewest candidates.
            path = max(needed, key=lambda one: (spread[one], -len(needed[one]), one.text))
            for key in needed[path]:
                tables[path][key].append(number)
        self._tables = tuple((path, dict(table)) for path, table in tables.items())

    def candidates(self, scope: Scope) -> Sequence[int]:
        """Return the numbers of the rules that may match, in order; all others do not."""
        found = self._always
        for path, table in self._tables:
            key = scalar_key(path.get(scope))
            if key is not None:
                more = table.get(key)
                if more is not None:
                    found = [*found, *more]
        return found if found is self._always else sorted(found)


def _spread(needs: Iterable[Mapping[Path, frozenset[Hashable]]]) -> dict[Path, int]:
    """Count the different values each path is compared with."""
    values: dict[Path, set[Hashable]] = defaultdict(set)
    for needed in needs:
        for path, keys in needed.items():
            values[path] |= keys
    return {path: len(keys) for path, keys in values.items()}
