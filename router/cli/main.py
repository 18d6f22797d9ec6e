"""The `hookyard` command: its sub-commands, and what happens to errors that reach the top.

Sub-commands are named here and loaded when they are used, so that `--help` answers at once.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import click

from router.cli import failures

COMMANDS = {
    "up": ("router.cli.up:up", "Run everything: Redis, database, receiver and one worker."),
    "serve": ("router.cli.serve:serve", "Run the receiver: webhooks, API, health and metrics."),
    "work": ("router.cli.work:work", "Run one worker: it decides about events and delivers tasks."),
    "init": ("router.cli.init:init", "Make a routes directory with ready-made connectors to edit."),
    "doctor": ("router.cli.doctor:doctor", "Say what is as it should be, and what to do if not."),
    "send": ("router.cli.send:send", "Sign a payload as its sender would, and post it."),
    "rules": ("router.cli.rules:rules", "Check, test, explain and back-test rule files."),
    "events": (
        "router.cli.events:events",
        "Look at webhooks, accepted or refused, and decide again.",
    ),
    "tasks": ("router.cli.tasks:tasks", "Look at tasks, make and complete some."),
    "connectors": (
        "router.cli.connectors:connectors",
        "Get code that sends to a connector, and see what it received.",
    ),
    "deliveries": (
        "router.cli.deliveries:deliveries",
        "Look at the copies of tasks elsewhere; send again, give up.",
    ),
    "keys": ("router.cli.keys:keys", "Make, list, rotate and revoke keys."),
    "audit": ("router.cli.audit:audit", "Say who made keys, replayed events, deleted tasks."),
    "db": ("router.cli.db:db", "Look after the database."),
    "catalogue": (
        "router.cli.catalogue:catalogue",
        "List the connector files that come along, ready to copy.",
    ),
    "sources": ("router.cli.sources:sources", "List the senders that are built in, or show one."),
    "destinations": (
        "router.cli.destinations:destinations",
        "List the task APIs that are built in; see whether one answers.",
    ),
    "directory": (
        "router.cli.directory:directory",
        "See what destinations call people, labels and projects.",
    ),
    "sandbox": (
        "router.cli.sandbox:sandbox",
        "Serve simulators of the task APIs on this machine.",
    ),
}
"""Each sub-command in the order of `--help`: where it is, and what it does in one line."""


class Commands(click.Group):
    """A group that imports a sub-command when it is asked for, and not to list it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of `COMMANDS`."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a sub-command; None if there is none of this name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101  COMMANDS names nothing else
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of sub-commands."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


def release() -> str:
    """Return the version of this release."""
    try:
        return version("hookyard")
    except PackageNotFoundError:
        return "not installed"


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Settings are read from the environment and from .env: see docs/reference/settings.md.",
)
@click.version_option(release(), prog_name="hookyard")
@click.option("-v", "--verbose", is_flag=True, help="Show where an error happened.")
def cli(*, verbose: bool) -> None:
    """Webhooks in, the right task out."""
    del verbose  # read from the arguments in `main`, which is where errors end


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with its code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    given = list(arguments)
    verbose = bool({"-v", "--verbose"} & set(given))
    if verbose:  # it may stand anywhere, also behind the sub-command
        given = [word for word in given if word not in {"-v", "--verbose"}]
    try:
        outcome = cli.main(given, prog_name="hookyard", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return 130
    except Exception as error:  # noqa: BLE001  the process's boundary: every error becomes a line
        return failures.report(error, verbose=verbose)
    return outcome if isinstance(outcome, int) else 0


if __name__ == "__main__":
    main()
