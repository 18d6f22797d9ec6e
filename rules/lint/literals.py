"""Conditions as what has to hold: tests with the answer each has to give.

A condition in three-valued logic is true exactly if some choice of answers of its leaves makes it so:
`all` is true if every part is, false if one part is; `any` the other way round; `not` exchanges the
two. So "it is true" and "it is false" both come down to leaves that are true or false, and nothing is
said of leaves that are undecided.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from operator import eq
from typing import Any, Final, NamedTuple

from rules.conditions_tree import All, Any_, Condition, Expression, Leaf, Not
from rules.paths import MISSING, Path
from rules.values import scalar_key

MAX_WAYS: Final = 64
"""Up to so many ways of holding are gone through; a condition with more is left alone."""

MAX_LEAVES: Final = 100
"""Up to so many leaves a condition is looked at."""

Place = tuple[str, tuple[str | int, ...]]
"""A path without how it is written: its root and keys, names of headers in lower case."""


class Literal(NamedTuple):
    """A leaf and the answer it has to give."""

    leaf: Leaf | Expression
    want: bool

    def holds(self, found: Any) -> bool:
        """Tell whether it holds for what the path leads to; only for a leaf with a path."""
        return isinstance(self.leaf, Leaf) and self.leaf.answer(found) is self.want

    @property
    def needs_a_value(self) -> bool:
        """Whether it does not hold where its path leads nowhere."""
        return isinstance(self.leaf, Leaf) and not self.holds(MISSING)


@dataclass(frozen=True, slots=True)
class Choice:
    """Alternatives of which one has to hold; `group` is the `any`, or the negated `all`."""

    group: Condition
    parts: tuple[tuple[Condition, bool], ...]


@dataclass(slots=True)
class Split:
    """What has to hold in any case, and the choices there are beside it."""

    literals: list[Literal] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)


def split(condition: Condition | None, want: bool = True) -> Split:  # noqa: FBT001, FBT002  the answer asked for
    """Return what has to hold for a condition to give an answer; None is the condition that is true."""
    found = Split()
    if condition is None:
        if not want:
            found.choices.append(Choice(All("", ()), ()))  # of no alternative, none holds
        return found
    waiting = [(condition, want)]
    while waiting:
        one, answer = waiting.pop()
        if isinstance(one, Not):
            waiting.append((one.parts[0], not answer))
        elif isinstance(one, All if answer else Any_):
            waiting.extend((part, answer) for part in reversed(one.parts))
        elif isinstance(one, All | Any_):
            found.choices.append(Choice(one, tuple((part, answer) for part in one.parts)))
        elif isinstance(one, Leaf | Expression):
            found.literals.append(Literal(one, answer))
    return found


def is_small(condition: Condition | None) -> bool:
    """Tell whether a condition has few enough leaves to be looked at."""
    waiting = [] if condition is None else [condition]
    leaves = 0
    while waiting and leaves <= MAX_LEAVES:
        one = waiting.pop()
        if isinstance(one, All | Any_ | Not):
            waiting.extend(one.parts)
        else:
            leaves += 1
    return leaves <= MAX_LEAVES


def ways(parts: Iterable[tuple[Condition | None, bool]]) -> list[list[Literal]] | None:
    """Return the ways in which several conditions give their answers all at once.

    Each is a list of literals that hold together; none at all if there is no way. None if there are
    more than `MAX_WAYS`.
    """
    lists: list[list[list[Literal]]] = []
    count = 1
    for condition, want in parts:
        both = split(condition, want)
        alternatives = [[both.literals]]
        for choice in both.choices:
            several: list[list[Literal]] = []
            for part in choice.parts:
                inner = ways([part])
                if inner is None:
                    return None
                several.extend(inner)
            alternatives.append(several)
        for each in alternatives:
            count *= len(each)
            if count > MAX_WAYS:
                return None
            lists.append(each)
    return [[one for part in chosen for one in part] for chosen in product(*lists)]


def place_of(path: Path) -> Place:
    """Return where a path leads: the same for two that always lead to the same value."""
    keys = path.keys
    if path.root == "headers" and keys and isinstance(keys[0], str):
        keys = (keys[0].lower(), *keys[1:])
    return path.root, keys


def identity(leaf: Leaf | Expression) -> Hashable:
    """Return what is the same for two leaves that always give the same answer."""
    if isinstance(leaf, Expression):
        return leaf.source
    return place_of(leaf.path), leaf.operator.name, _frozen(leaf.expected)


def _frozen(value: Any) -> Hashable:
    if isinstance(value, dict):
        return frozenset((key, _frozen(item)) for key, item in value.items())
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return ("scalar", scalar_key(value))


def touching(literals: Sequence[Literal], others: Sequence[Literal]) -> list[Literal]:
    """Return those of the literals that may have to do with others.

    They are about the same path, about a part of it or something around it, or the same expression.
    """
    places = [place_of(one.leaf.path) for one in others if isinstance(one.leaf, Leaf)]
    sources = {one.leaf.source for one in others if isinstance(one.leaf, Expression)}
    return [
        one
        for one in literals
        if (
            one.leaf.source in sources
            if isinstance(one.leaf, Expression)
            else any(_is_around(place_of(one.leaf.path), place) for place in places)
        )
    ]


def _is_around(one: Place, other: Place) -> bool:
    (root, keys), (other_root, other_keys) = one, other
    return root == other_root and all(map(eq, keys, other_keys))


def grouped(literals: Sequence[Literal]) -> dict[Place, list[Literal]]:
    """Return the literals of each path, in the order in which the paths come."""
    groups: dict[Place, list[Literal]] = {}
    for literal in literals:
        if isinstance(literal.leaf, Leaf):
            groups.setdefault(place_of(literal.leaf.path), []).append(literal)
    return groups
