"""From the texts of a routes directory to a set of rules, or to everything that is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rules.catalogues import Catalogues
from rules.compile_action import Surroundings
from rules.compile_connector import CompiledConnector, compile_connector
from rules.compile_demands import check_demands
from rules.compile_destinations import compile_destinations
from rules.compile_directory import compile_directory
from rules.compile_kept import Kept
from rules.directory import Directory
from rules.document import Document, Node, parse
from rules.event_files import EventFiles
from rules.lint import Files, LintedConnector, lint
from rules.models import DestinationsModel, DirectoryModel
from rules.problems import Report, Span, did_you_mean
from rules.ruleset import Destination, RuleSet, hash_of
from rules.shape import check_shape, found

KINDS: Final = ("connector", "destinations", "directory")
_KIND_LINE = re.compile(r"^(connector|destinations|directory)[ \t]*:", re.MULTILINE)
_UNUSED: Final = Directory()


@dataclass(slots=True)
class _Sorted:
    """The files by kind; `broken` names the kinds of which a file could not be read."""

    connector: list[Node] = field(default_factory=list)
    destinations: list[Node] = field(default_factory=list)
    directory: list[Node] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)

    def of(self, kind: str) -> list[Node]:
        """Return the files of a kind."""
        return {
            "connector": self.connector,
            "destinations": self.destinations,
            "directory": self.directory,
        }[kind]


def compile_files(
    files: Mapping[str, str],
    catalogues: Catalogues,
    report: Report,
    event_files: EventFiles | None = None,
    kept: Kept | None = None,
    *,
    warn: bool = True,
) -> RuleSet | None:
    """Compile the texts of a routes directory, by path; None if one of them has an error.

    `event_files` looks for the files that tests name; without it they are not looked for. `kept` is
    what an earlier call with the same catalogues left there. `warn`: whether to look for what is right
    and most likely not meant so, too.
    """
    by_kind = _sort(files, report)
    destinations = _destinations(by_kind.destinations, catalogues, report)
    listed = None if "destinations" in by_kind.broken else destinations
    directory = _directory(by_kind, listed, report)
    around = Surroundings(report, directory, listed, event_files=event_files or EventFiles())
    kept = Kept() if kept is None else kept
    naming = [root.span.file for root in (*by_kind.destinations, *by_kind.directory)]
    kept.begin(files, naming, by_kind.broken - {"connector"})
    compiled = _connectors(by_kind.connector, catalogues, around, kept)
    if listed is not None and "directory" not in by_kind.broken:
        check_demands(by_kind.connector, listed, directory, catalogues, report)
    _note_duplicates(compiled, by_kind.connector, report)
    if warn:
        lint(_linted(by_kind, compiled, report), report)
    if report.has_errors:
        return None
    kept.end()
    connectors = {each.connector.name: each.connector for each in compiled}
    usable = {name: each for name, each in destinations.items() if each is not None}
    return RuleSet(
        hash=hash_of(files),
        files=dict(files),
        connectors=connectors,
        destinations=usable,
        directory=directory,
        intakes={each.connector.name: each.intake for each in compiled},
        secrets=_secrets(by_kind, usable),
        tests=tuple(test for each in compiled for test in each.tests),
        signed_addresses={
            each.connector.name: each.signed_address
            for each in compiled
            if each.signed_address is not None
        },
        shown_secrets=frozenset(each.connector.name for each in compiled if each.shows_secret),
    )


def _sort(files: Mapping[str, str], report: Report) -> _Sorted:
    by_kind = _Sorted()
    for file, text in files.items():
        document = parse(text, file, report)
        kind = None if document is None else _kind(document, report)
        if kind is None or document is None:
            meant = _KIND_LINE.search(text)
            by_kind.broken.update([meant[1]] if meant else KINDS)
        else:
            by_kind.of(kind).append(document.root)
    return by_kind


def _kind(document: Document, report: Report) -> str | None:
    root = document.root
    kinds = [key for key in root.entries if key in KINDS]
    if len(kinds) == 1:
        return kinds[0]
    if kinds:
        report.add(
            "R010",
            root.key(kinds[1]).span,
            f"the file is of two kinds: `{kinds[0]}` and `{kinds[1]}`",
            hint="make two files of it",
        )
        return None
    near = [(key, hint) for key in root.entries if (hint := did_you_mean(key, KINDS))]
    if near:
        place = root.key(near[0][0]).span
    else:
        first = next(iter(root.entries.values()), None)
        place = Span(document.file) if first is None else first.key.span
    report.add(
        "R010",
        place,
        "the file does not say what it is",
        found=None if root.entries else found(root),
        expected=f"one of the keys {', '.join(KINDS)}",
        hint=near[0][1] if near else None,
    )
    return None


def _destinations(
    roots: Sequence[Node], catalogues: Catalogues, report: Report
) -> dict[str, Destination | None]:
    for root in roots:
        check_shape(DestinationsModel, root, report)
    return compile_destinations(roots, catalogues, report)


def _directory(
    by_kind: _Sorted, destinations: Mapping[str, object] | None, report: Report
) -> Directory:
    """Return the directory; an empty one, so that every name is free, if a file of it is broken."""
    for root in by_kind.directory:
        check_shape(DirectoryModel, root, report)
    directory = compile_directory(by_kind.directory, destinations, report)
    return _UNUSED if "directory" in by_kind.broken else directory


def _connectors(
    roots: Iterable[Node], catalogues: Catalogues, around: Surroundings, kept: Kept
) -> list[CompiledConnector]:
    seen: dict[str, Node] = {}
    compiled: list[CompiledConnector] = []
    for root in roots:
        name = root.entries["connector"].value
        if name.is_text and name.value in seen:
            around.report.add(
                "R020",
                name.span,
                f"a connector `{name.value}` is there already",
                hint=f"the first is at {seen[name.value].span}",
            )
        elif name.is_text:
            seen[name.value] = name
        one = kept.get(root.span.file) or compile_connector(root, catalogues, around)
        if one is not None:
            kept.put(root.span.file, one)
            compiled.append(one)
    return compiled


def _linted(by_kind: _Sorted, compiled: Sequence[CompiledConnector], report: Report) -> Files:
    """Return what is looked at for warnings: of connectors, those without an error in their file."""
    errors = {one.span.file for one in report.problems if one.severity == "error"}
    good = [each for each in compiled if each.root.source.file not in errors]
    return Files(
        connectors=[LintedConnector(each.root, each.connector) for each in good],
        roots=[root for kind in KINDS for root in by_kind.of(kind)],
        complete=not errors,
    )


def _note_duplicates(
    compiled: Sequence[CompiledConnector], roots: Sequence[Node], report: Report
) -> None:
    """Note once which connectors know no event again (decision U1)."""
    open_ones = [each.connector.name for each in compiled if not each.deduplicated]
    if not open_ones:
        return
    first = next(root for root in roots if root.entries["connector"].value.value == open_ones[0])
    names = ", ".join(f"`{name}`" for name in open_ones)
    report.add(
        "R090",
        first.key("connector").span,
        f"nothing that is sent to {names} is taken for a duplicate",
        hint="if the sender repeats itself, give `dedupe:` a key; `dedupe: off` says that it is meant so",
        severity="note",
    )


def _secrets(by_kind: _Sorted, destinations: Mapping[str, Destination]) -> dict[str, Span]:
    used: dict[str, Span] = {}
    for root in by_kind.connector:
        named = root.get("secrets")
        for node in () if named is None else named.items:
            used.setdefault(str(node.value), node.span)
    for destination in destinations.values():
        for name, span in destination.secrets.items():
            used.setdefault(name, span)
    return used
