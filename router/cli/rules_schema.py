"""`hookyard rules schema`: the JSON Schemas that editors check rule files with while one types."""

from __future__ import annotations

from pathlib import Path

import click

from router.cli.catalogues import catalogues
from router.cli.failures import PROBLEMS_FOUND, CommandError
from router.cli.options import option
from router.cli.output import result, result_json, status
from router.cli.start import prepare
from rules import schemas


@click.command("schema")
@option(
    "--write",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write them to this directory, a file for each kind, instead of printing them.",
)
@option(
    "--check",
    is_flag=True,
    help="Write nothing; exit code 1 if those in DIR (`schema` beside the routes by default) are stale.",
)
@click.pass_context
def schema(ctx: click.Context, /, *, directory: Path | None, check: bool) -> None:
    """Print the JSON Schemas of the three kinds of rule files as one document.

    The first line of a rule file tells an editor with a YAML language server which one to use:
    `# yaml-language-server: $schema=../schema/connector.schema.json`.
    """
    if check:
        ctx.exit(_check(directory or beside(prepare()[0].routes_dir)))
    if directory is None:
        result_json(schemas.schemas(catalogues()))
        return
    for path in write(directory):
        result(str(path))
    status(f"The schemas in {directory} are up to date.")


def _check(folder: Path) -> int:
    stale = _stale(folder)
    for path in stale:
        status(f"{path} {'is not up to date' if path.exists() else 'is not there'}")
    if stale:
        status(f"`hookyard rules schema --write {folder}` puts that right.")
        return PROBLEMS_FOUND
    status(f"The schemas in {folder} are up to date.")
    return 0


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
