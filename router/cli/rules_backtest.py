"""`hookyard rules backtest`: what a change of the rules would have done to the events of the last days."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TimeRemainingColumn

from router.cli.backtest_processes import Side, side_by_side
from router.cli.backtest_report import Findings, as_json, as_markdown, as_text
from router.cli.failures import PROBLEMS_FOUND, CommandError
from router.cli.options import Span, data_option, option
from router.cli.output import result_json, status
from router.cli.parts import store_of
from router.cli.rules_report import load_rules
from router.cli.start import prepare, run_async
from router.core.clock import epoch_ms, utc_now
from router.core.settings import Settings, environment
from router.core.store.events import Stretch, stretch_of
from workers.backtest import compare

_SHOWN = 50
_EVERY = 200


@click.command("backtest")
@option(
    "--routes",
    "new",
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="NEWDIR",
    help="The changed rules; those in HOOKYARD_ROUTES are the live ones.",
)
@option("--connector", "connectors", multiple=True, metavar="NAME", help="Only events of these.")
@option("--since", type=Span(), default="7d", show_default=True, help="How far back.")
@option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="For people, for programs, or for a pull request.",
)
@option("--json", "as_json_too", is_flag=True, help="The same as --format json.")
@option("--details", is_flag=True, help="What each field was and would be.")
@option("--all", "whole", is_flag=True, help=f"Every difference, not the first {_SHOWN}.")
@data_option
@click.pass_context
def backtest(
    ctx: click.Context,
    /,
    *,
    new: Path,
    connectors: tuple[str, ...],
    since: timedelta,
    form: str,
    as_json_too: bool,
    details: bool,
    whole: bool,
    **flags: object,
) -> None:
    """Run the stored events through the live and the changed rules, and show what differs.

    Nothing is executed or stored. Both sides start from an empty task store and take the events in
    the order they came, each with its own time. Exit code 1 if anything differs, 2 if it could not run.
    """
    settings, _ = prepare(**flags)
    live = settings.routes_dir
    for directory in (live, new):
        _check(directory)
    stretch = run_async(_stretch(settings, since, connectors))
    found = Findings(str(live), str(new))
    if stretch is not None:
        sides = [Side(each, settings.database, stretch, connectors) for each in (live, new)]
        _compare(sides[0], sides[1], found)
    else:
        status("There are no stored events of that time to compare with.")
    most = None if whole else _SHOWN
    if form == "json" or as_json_too:
        result_json(as_json(found))
    elif form == "markdown":
        click.echo(as_markdown(found, most=most), nl=False)
    else:
        click.echo(as_text(found, most=most, details=details), nl=False)
    ctx.exit(PROBLEMS_FOUND if found.differences else 0)


def _check(directory: Path) -> None:
    loaded = load_rules(directory)
    if loaded.rule_set is None:
        raise CommandError(
            f"the rules in {directory} have errors: `hookyard rules check {directory}` shows them"
        )


async def _stretch(
    settings: Settings, since: timedelta, connectors: tuple[str, ...]
) -> Stretch | None:
    async with store_of(settings) as store, store.connect() as conn:
        return await stretch_of(conn, epoch_ms(utc_now() - since), connectors)


def _compare(live: Side, new: Side, found: Findings) -> None:
    with _progress(live.stretch.count) as (progress, bar):
        for one, other in side_by_side(live, new):
            found.events += 1
            if one != other:
                found.differences += compare(one, other)
            if found.events % _EVERY == 0:
                progress.update(bar, completed=found.events)


@contextmanager
def _progress(total: int) -> Iterator[tuple[Progress, TaskID]]:
    """Show how far it is, on a terminal only."""
    console = Console(stderr=True, no_color="NO_COLOR" in environment())
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not sys.stderr.isatty()
    ) as progress:
        yield progress, progress.add_task("events", total=total)
