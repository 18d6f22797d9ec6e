"""From YAML's events to nodes: strict, bounded, without recursion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import yaml
from yaml import CSafeLoader
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from rules.nodes import Entry, Node
from rules.problems import Report
from rules.scalars import NumberError, resolve
from rules.source_text import SourceText
from rules.yaml_errors import explain

MAX_DEPTH: Final = 64
MAX_REPEATED: Final = 10_000
"""The most nodes that aliases may repeat, all together."""


@dataclass(slots=True)
class _Open:
    """A mapping or sequence whose end has not come yet; `key` is the key that waits for its value."""

    start: int
    anchor: str | None
    is_mapping: bool
    is_flow: bool
    entries: dict[str, Entry] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    key: Node | None = None


class _StopError(Exception):
    """Nothing after this can be read; the problem has been reported."""


def build(source: SourceText, report: Report) -> Node | None:
    """Return the tree of a text; None if problems, which are reported, leave none."""
    builder = _Builder(source, report)
    try:
        for event in yaml.parse(source.text, Loader=CSafeLoader):
            builder.take(event)
    except _StopError:
        return None
    except yaml.YAMLError as error:
        explain(error, source, report)
        return None
    if builder.root is None or (builder.root.kind == "scalar" and builder.root.value is None):
        report.add(
            "R005",
            source.span(0, 0),
            "the file is empty",
            expected="a connector, destinations or a directory",
            hint="an empty file may be one that was only half written; remove it if it is not needed",
        )
        return None
    return builder.root


class _Builder:
    """Takes YAML's events one by one; `root` is set when the document has ended."""

    def __init__(self, source: SourceText, report: Report) -> None:
        self.root: Node | None = None
        self._source = source
        self._report = report
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._used: set[str] = set()
        self._repeated = 0

    def take(self, event: Event) -> None:
        """Take the next event.

        Raises:
            _StopError: The rest cannot be read.
        """
        start = _start(event)
        match event:
            case DocumentStartEvent():
                self._start_document(event, start)
            case AliasEvent():
                self._add(self._aliased(event), None)
            case ScalarEvent():
                start = self._after_properties(event)
                self._add(self._scalar(event, start), event.anchor)
            case CollectionStartEvent():
                self._start(event)
            case CollectionEndEvent():
                self._finish(event)
            case _:  # the start and end of the stream, the end of the document
                pass

    def _start_document(self, event: DocumentStartEvent, start: int) -> None:
        if self.root is not None:
            self._refuse(
                start, "a file holds one document", "put the second one into a file of its own"
            )
            raise _StopError
        if event.version is not None and event.version != (1, 2):
            self._refuse(start, "files are read as YAML 1.2", "remove the %YAML line")

    def _scalar(self, event: ScalarEvent, start: int) -> Node:
        end = start + len(self._source.text[start : _end(event)].rstrip())
        place = (start, max(start, end))
        if event.style:
            return Node(self._source, "scalar", place, event.value, style=event.style)
        try:
            value = resolve(event.value)
        except NumberError as error:
            value = event.value
            self._report.add(
                "R004",
                self._source.span(*place),
                f"{event.value[:40]} {error}",
                hint="put it in quotes if a text is meant",
            )
        return Node(self._source, "scalar", place, value)

    def _start(self, event: CollectionStartEvent) -> None:
        start = self._after_properties(event)
        if len(self._open) == MAX_DEPTH:
            self._too_deep(start)
        is_mapping = isinstance(event, MappingStartEvent)
        self._open.append(_Open(start, event.anchor, is_mapping, bool(event.flow_style)))

    def _finish(self, event: CollectionEndEvent) -> None:
        done = self._open.pop()
        children = [entry.value for entry in done.entries.values()] or done.items
        if done.is_flow:
            end = _end(event)
        else:
            end = max((child.end for child in children), default=done.start)
        place = (done.start, end)
        if done.is_mapping:
            value = {name: entry.value.value for name, entry in done.entries.items()}
            node = Node(self._source, "mapping", place, value, entries=done.entries)
        else:
            members = [item.value for item in done.items]
            node = Node(self._source, "sequence", place, members, items=done.items)
        self._add(node, done.anchor)

    def _add(self, node: Node, anchor: str | None) -> None:
        """Put a finished node where it belongs."""
        if anchor is not None:
            self._anchors[anchor] = node
            self._used.discard(anchor)
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if not parent.is_mapping:
            parent.items.append(node)
        elif parent.key is None:
            parent.key = node
        else:
            self._enter(parent, parent.key, node)
            parent.key = None

    def _enter(self, parent: _Open, key: Node, value: Node) -> None:
        name = self._key_text(key)
        if name is None:
            return
        if name in parent.entries:
            first = parent.entries[name].key.span
            self._report.add(
                "R003",
                key.span,
                f"the key `{name}` is written twice",
                hint=f"the first is on line {first.line}; keep one of them",
            )
            return
        parent.entries[name] = Entry(key, value)

    def _key_text(self, key: Node) -> str | None:
        """Return a key as the text it is written as; None, with a problem, if it is no key."""
        if key.kind != "scalar":
            written = self._source.text[max(key.start - 1, 0) : key.start + 1]
            hint = 'a template belongs in quotes: "{{ … }}"' if written == "{{" else None
            self._refuse(key.start, f"a {key.kind} cannot be a key", hint)
            return None
        text = self._source.text[key.start : key.end] if key.style is None else key.value
        if text == "<<" and key.style is None:
            self._refuse(key.start, "YAML 1.2 has no merge keys (<<)", "write the keys out")
            return None
        if not text.strip():
            self._refuse(key.start, "a key is missing before the colon", None)
            return None
        return str(text)

    def _aliased(self, event: AliasEvent) -> Node:
        start, name = _start(event), str(event.anchor)
        node = self._anchors.get(name)
        if node is None:
            self._refuse(
                start,
                f"nothing before this is called &{name}",
                "a text that starts with * belongs in quotes",
            )
            raise _StopError
        if name in self._used:
            self._refuse(
                start, f"*{name} is used twice", "an anchor may be used once; write it out"
            )
        self._used.add(name)
        self._repeated += node.size
        if self._repeated > MAX_REPEATED:
            self._refuse(
                start, f"aliases repeat more than {MAX_REPEATED:,} values", "write less with *"
            )
            raise _StopError
        if len(self._open) + node.depth > MAX_DEPTH:
            self._too_deep(start)
        return node

    def _after_properties(self, event: NodeEvent) -> int:
        """Return where a node itself starts, after its anchor; a tag is a problem."""
        start = _start(event)
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._refuse(start, "tags are not used here", "write the value without !")
        if tag is None and event.anchor is None:
            return start
        text, end = self._source.text, _end(event)
        while start < end and text[start] in "&! \t\r\n#":
            if text[start] == "#":
                start = _skip(text, start, end, "\r\n")
            elif text[start] in "&!":
                start = _skip(text, start, end, " \t\r\n")
            else:
                start += 1
        return start

    def _too_deep(self, start: int) -> None:
        self._report.add(
            "R006",
            self._source.span(start, start + 1),
            "the file is too deep",
            expected=f"at most {MAX_DEPTH} levels",
        )
        raise _StopError

    def _refuse(self, start: int, message: str, hint: str | None) -> None:
        end = start
        while end < len(self._source.text) and not self._source.text[end].isspace():
            end += 1
        self._report.add("R004", self._source.span(start, end), message, hint=hint)


def _start(event: Event) -> int:
    return event.start_mark.index if event.start_mark else 0


def _end(event: Event) -> int:
    return event.end_mark.index if event.end_mark else 0


def _skip(text: str, start: int, end: int, until: str) -> int:
    while start < end and text[start] not in until:
        start += 1
    return start
