"""What a vendor's look-ups say of the names in the directory, as a piece of YAML to be copied from.

Pure: people are matched by address, then by name; labels and projects by their names. Nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from router.core import jsonio
from rules.directory import ONE_OF, Directory
from workers.destinations.destination import Entry

State = Literal["new", "same", "other", "unknown"]
"""`new`: an id is proposed; `same`: the directory has it; `other`: it has another one; `unknown`: no name fits."""

_IDS = ("people", "labels", "projects", "clients")


@dataclass(frozen=True, slots=True)
class Match:
    """Something the vendor has, and the name of the directory that it is, if any."""

    kind: str
    entry: Entry
    known_as: str | None
    state: State
    has: str | None = None
    """The id the directory has for it, where it is another one."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What came of the look-ups; `without` holds names of the directory that the vendor does not have."""

    destination: str
    matches: tuple[Match, ...] = ()
    without: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def propose(
    directory: Directory, destination: str, listed: Mapping[str, Sequence[Entry]]
) -> Proposal:
    """Return what the vendor has, by kind, beside what the directory has."""
    matches: list[Match] = []
    without: dict[str, tuple[str, ...]] = {}
    for kind, entries in listed.items():
        found = list(_matched(directory, destination, kind, entries))
        matches += found
        if kind in _IDS:
            there = {match.known_as for match in found}
            names = tuple(
                name
                for name, ids in _known(directory, kind).items()
                if name not in there and destination not in ids
            )
            if names:
                without[kind] = names
    return Proposal(destination, tuple(matches), without)


def _matched(
    directory: Directory, destination: str, kind: str, entries: Sequence[Entry]
) -> Iterator[Match]:
    known = _known(directory, kind)
    taken = {ids[destination]: name for name, ids in known.items() if destination in ids}
    for entry in entries:
        if entry.id in taken:
            yield Match(kind, entry, taken[entry.id], "same")
            continue
        name = _name_of(directory, kind, entry, entries)
        has = None if name is None else known[name].get(destination)
        state: State = "unknown" if name is None else "new" if has is None else "other"
        yield Match(kind, entry, name, state, has)


def _name_of(directory: Directory, kind: str, entry: Entry, entries: Sequence[Entry]) -> str | None:
    """Return the name that an entry is in the directory; None if none fits, or several entries do."""
    if kind == "people" and entry.email:
        wanted = entry.email.strip().lower()
        for name, person in directory.people.items():
            if (person.email or "").strip().lower() == wanted:
                return name
    called = _plain(entry.name)
    if not called or sum(_plain(other.name) == called for other in entries) > 1:
        return None
    found = [
        name for name in _known(directory, kind) if called in _words_for(directory, kind, name)
    ]
    return found[0] if len(found) == 1 else None


def _words_for(directory: Directory, kind: str, name: str) -> set[str]:
    """Return what a name of the directory may be called elsewhere."""
    words = {_plain(name)}
    if kind == "people":
        words.add(_plain(directory.people[name].name or ""))
    if kind == "projects":
        words.add(_plain(name.rpartition("/")[2]))
    return words


def _known(directory: Directory, kind: str) -> Mapping[str, Mapping[str, str]]:
    match kind:
        case "people":
            return {name: each.ids for name, each in directory.people.items()}
        case "projects":
            return {name: each.ids for name, each in directory.projects.items()}
        case "labels":
            return directory.labels
        case "clients":
            return directory.clients
        case _:
            return {}


def _plain(words: str) -> str:
    return " ".join(words.split()).lower()


def as_yaml(proposal: Proposal) -> str:
    """Return the ids that are proposed as YAML, and everything else as comments."""
    new = [match for match in proposal.matches if match.state == "new"]
    lines = [
        f"# Ids at {proposal.destination}, to be copied into the directory. Nothing was changed."
    ]
    if new:
        lines.append("directory:")
    for kind in _IDS:
        fitting = [match for match in new if match.kind == kind]
        if fitting:
            lines.append(f"  {kind}:")
        lines += [
            f"    {_scalar(match.known_as or '')}: {{ids: {{{_scalar(proposal.destination)}: "
            f"{_scalar(match.entry.id)}}}}}  # {_shown(match.entry)}"
            for match in fitting
        ]
    return "\n".join([*lines, *_remarks(proposal)])


def _remarks(proposal: Proposal) -> Iterator[str]:
    kinds = dict.fromkeys(match.kind for match in proposal.matches)
    for match in proposal.matches:
        if match.state == "other":
            yield (
                f"# The directory has {_scalar(match.has or '')} for {ONE_OF[match.kind]} "
                f"{match.known_as}, and {_shown(match.entry)} is {_scalar(match.entry.id)}."
            )
    for kind in kinds:
        unknown = [m for m in proposal.matches if m.kind == kind and m.state == "unknown"]
        if unknown:
            what = "Types of tasks there" if kind == "task_types" else f"{kind.capitalize()} there"
            yield f"# {what}{'' if kind == 'task_types' else ' that the directory does not have'}:"
        for match in unknown:
            yield f"#   {_scalar(match.entry.id)}  {_shown(match.entry)}"
    for kind, names in proposal.without.items():
        yield f"# {kind.capitalize()} of the directory that were not found there: {', '.join(names)}"


def _shown(entry: Entry) -> str:
    """Return an entry for people, on one line."""
    words = f"{entry.name} <{entry.email}>" if entry.email else entry.name
    return " ".join(words.split()) or "without a name"


def _scalar(text: str) -> str:
    """Return a text as YAML: plain where nothing else could be read there, else in quotes."""
    is_plain = text.replace("_", "").replace("-", "").replace("/", "").isalnum() and text.isascii()
    return (
        text
        if is_plain and text[0].isalpha() and text.lower() not in _WORDS
        else jsonio.dumps(text)
    )


_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
