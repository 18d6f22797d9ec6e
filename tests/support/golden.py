"""The golden files of mistakes in rules: what is said of each, to the column.

`python -m tests.support.golden` writes the `.txt` of every case anew; read the difference before you
keep it.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from rules.loader import load
from rules.rendering import as_text
from tests.support.catalogues import catalogues

CASES = Path(__file__).parents[1] / "rules_errors"
_SURROUNDINGS = CASES / "_surroundings"


def cases() -> list[Path]:
    """Return every case: a file, or a directory of files that are wrong together."""
    inputs = [*CASES.glob("R*.yaml"), *(path for path in CASES.glob("R*") if path.is_dir())]
    return sorted(inputs)


def expected_of(case: Path) -> Path:
    return case.with_suffix(".txt") if case.is_file() else case.with_name(f"{case.name}.txt")


def text_of(case: Path) -> str:
    """Return what is said of a case; it has destinations and a directory, unless it brings its own.

    What is said of those is no part of it.
    """
    files = [case] if case.is_file() else sorted(case.iterdir())
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        for file in files:
            (directory / file.name).write_bytes(file.read_bytes())
        brought = b"\n".join(file.read_bytes() for file in files)
        for kind in ("destinations", "directory"):
            if not re.search(rb"^%s:" % kind.encode(), brought, re.MULTILINE):
                text = (_SURROUNDINGS / f"{kind}.yaml").read_bytes()
                (directory / f"z-{kind}.yaml").write_bytes(text)
        loaded = load(directory, catalogues(), display=Path("routes"))
    ours = {f"routes/{file.name}" for file in files}
    shown = [*loaded.problems, *loaded.notes]
    return as_text(problem for problem in shown if problem.span.file in ours)


if __name__ == "__main__":
    for one in cases():
        expected_of(one).write_text(text_of(one), "utf-8")
