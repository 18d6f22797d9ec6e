"""`hookyard rules`; `check` shows every problem of the rule files, each with its place."""

from __future__ import annotations

from pathlib import Path

import click

from router.cli.failures import PROBLEMS_FOUND
from router.cli.options import option
from router.cli.output import result_json, status
from router.cli.rules_backtest import backtest
from router.cli.rules_check import Checked, check_paths
from router.cli.rules_explain import explain
from router.cli.rules_report import count
from router.cli.rules_schema import schema
from router.cli.start import prepare
from router.cli.testing import test
from rules.rendering import as_github, as_json, as_text


@click.group("rules")
def rules() -> None:
    """Check, test, explain and back-test rule files."""


rules.add_command(test)
rules.add_command(backtest)
rules.add_command(explain)
rules.add_command(schema)


@rules.command("check")
@click.argument(
    "paths", nargs=-1, type=click.Path(path_type=Path, exists=True), metavar="[PATH]..."
)
@option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="For people, for programs, or for GitHub's annotations.",
)
@option("--strict", is_flag=True, help="Warnings are problems too.")
@click.pass_context
def check(ctx: click.Context, /, *, paths: tuple[Path, ...], form: str, strict: bool) -> None:
    """Check directories or single files of rules; HOOKYARD_ROUTES by default.

    What is in the directory of HOOKYARD_ROUTES is checked with the names that the rest of it gives; only
    its own problems are shown.

    Shows all problems at once, each with file:line:column. Exit code 1 if there are errors (with
    --strict: or warnings), 2 if there was nothing to check.
    """
    settings, secrets = prepare()
    checked = check_paths(
        paths or (settings.routes_dir,),
        settings.routes_dir,
        secrets,
        public_url=settings.public_url,
    )
    _print(checked, form)
    ctx.exit(PROBLEMS_FOUND if checked.errors or (strict and checked.warnings) else 0)


def _print(checked: Checked, form: str) -> None:
    if form == "json":
        result_json(as_json(checked.problems, checked.files, checked.notes))
        return
    render = as_github if form == "github" else as_text
    click.echo(render([*checked.problems, *checked.notes]), nl=False)
    status(
        f"{count(len(checked.files), 'file')}: {count(checked.errors, 'error')}, "
        f"{count(checked.warnings, 'warning')}"
    )
    for directory, errors in checked.elsewhere.items():
        status(
            f"{count(errors, 'error')} elsewhere in {directory}, which is used as a whole or not at all: "
            f"`hookyard rules check {directory}` shows them"
        )
