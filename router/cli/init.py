"""`hookyard init`: a routes directory from the catalogue, ready to edit."""

from __future__ import annotations

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


def catalogue() -> dict[str, Traversable]:
    """Return the ready-made connector files by name."""
    folder = resources.files("rules") / "catalogue"
    files = [file for file in folder.iterdir() if file.name.endswith(".yaml")]
    return {file.name.removesuffix(".yaml"): file for file in sorted(files, key=lambda f: f.name)}


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

    DIR is HOOKYARD_ROUTES by default. Files that exist are left as they are.
    """
    settings, _ = prepare(routes=directory)
    known = catalogue()
    chosen = _chosen(names, known)
    folder = settings.routes_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in chosen:
            _write(folder / f"{name}.yaml", known[name])
    except OSError as error:
        raise CommandError(f"{folder} cannot be written: {error.strerror}") from error
    for path in write(beside(folder)):
        result(str(path))
    others = sorted(set(known) - set(chosen))
    if others:
        status(f"Also in the catalogue: {', '.join(others)} (hookyard init --with NAME).")
    status(f"Next: edit the files, then `hookyard rules check {folder}` and `hookyard up`.")


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
