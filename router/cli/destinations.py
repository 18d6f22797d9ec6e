"""`hookyard destinations`: the task APIs that are built in, and whether those of the rules answer."""

from __future__ import annotations

from typing import get_args

import click

from router.cli.asking import asking
from router.cli.failures import CommandError
from router.cli.options import json_option, routes_option
from router.cli.output import result, result_json, table
from router.cli.start import prepare, run_async
from router.core.settings import Secrets, Settings
from workers.destinations import REGISTRY
from workers.destinations.destination import Common, Destination, Vendor
from workers.destinations.request import Change


@click.group("destinations", invoke_without_command=True)
@json_option
@click.pass_context
def destinations(ctx: click.Context, /, *, as_json: bool) -> None:
    """List the task APIs that are built in; see whether a destination answers."""
    if ctx.invoked_subcommand is None:
        _list(as_json=as_json)


@destinations.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the types of destination that are built in, and how sure we are of each.

    `verified` was tried against the real thing, `simulated` was built from the vendor's published
    documentation and run against a simulator of it alone, `assumed` is in large parts not published.
    Where there is an update and no `complete`, the update says it.
    """
    _list(as_json=as_json)


@destinations.command("check")
@click.argument("name")
@routes_option
def check(name: str, **flags: object) -> None:
    """Ask the destination NAME of the rules something that changes nothing, with its credentials.

    Exit code 1 if they are refused, 2 if nothing answers or the API has no such question.
    """
    settings, secrets = prepare(**flags)
    result(run_async(_check(settings, secrets, name)))


def _list(*, as_json: bool) -> None:
    if not as_json:
        table(
            ("type", "task API", "certainty", "avoids doubles by", "changes"),
            (
                (each.name, each.title, each.certainty, _avoids(each), ", ".join(_changes(each)))
                for each in REGISTRY
            ),
        )
        return
    rows = [
        {
            "type": each.name,
            "title": each.title,
            "certainty": each.certainty,
            "idempotency": each.idempotency,
            "changes": _changes(each),
            "can_be_asked": each.find is not None,
        }
        for each in REGISTRY
    ]
    result_json({"data": rows, "next_cursor": None})


def _changes(destination: Destination) -> list[Change]:
    return [change for change in get_args(Change) if change in destination.changes]


def _avoids(destination: Destination) -> str:
    """Return how a creation that may have worked does not become a second copy."""
    if destination.idempotency != "none":
        return "a key of ours, if it takes one"
    return "asking a person" if destination.find is None else "looking for its marker"


async def _check(settings: Settings, secrets: Secrets, name: str) -> str:
    async with asking(settings.routes_dir, secrets, name) as asked:
        request = None if asked.kind.check is None else asked.kind.check(asked.config)
        if request is None:
            raise CommandError(
                f"{name} is of type {asked.kind.name}, whose API has no request that changes nothing: "
                "only a task shows whether it works"
            )
        await asked.ask(request)
        return f"{name}: {asked.kind.title}{_where(asked.config)} answers and takes our credentials"


def _where(config: Common) -> str:
    return f" at {config.base_url}" if isinstance(config, Vendor) else ""
