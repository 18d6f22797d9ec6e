"""Connectors as they were compiled before: one whose file did not change is not compiled again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rules.compile_connector import CompiledConnector


class Kept:
    """The connectors of the last good set of rules, each by all that it is made of.

    That is its own file, and the files that define what it may name: destinations and directory. What a
    connector was warned of is not said again when it is taken from here.
    """

    def __init__(self) -> None:
        self._good: dict[Any, CompiledConnector] = {}
        self._made: dict[Any, CompiledConnector] = {}
        self._files: Mapping[str, str] = {}
        self._named: frozenset[Any] = frozenset()

    def begin(self, files: Mapping[str, str], naming: Iterable[str], broken: Iterable[str]) -> None:
        """Begin with a set: its texts by path, those that define names, and the kinds not all of which can be read."""
        self._files = files
        self._named = frozenset([*((file, files[file]) for file in naming), *broken])
        self._made = {}

    def get(self, file: str) -> CompiledConnector | None:
        """Return what became of a connector's file in the last good set, if that is what it would become now."""
        return self._good.get(self._key(file))

    def put(self, file: str, compiled: CompiledConnector) -> None:
        """Take down what a connector's file has become."""
        self._made[self._key(file)] = compiled

    def end(self) -> None:
        """Keep what was taken down: the set is good."""
        self._good = self._made

    def _key(self, file: str) -> Any:
        return (file, self._files[file], self._named)
