"""`hookyard catalogue`: the connector files that come along, ready to copy and to edit."""

from __future__ import annotations

import click

from router.cli.options import json_option
from router.cli.output import result_json, status, table
from router.cli.ready_made import ready_made


@click.command("catalogue")
@json_option
def catalogue(*, as_json: bool) -> None:
    """List the connector files that come along, ready to copy and to edit.

    The certainty is that of the sender: `verified` was tried against the vendor's own vectors or library,
    `documented` was built from its published documentation, `assumed` from what others observed.
    `hookyard init --with NAME,…` copies files, with what their tests send.
    """
    files = ready_made().values()
    if as_json:
        rows = [
            {
                "name": one.name,
                "description": one.description,
                "source": one.sender.name,
                "sender": one.sender.title,
                "certainty": one.sender.certainty,
                "secrets": one.variables,
                "command": f"hookyard init --with {one.name}",
            }
            for one in files
        ]
        result_json({"data": rows, "next_cursor": None})
        return
    table(
        ("name", "what it makes tasks of", "sender", "certainty"),
        ((one.name, one.description, one.sender.title, one.sender.certainty) for one in files),
    )
    status("`hookyard init --with NAME,…` copies them, ready to edit.")
