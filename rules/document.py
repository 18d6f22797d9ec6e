"""A rule file as a tree that knows where each of its parts stands.

`parse` reads YAML 1.2 core, strictly: no tags, no merge keys, one document, each key once, bounded
in size and depth (decision X4). Values are plain Python: None, bool, int, `Decimal`, str, list,
dict with text keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rules.nodes import Entry, Kind, Node
from rules.problems import Report, Span
from rules.source_text import readable
from rules.tree import build

__all__ = ["Document", "Entry", "Kind", "Node", "Step", "parse"]

Step = str | int


class Document:
    """A whole file."""

    __slots__ = ("file", "root")

    def __init__(self, file: str, root: Node) -> None:
        self.file = file
        self.root = root

    @property
    def data(self) -> Any:
        """The plain Python value of the file."""
        return self.root.value

    def node(self, path: Sequence[Step]) -> Node:
        """Return the node a path of keys and positions leads to.

        Raises:
            LookupError: It leads nowhere.
        """
        node = self.root
        for step in path:
            node = node.items[step] if isinstance(step, int) else node.entries[step].value
        return node

    def span(self, path: Sequence[Step]) -> Span:
        """Return where the value at a path stands.

        Raises:
            LookupError: The path leads nowhere.
        """
        return self.node(path).span

    def key_span(self, path: Sequence[Step]) -> Span:
        """Return where the key at the end of a path stands; for a list's member, the member.

        Raises:
            LookupError: The path leads nowhere.
        """
        last = path[-1] if path else 0
        return self.span(path) if isinstance(last, int) else self.node(path[:-1]).key(last).span


def parse(text: str, file: str, report: Report) -> Document | None:
    """Read a file's text; None if problems, which are reported, leave nothing to go on with.

    A document that is returned may have problems too: doubled keys, say.
    """
    source = readable(text, file, report)
    root = None if source is None else build(source, report)
    return None if root is None else Document(file, root)
