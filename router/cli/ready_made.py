"""The connector files that come along, as `hookyard catalogue` lists them and `hookyard init` copies them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final

from router.core.settings import Secrets
from router.sources.preset import SourcePreset
from router.sources.registry import REGISTRY
from rules.document import parse
from rules.problems import Report

PAYLOADS: Final = "payloads"
"""The directory beside the connector files that holds the events of their tests, by file name."""

_CATALOGUE = resources.files("rules") / "catalogue"
_PRESETS = {preset.name: preset for preset in REGISTRY}


@dataclass(frozen=True, slots=True)
class ReadyMade:
    """A connector file of the catalogue.

    `description` is the file's own, `sender` the preset it uses, `secrets` the names of those that it needs,
    `payloads` what its tests send.
    """

    name: str
    file: Traversable
    description: str
    sender: SourcePreset
    secrets: tuple[str, ...]
    payloads: tuple[Traversable, ...]

    @property
    def variables(self) -> list[str]:
        """The environment variables that may hold its secrets."""
        return [Secrets.variable(name) for name in self.secrets]


def ready_made() -> dict[str, ReadyMade]:
    """Return the connector files of the catalogue by name, in the order of their names."""
    files = [file for file in _CATALOGUE.iterdir() if file.name.endswith(".yaml")]
    found = (_read(file) for file in sorted(files, key=lambda file: file.name))
    return {one.name: one for one in found}


def _read(file: Traversable) -> ReadyMade:
    document = parse(file.read_text("utf-8"), file.name, Report())
    assert document is not None  # noqa: S101  tests hold every file of the catalogue to it
    written: Mapping[str, Any] = document.data
    source = written["source"]
    name = file.name.removesuffix(".yaml")
    return ReadyMade(
        name,
        file,
        written["description"],
        _PRESETS[source if isinstance(source, str) else source["preset"]],
        tuple(written.get("secrets", ())),
        tuple(_payloads(name)),
    )


def _payloads(name: str) -> list[Traversable]:
    folder = _CATALOGUE / PAYLOADS / name
    return sorted(folder.iterdir(), key=lambda file: file.name) if folder.is_dir() else []
