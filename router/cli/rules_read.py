"""Rule files that a person names: read with the directory that their names come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from router.cli.failures import CommandError
from router.cli.rules_report import load_rules
from rules.loader import Loaded


class Named(NamedTuple):
    """What stands at a path: `files` are those of it, `loaded` what came of all that `directory` holds."""

    directory: Path
    loaded: Loaded
    files: list[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads rule files by their paths, each directory once.

    What is in `routes` is read with all of it, a directory elsewhere alone, a file elsewhere with what
    stands beside it (decision X9).
    """

    routes: Path
    _read: dict[Path, Loaded] = field(default_factory=dict)

    def named(self, path: Path) -> Named:
        """Return what stands at a path.

        Raises:
            CommandError: It is not there, or is no rule file.
        """
        if path.is_file():
            return self._file(path)
        if not path.is_dir():
            raise CommandError(f"there is no directory {path}; `hookyard init {path}` makes one")
        if self._is_part(path):
            whole = self._load(self.routes)
            files = [file for file in whole.files if is_in(path, file)]
            if files:
                return Named(self.routes, whole, files)
        # Also where it is a part of the routes directory that is passed over there, as hidden ones are.
        alone = self._load(path)
        return Named(path, alone, alone.files)

    def _file(self, path: Path) -> Named:
        directory = self.routes if self._is_part(path) else path.parent
        loaded = self._load(directory)
        files = [file for file in loaded.files if is_in(path, file)]
        if not files:
            raise CommandError(f"{path} is no rule file: their names end in .yaml or .yml")
        return Named(directory, loaded, files)

    def _is_part(self, path: Path) -> bool:
        whole, part = self.routes.resolve(), path.resolve()
        return part != whole and part.is_relative_to(whole)

    def _load(self, directory: Path) -> Loaded:
        if directory not in self._read:
            self._read[directory] = load_rules(directory)
        return self._read[directory]


def is_in(path: Path, file: str) -> bool:
    """Tell whether a file that was read is that at a path, or in the directory at it."""
    if path.is_file():
        return Path(file).resolve() == path.resolve()
    # The loader follows links to files: in a directory is what is named there.
    return (Path(file).parent.resolve() / Path(file).name).is_relative_to(path.resolve())
