"""A set of rules: everything that a routes directory says, compiled; whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from pydantic import BaseModel

from rules.compiled import Connector
from rules.directory import Directory
from rules.problems import Span
from rules.rule_tests import RuleTest


@dataclass(frozen=True, slots=True)
class Destination:
    """A destination: its name, its type, its configuration as the type's model, where it stands.

    `secrets` maps the name of each secret it uses to the place that names it.
    """

    name: str
    type: str
    config: BaseModel
    span: Span
    secrets: Mapping[str, Span] = field(default_factory=dict)


@dataclass(frozen=True)
class RuleSet:
    """All connectors, destinations and the directory of one routes directory.

    `files` holds the text of each file by its path, `hash` is theirs (`hash_of`). `intakes` holds what
    the receiver must know of each connector. `secrets` maps each secret's name to the first
    place that uses it. `tests` holds those of all connectors, in the order of the files.
    `signed_addresses` holds the connectors whose sender signs the address it sends to, where their
    file does not give it, and the place of their source. `shown_secrets` holds the connectors whose
    sender may show its secret.
    """

    hash: str
    files: Mapping[str, str]
    connectors: Mapping[str, Connector] = field(default_factory=dict)
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    directory: Directory = field(default_factory=Directory)
    intakes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    secrets: Mapping[str, Span] = field(default_factory=dict)
    tests: tuple[RuleTest, ...] = ()
    signed_addresses: Mapping[str, Span] = field(default_factory=dict)
    shown_secrets: frozenset[str] = frozenset()

    def intake_table(self) -> dict[str, Any]:
        """Return the table by which receivers know the connectors.

        Its shape is `{"hash": …, "connectors": {NAME: {"name", "source", "secrets", "reply"}}}`, with
        `public_url`, `allow`, `body_limit` in bytes and `rate: {"count", "span_ms", "burst"}` where a connector sets
        them, and `sample` for task endpoints; beside it `destinations: {NAME: TYPE}` and `names`, what tasks may name.
        """
        connectors = {name: dict(intake) for name, intake in self.intakes.items()}
        destinations = {name: each.type for name, each in self.destinations.items()}
        names = {**self.directory.names(), "destinations": sorted(self.destinations)}
        return {
            "hash": self.hash,
            "connectors": connectors,
            "destinations": destinations,
            "names": names,
        }


def hash_of(files: Mapping[str, str]) -> str:
    """Return the hash (sha-256, hex) of files: of their texts, and their paths below what all share.

    So the same files have the same hash wherever the directory is.
    """
    digest = hashlib.sha256()
    shared = _shared_parts([PurePosixPath(path).parent.parts for path in files])
    for path in sorted(files):
        inner = "/".join(PurePosixPath(path).parts[shared:])
        for part in (inner, files[path]):
            raw = part.encode("utf-8", "surrogatepass")
            digest.update(b"%d:" % len(raw))
            digest.update(raw)
    return digest.hexdigest()


def _shared_parts(parents: list[tuple[str, ...]]) -> int:
    """Count the leading parts that all paths share."""
    if not parents:
        return 0
    first, last = min(parents), max(parents)
    shared = 0
    for one, other in zip(first, last, strict=False):
        if one != other:
            break
        shared += 1
    return shared
