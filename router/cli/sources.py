"""`hookyard sources`: the senders that are built in."""

from __future__ import annotations

import click

from router.cli.options import json_option
from router.cli.output import result_json, table
from router.sources.registry import REGISTRY


@click.command("sources")
@json_option
def sources(*, as_json: bool) -> None:
    """List the senders that are built in, and how sure we are of each.

    `verified` was tried against the vendor's own vectors or library, `documented` was built from its
    published documentation, `assumed` from what others observed.
    """
    rows = [
        {
            "name": preset.name,
            "sender": preset.title,
            "certainty": preset.certainty,
            "type": preset.event_type_from or None,
            "delivery_id": preset.delivery_id_from or None,
            "docs": preset.docs,
        }
        for preset in REGISTRY
    ]
    if as_json:
        result_json({"data": rows, "next_cursor": None})
        return
    table(
        ("name", "sender", "certainty", "event type", "delivery id"),
        (
            (
                row["name"],
                row["sender"],
                row["certainty"],
                row["type"] or "none",
                row["delivery_id"] or "none",
            )
            for row in rows
        ),
    )
