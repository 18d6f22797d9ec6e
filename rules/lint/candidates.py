"""Which rules are worth comparing with another, found without asking each pair.

Rules whose conditions need different values of one path have nothing to do with each other. The
path is the one that most rules need a value of (`event.type`, most often); a rule that needs none is
worth comparing with all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator
from heapq import merge
from itertools import takewhile

from rules.conditions import Condition
from rules.lint.literals import Place, place_of


class Candidates:
    """Rules, each a number and a condition (None: always), by what they need of one path."""

    __slots__ = ("_all", "_free", "_place", "_with")

    def __init__(self, rules: Iterable[tuple[int, Condition | None]]) -> None:
        needs = [(number, _needs(when)) for number, when in rules]
        counted = Counter(place for _, needed in needs for place in needed)
        self._place = max(counted, key=lambda place: counted[place], default=None)
        self._all = [number for number, _ in needs]
        self._free: list[int] = []
        self._with: dict[Hashable, list[int]] = defaultdict(list)
        for number, needed in needs:
            values = None if self._place is None else needed.get(self._place)
            if values is None:
                self._free.append(number)
            for value in values or ():
                self._with[value].append(number)

    def meeting(self, when: Condition | None, before: int) -> Iterator[int]:
        """Give the numbers of the rules that may match together with a condition, in order.

        `before` is a number: only lower ones are given.
        """
        values = self._values(when)
        several = iter(self._all) if values is None else self._sharing(values)
        return takewhile(before.__gt__, several)

    def covering(self, when: Condition | None, before: int) -> Iterator[int]:
        """Give the numbers of the rules that may match wherever a condition does, likewise."""
        values = self._values(when)
        return takewhile(before.__gt__, self._sharing([] if values is None else list(values)[:1]))

    def _values(self, when: Condition | None) -> frozenset[Hashable] | None:
        return None if self._place is None else _needs(when).get(self._place)

    def _sharing(self, values: Iterable[Hashable]) -> Iterator[int]:
        last = -1
        for number in merge(self._free, *(self._with.get(value, ()) for value in values)):
            if number != last:
                yield number
            last = number


def _needs(when: Condition | None) -> dict[Place, frozenset[Hashable]]:
    """Return the values without which a condition is false, by path."""
    needed = {} if when is None else when.needs()
    return {place_of(path): values for path, values in needed.items()}
