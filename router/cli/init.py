"""`hookyard init`: a routes directory from the catalogue, ready to edit."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from router.cli.failures import CommandError
from router.cli.options import option
from router.cli.output import result, status
from router.cli.ready_made import PAYLOADS, ReadyMade, ready_made
from router.cli.rules_schema import beside, write
from router.cli.start import prepare
from router.core.settings import Secrets
from rules.problems import suggest

_DEFAULT = "standard-webhooks"


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
    send is copied to DIR/payloads. `hookyard catalogue` lists the connectors there are.
    """
    settings, secrets = prepare(routes=directory)
    known = ready_made()
    chosen = _chosen(names, known)
    folder = settings.routes_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = [one for one in chosen if _write(folder / f"{one.name}.yaml", one.file)]
        for one in chosen:
            _write_payloads(folder / PAYLOADS / one.name, one.payloads)
    except OSError as error:
        raise CommandError(f"{folder} cannot be written: {error.strerror}") from error
    for path in write(beside(folder)):
        result(str(path))
    _tell_secrets(folder, written, secrets)
    status(
        f"Next: edit the files, then `hookyard rules check {folder}`, "
        f"`hookyard rules test {folder}` and `hookyard up --routes {folder}`."
    )
    if len(chosen) < len(known):
        status("`hookyard catalogue` lists what else there is.")


def _chosen(names: str, known: dict[str, ReadyMade]) -> list[ReadyMade]:
    chosen = dict.fromkeys(name.strip() for name in names.split(",") if name.strip())
    for name in chosen:
        if name not in known:
            near = suggest(name, list(known))
            hint = f"; did you mean {near}?" if near else f"; there are {', '.join(known)}"
            raise CommandError(f"{name} is not in the catalogue{hint}")
    return [known[name] for name in chosen]


def _tell_secrets(folder: Path, written: Sequence[ReadyMade], secrets: Secrets) -> None:
    """Say which secrets the new files need, and where to find out what they are."""
    needed = {name: one for one in written for name in one.secrets}
    if not needed:
        return
    status("Secrets to set; the first lines of each file say where they come from:")
    width = max(len(Secrets.variable(name)) for name in needed)
    for name, one in needed.items():
        there = " (is set)" if secrets.has(name) else ""
        status(f"  {Secrets.variable(name):{width}}  {folder / one.name}.yaml{there}")


def _write(path: Path, file: Traversable) -> bool:
    """Copy a file, and tell whether there was none; one that exists is left as it is."""
    try:
        with path.open("x", encoding="utf-8") as target:
            target.write(file.read_text("utf-8"))
    except FileExistsError:
        status(f"{path} exists and is left as it is.")
        return False
    result(str(path))
    return True


def _write_payloads(folder: Path, files: Sequence[Traversable]) -> None:
    """Copy what tests send; these are not for editing, so nothing is said of them."""
    for file in files:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError), (folder / file.name).open("xb") as target:
            target.write(file.read_bytes())
