"""What the checks look at: files that were compiled, with the nodes they were compiled from."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from rules.compiled import Connector, Rule
from rules.document import Node
from rules.problems import Span

MAX_STEPS = 40_000
"""How much is compared, all files together: so that any number of rules is looked at in a second or two.

Some hundred rules about the same events are compared each with each; of more, not all pairs are.
"""


@dataclass(frozen=True, slots=True)
class LintedRule:
    """A rule, the mapping it stands in, and its number in the connector."""

    rule: Rule
    node: Node
    number: int

    @property
    def place(self) -> Span:
        """Where people look for it: at its name."""
        name = self.node.get("name")
        return self.node.span if name is None else name.span


@dataclass(frozen=True)
class LintedConnector:
    """A connector whose file has no error."""

    root: Node
    connector: Connector

    @cached_property
    def rules(self) -> Sequence[LintedRule]:
        """All its rules, in their order."""
        listed = self.root.get("rules")
        # A task endpoint is one rule by itself, and no list says so.
        nodes = (self.root,) * len(self.connector.rules) if listed is None else listed.items
        return [
            LintedRule(rule, node, number)
            for number, (rule, node) in enumerate(zip(self.connector.rules, nodes, strict=True))
        ]

    @cached_property
    def live(self) -> Sequence[LintedRule]:
        """The rules that act."""
        return [each for each in self.rules if each.rule.mode == "live"]


@dataclass(frozen=True)
class Files:
    """The files of a routes directory that could be read.

    `connectors` holds those without errors, `roots` every file, whatever is wrong with it. `complete`
    says that there is no error anywhere: only then is it known what nobody uses.
    """

    connectors: Sequence[LintedConnector]
    roots: Sequence[Node]
    complete: bool

    def of_kind(self, kind: str) -> list[Node]:
        """Return the files of a kind."""
        return [root for root in self.roots if kind in root.entries]


class Effort:
    """Counts the comparisons of a check, up to a number that is the same on every machine."""

    __slots__ = ("_left",)

    def __init__(self, most: int = MAX_STEPS) -> None:
        self._left = most

    def take(self, steps: int = 1) -> bool:
        """Tell whether another comparison may be made, which is then counted."""
        if self._left <= 0:
            return False
        self._left -= steps
        return True


class Stretches:
    """Stretches of a text that do not overlap, to ask whether another one meets one of them."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, stretches: Iterable[tuple[int, int]]) -> None:
        ordered = sorted(set(stretches))
        self._starts = [start for start, _ in ordered]
        self._ends = [end for _, end in ordered]

    def meet(self, start: int, end: int) -> bool:
        """Tell whether one of them has a character of another stretch."""
        last = bisect_left(self._starts, end) - 1
        return last >= 0 and self._ends[last] > start


def scalars(node: Node) -> Iterator[Node]:
    """Give every scalar value below a node, without recursion: files may be deep."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.kind == "scalar":
            yield one
        else:
            waiting.extend(reversed([*(value for _, value in one.pairs()), *one.items]))


def mappings(node: Node) -> Iterator[Node]:
    """Give every mapping at or below a node."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.kind == "mapping":
            yield one
        waiting.extend(reversed([*(value for _, value in one.pairs()), *one.items]))
