"""`hookyard directory pull`: who and what a destination has, and which ids the directory could get for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from router.cli.asking import Asked, asking
from router.cli.directory_patch import Proposal, as_yaml, propose
from router.cli.failures import CommandError
from router.cli.options import json_option, routes_option
from router.cli.output import plain, result, result_json, status
from router.cli.rules_report import count
from router.cli.start import prepare, run_async
from router.core.settings import Secrets, Settings
from workers.destinations.destination import Entry, Listed, LookUp
from workers.destinations.outcome import Answer

_MOST_PAGES = 100


@click.group("directory")
def directory() -> None:
    """See what destinations call the people, labels and projects of the directory."""


@directory.command("pull")
@click.argument("destination")
@routes_option
@json_option
def pull(destination: str, *, as_json: bool, **flags: object) -> None:
    """List who and what DESTINATION has, and propose `ids` for the directory as YAML.

    People are known by their addresses, else by their names; labels and projects by their names. Nothing is
    changed anywhere. Exit code 1 if our credentials are refused, 2 if it cannot be asked.
    """
    settings, secrets = prepare(**flags)
    proposal = run_async(_pull(settings, secrets, destination))
    if as_json:
        result_json({"data": _rows(proposal), "next_cursor": None})
    else:
        for line in as_yaml(proposal).splitlines():
            result(plain(line))
    new = sum(match.state == "new" for match in proposal.matches)
    same = sum(match.state == "same" for match in proposal.matches)
    status(
        f"{destination} has {count(len(proposal.matches), 'name')}; "
        f"{count(new, 'id')} proposed, {same} in the directory already."
    )


async def _pull(settings: Settings, secrets: Secrets, name: str) -> Proposal:
    async with asking(settings.routes_dir, secrets, name) as asked:
        look, read = asked.kind.directory, asked.kind.read_directory
        if look is None or read is None:
            raise CommandError(
                f"{name} is of type {asked.kind.name}, whose API cannot be asked for ids"
            )
        listed: dict[str, list[Entry]] = {}
        for lookup in look(asked.config):
            listed[lookup.kind] = await _entries(asked, lookup, read)
        return propose(asked.rules.directory, name, listed)


async def _entries(
    asked: Asked, lookup: LookUp, read: Callable[[Any, LookUp, Answer], Listed]
) -> list[Entry]:
    """Return all entries of a look-up, page by page.

    Raises:
        CommandError: There are so many that something must be wrong.
    """
    entries: list[Entry] = []
    for _ in range(_MOST_PAGES):
        page = read(asked.config, lookup, await asked.ask(lookup.request))
        entries += page.entries
        if page.next is None:
            return entries
        lookup = replace(lookup, request=page.next)
    raise CommandError(f"{asked.name} has more than {_MOST_PAGES} pages of {lookup.kind}")


def _rows(proposal: Proposal) -> list[dict[str, str | None]]:
    return [
        {
            "kind": match.kind,
            "id": match.entry.id,
            "name": match.entry.name,
            "email": match.entry.email,
            "known_as": match.known_as,
            "state": match.state,
        }
        for match in proposal.matches
    ]
