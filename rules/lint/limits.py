"""Operators that leave a path no value between them: each returns the literals that do, or None.

They are asked of the literals of one path that leads to something, after the forms of its values were
seen to fit: see `rules.lint.conflict`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from rules.conditions_tree import Leaf
from rules.lint.literals import Literal
from rules.networks import Network, network_of
from rules.values import instant, json_equal, number

Excluding = tuple[Literal, ...] | None

_OPPOSITE: Final = {"gt": "lte", "gte": "lt", "lt": "gte", "lte": "gt"}
_MINUTES: Final = [f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(60)]
_SEVERAL: Final = 2


def _named(literals: Sequence[Literal], *names: str) -> Iterator[tuple[Literal, Leaf, str]]:
    """Give those with one of several operators."""
    for one in literals:
        if isinstance(one.leaf, Leaf) and one.leaf.operator.name in names:
            yield one, one.leaf, one.leaf.operator.name


def no_number(literals: Sequence[Literal]) -> Excluding:
    """Find a lower bound above an upper one; a bound that is not to hold is the opposite bound."""
    lowest: tuple[Any, bool, Literal] | None = None
    highest: tuple[Any, bool, Literal] | None = None
    for one, leaf, name in _named(literals, *_OPPOSITE):
        read = number(leaf.expected)
        bound: Any = instant(leaf.expected) if read is None else read
        sign = name if one.want else _OPPOSITE[name]
        strict = sign in {"gt", "lt"}
        if sign in {"gt", "gte"}:
            if lowest is None or (bound, strict) > lowest[:2]:
                lowest = (bound, strict, one)
        elif highest is None or (bound, not strict) < (highest[0], not highest[1]):
            highest = (bound, strict, one)
    if lowest is None or highest is None or lowest[0] < highest[0]:
        return None
    if lowest[0] == highest[0] and not (lowest[1] or highest[1]):
        return None
    return lowest[2], highest[2]


def no_text(literals: Sequence[Literal]) -> Excluding:
    """Find beginnings, or ends, that no text can have together, or one that holds another back.

    Each is asked of the other's text: what a text begins with, it begins with too.
    """
    for name in ("starts_with", "ends_with"):
        several = list(_named(literals, name))
        for one, leaf, _ in several:
            for other, its, _ in several if one.want else ():
                within = its.answer(leaf.expected)
                apart = other.want and not within and not leaf.answer(its.expected)
                if apart or (within and not other.want):
                    return one, other
    return None


def no_member(literals: Sequence[Literal]) -> Excluding:
    """Find members that have to be there, of which others say that they are not."""
    there, absent = list(_members(literals, want=True)), list(_members(literals, want=False))
    for one, member in there:
        for other, none in absent:
            if json_equal(member, none):
                return one, other
    for one, leaf, name in _named(literals, "has_any", "has_all"):
        against = absent if one.want else there
        if (name == "has_any") is one.want and leaf.expected:
            others = [
                next((other for other, its in against if json_equal(member, its)), None)
                for member in leaf.expected
            ]
            found = [other for other in others if other is not None]
            if len(found) == len(others):
                return tuple(dict.fromkeys([one, *found]))
    return None


def _members(literals: Sequence[Literal], *, want: bool) -> Iterator[tuple[Literal, Any]]:
    """Give the members that each have to be there, or each must not."""
    each_settles = "has_all" if want else "has_any"
    for one, leaf, name in _named(literals, "has", each_settles):
        if one.want is want:
            for member in [leaf.expected] if name == "has" else leaf.expected:
                yield one, member


def no_address(literals: Sequence[Literal]) -> Excluding:
    """Find ranges of addresses that have none in common, or that lie within one that is excluded."""
    several = [(one, _ranges(leaf)) for one, leaf, _ in _named(literals, "cidr")]
    for one, ranges in several:
        for other, others in several:
            if not one.want:
                continue
            apart = other.want and not any(_overlap(a, b) for a in ranges for b in others)
            within = not other.want and all(any(_covers(b, a) for b in others) for a in ranges)
            if apart or within:
                return one, other
    return None


def _ranges(leaf: Leaf) -> list[Network]:
    return [
        network_of(each)
        for each in (leaf.expected if isinstance(leaf.expected, list) else [leaf.expected])
    ]


def _overlap(one: Network, other: Network) -> bool:
    return _covers(one, other) or _covers(other, one)


def _covers(wide: Network, narrow: Network) -> bool:
    return (
        wide.version == narrow.version
        and wide.prefixlen <= narrow.prefixlen
        and narrow.network_address in wide
    )


def no_time(literals: Sequence[Literal]) -> Excluding:
    """Find times of day that leave no minute: what is asked of a time is asked of its minute."""
    several = [one for one, _, _ in _named(literals, "between_times")]
    if len(several) < _SEVERAL or any(all(one.holds(at) for one in several) for at in _MINUTES):
        return None
    return tuple(several)
