"""`hookyard init`: a routes directory from the catalogue, ready to edit."""

from __future__ import annotations

from contextlib import suppress
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from router.cli.failures import CommandError
from router.cli.options import option
from router.cli.output import result, status
from router.cli.rules_schema import beside, write
from router.cli.start import prepare
from rules.problems import suggest

_DEFAULT = "standard-webhooks"
_CATALOGUE = resources.files("rules") / "catalogue"
PAYLOADS = "payloads"
"""The directory beside the connector files that holds the events of their tests, by file name."""


def catalogue() -> dict[str, Traversable]:
    """Return the ready-made connector files by name."""
    files = [file for file in _CATALOGUE.iterdir() if file.name.endswith(".yaml")]
    return {file.name.removesuffix(".yaml"): file for file in sorted(files, key=lambda f: f.name)}


def payloads(name: str) -> list[Traversable]:
    """Return the files that the tests of a ready-made connector file send."""
    folder = _CATALOGUE / PAYLOADS / name
    return sorted(folder.iterdir(), key=lambda file: file.name) if folder.is_dir() else []


@click.command("init")
@click.argument(
    "directory", required=False, type=click.Path(path_type=Path, file_okay=False), metavar="[DIR]"
)
@option(
    "--with",
    "names",
    default=_DEFAULT,
    show_default=True,
    metavar="NAME,…",
    help="Connectors of the catalogue, separated by commas.",
)
def init(directory: Path | None, names: str) -> None:
    """Make a routes directory DIR with ready-made connectors to edit.

    DIR is HOOKYARD_ROUTES by default. Files that exist are left as they are. What the connectors' tests
    send is copied to DIR/payloads.
    """
    settings, _ = prepare(routes=directory)
    known = catalogue()
    chosen = _chosen(names, known)
    folder = settings.routes_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in chosen:
            _write(folder / f"{name}.yaml", known[name])
            _write_payloads(folder / PAYLOADS / name, payloads(name))
    except OSError as error:
        raise CommandError(f"{folder} cannot be written: {error.strerror}") from error
    for path in write(beside(folder)):
        result(str(path))
    others = sorted(set(known) - set(chosen))
    if others:
        status(f"Also in the catalogue: {', '.join(others)} (hookyard init --with NAME).")
    status(
        f"Next: edit the files, then `hookyard rules check {folder}`, "
        f"`hookyard rules test {folder}` and `hookyard up`."
    )


def _chosen(names: str, known: dict[str, Traversable]) -> list[str]:
    chosen = [name.strip() for name in names.split(",") if name.strip()]
    for name in chosen:
        if name not in known:
            near = suggest(name, list(known))
            hint = f"; did you mean {near}?" if near else f"; there are {', '.join(known)}"
            raise CommandError(f"{name} is not in the catalogue{hint}")
    return list(dict.fromkeys(chosen))


def _write(path: Path, file: Traversable) -> None:
    try:
        with path.open("x", encoding="utf-8") as target:
            target.write(file.read_text("utf-8"))
    except FileExistsError:
        status(f"{path} exists and is left as it is.")
        return
    result(str(path))


def _write_payloads(folder: Path, files: list[Traversable]) -> None:
    """Copy what tests send; these are not for editing, so nothing is said of them."""
    for file in files:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError), (folder / file.name).open("xb") as target:
            target.write(file.read_bytes())
