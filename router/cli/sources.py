"""`hookyard sources`: the senders that are built in, and all there is to know of one."""

from __future__ import annotations

from typing import Any

import click

from router.cli.failures import CommandError
from router.cli.options import json_option
from router.cli.output import plain, result, result_json, table
from router.sources.options import options_of
from router.sources.preset import SourcePreset
from router.sources.registry import REGISTRY, info_of
from rules.problems import did_you_mean

_CERTAINTY = {
    "verified": "verified against the vendor's own vectors or library",
    "documented": "documented: built from the vendor's published documentation",
    "assumed": "assumed from what others observed",
}


@click.group("sources", invoke_without_command=True)
@json_option
@click.pass_context
def sources(ctx: click.Context, /, *, as_json: bool) -> None:
    """List the senders that are built in, and how sure we are of each.

    `verified` was tried against the vendor's own vectors or library, `documented` was built from its
    published documentation, `assumed` from what others observed.
    """
    if ctx.invoked_subcommand is not None:
        return
    rows = [
        {
            "name": preset.name,
            "sender": preset.title,
            "certainty": preset.certainty,
            "type": preset.event_type_from or None,
            "delivery_id": preset.delivery_id_from or None,
            "proof": preset.proof.summary,
            "handshake": preset.handshake,
            "docs": preset.docs,
        }
        for preset in REGISTRY
    ]
    if as_json:
        result_json({"data": rows, "next_cursor": None})
        return
    columns = ("name", "sender", "certainty", "type", "delivery_id")
    titles = ("name", "sender", "certainty", "event type", "delivery id")
    table(titles, ([row[column] or "none" for column in columns] for row in rows))


@sources.command("show")
@click.argument("name")
@json_option
def show(name: str, *, as_json: bool) -> None:
    """Say how the sender NAME proves itself, names and repeats its events, and how it is set up."""
    known = {preset.name: preset for preset in REGISTRY}
    if name not in known:
        hint = did_you_mean(name, known)
        raise CommandError(f"there is no sender {name}; {hint or '`hookyard sources` lists all'}")
    facts = _facts(known[name])
    if as_json:
        result_json(facts)
        return
    setup = facts.pop("setup")
    facts["certainty"] = _CERTAINTY[facts["certainty"]]
    width = max(map(len, facts))
    for title, value in facts.items():
        shown = ", ".join(value) if isinstance(value, list) else value
        result(f"{title.replace('_', ' ').ljust(width)}  {plain(shown or 'none')}")
    result("set up the sender")
    for number, step in enumerate(setup, 1):
        result(f"  {number}. {plain(step)}")


def _facts(preset: SourcePreset) -> dict[str, Any]:
    """Return what is known of a sender, in the order in which it is shown."""
    return {
        "name": preset.name,
        "sender": preset.title,
        "certainty": preset.certainty,
        "proof": preset.proof.summary,
        "event_type": preset.event_type_from,
        "delivery_id": preset.delivery_id_from,
        "dedupe_key": info_of(preset).dedupe_key,
        "about_the_key": preset.dedupe_why or None,
        "handshake": preset.handshake,
        "methods": sorted(preset.methods),
        "content_types": sorted(preset.content_types),
        "options": sorted(set(options_of(preset).model_fields) - {"preset"}),
        "waits": preset.waits,
        "tries_again": preset.retries,
        "docs": preset.docs or None,
        "setup": list(preset.setup),
    }
