"""The parts of a rule file: a tree of values, each of which knows where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rules.problems import Span
from rules.scalars import positions
from rules.source_text import SourceText

Kind = Literal["scalar", "mapping", "sequence"]


class Entry(NamedTuple):
    """One key of a mapping and what stands behind it."""

    key: Node
    value: Node


class Node:
    """A part of a file: a scalar, a mapping or a sequence.

    `value` is its plain Python value. `style` is YAML's sign for how a scalar is written: `'`, `"`,
    `|`, `>` or None for a plain one. `entries` holds a mapping's keys in the order of the file,
    `items` the members of a sequence. `depth` and `size` count levels and nodes of the subtree.
    """

    __slots__ = (
        "depth",
        "end",
        "entries",
        "items",
        "kind",
        "size",
        "source",
        "start",
        "style",
        "value",
    )

    def __init__(
        self,
        source: SourceText,
        kind: Kind,
        place: tuple[int, int],
        value: Any,
        *,
        style: str | None = None,
        entries: Mapping[str, Entry] | None = None,
        items: Sequence[Node] = (),
    ) -> None:
        self.source = source
        self.kind = kind
        self.start, self.end = place
        self.value = value
        self.style = style
        self.entries: Mapping[str, Entry] = {} if entries is None else entries
        self.items = items
        children: Sequence[Node] = [entry.value for entry in self.entries.values()] or items
        self.depth: int = 0 if kind == "scalar" else 1 + max((c.depth for c in children), default=0)
        self.size: int = 1 + sum(child.size for child in children)

    def __repr__(self) -> str:
        return f"Node({self.kind} at {self.span})"

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.source.span(self.start, self.end)

    @property
    def is_text(self) -> bool:
        """Whether it is a scalar whose value is a text."""
        return type(self.value) is str

    def get(self, key: str) -> Node | None:
        """Return what a mapping has under `key`; None if it has no such key or is no mapping."""
        entry = self.entries.get(key)
        return None if entry is None else entry.value

    def key(self, key: str) -> Node:
        """Return the node of a mapping's key.

        Raises:
            KeyError: There is none.
        """
        return self.entries[key].key

    def pairs(self) -> Iterator[tuple[str, Node]]:
        """Give the keys of a mapping with their values, in the order of the file."""
        return ((name, entry.value) for name, entry in self.entries.items())

    def locate(self, start: int, end: int) -> Span:
        """Return where characters `start` up to `end` of this text's value stand in the file.

        Escapes, folding and the indentation of block texts are allowed for.
        """
        if not self.is_text or not self.value:
            return self.span
        places = positions(self.source.text[self.start : self.end], self.style, self.value)
        first = places[min(max(start, 0), len(places) - 1)]
        last = places[min(max(end - 1, start, 0), len(places) - 1)]
        past = self.start + last + 1 if end > start else self.start + first
        return self.source.span(self.start + first, min(past, self.end))
