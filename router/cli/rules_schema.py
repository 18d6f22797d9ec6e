"""`hookyard rules schema`: the JSON Schemas that editors check rule files with while one types."""

from __future__ import annotations

from pathlib import Path

import click

from router.cli.catalogues import catalogues
from router.cli.failures import PROBLEMS_FOUND, CommandError
from router.cli.options import option
from router.cli.output import result, status
from router.cli.start import prepare
from rules import schemas


@click.command("schema")
@option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where they are kept; the directory `schema` beside HOOKYARD_ROUTES by default.",
)
@option("--check", is_flag=True, help="Write nothing; exit code 1 if they are not up to date.")
@click.pass_context
def schema(ctx: click.Context, /, *, directory: Path | None, check: bool) -> None:
    """Write the JSON Schemas of the three kinds of rule files.

    The first line of a rule file tells an editor with a YAML language server which one to use:
    `# yaml-language-server: $schema=../schema/connector.schema.json`.
    """
    folder = directory or beside(prepare()[0].routes_dir)
    if not check:
        for path in write(folder):
            result(str(path))
        status(f"The schemas in {folder} are up to date.")
        return
    stale = _stale(folder)
    for path in stale:
        status(f"{path} {'is not up to date' if path.exists() else 'is not there'}")
    if stale:
        status(f"`hookyard rules schema --dir {folder}` writes what is missing.")
        ctx.exit(PROBLEMS_FOUND)
    status(f"The schemas in {folder} are up to date.")


def beside(routes: Path) -> Path:
    """Return where the schemas of a routes directory are kept: beside it, so that no rule set has them."""
    return (
        routes.absolute().parent / "schema"
        if routes.name in {"", ".", ".."}
        else routes.parent / "schema"
    )


def write(folder: Path) -> list[Path]:
    """Write the schemas that are not up to date in a directory; return their paths.

    Raises:
        CommandError: They cannot be written there.
    """
    stale = _stale(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, text in stale.items():
            path.write_text(text, "utf-8")
    except OSError as error:
        raise CommandError(f"{folder} cannot be written: {error.strerror}") from error
    return list(stale)


def _stale(folder: Path) -> dict[Path, str]:
    """Return what is missing or out of date in a directory, with the text it should have."""
    wanted = {folder / name: text for name, text in schemas.files(catalogues()).items()}
    return {path: text for path, text in wanted.items() if _read(path) != text}


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
