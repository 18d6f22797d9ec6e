"""`hookyard destinations`: the task APIs that are built in."""

from __future__ import annotations

import click

from router.cli.options import json_option
from router.cli.output import result_json, table
from workers.destinations import REGISTRY


@click.command("destinations")
@json_option
def destinations(*, as_json: bool) -> None:
    """List the types of destination that are built in, and how sure we are of each."""
    rows = [
        {
            "type": destination.name,
            "title": destination.title,
            "certainty": destination.certainty,
            "idempotency": destination.idempotency,
        }
        for destination in REGISTRY
    ]
    if as_json:
        result_json({"data": rows, "next_cursor": None})
        return
    table(("type", "task API", "certainty", "idempotency"), (tuple(row.values()) for row in rows))
