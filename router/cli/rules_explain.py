"""`hookyard rules explain`: why a webhook becomes the task it becomes, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from router.cli.envelope import read_envelope
from router.cli.explanation import explanation
from router.cli.failures import PROBLEMS_FOUND, CommandError
from router.cli.options import data_option, option, routes_option
from router.cli.output import plain, result, result_json, status
from router.cli.parts import store_of
from router.cli.received import NotTakenError, as_received
from router.cli.rules_report import load_rules
from router.cli.start import prepare, run_async
from router.core.clock import epoch_ms, utc_now
from router.core.event import IncomingEvent
from router.core.ids import id_source, is_id
from router.core.intake_table import IntakeTable
from router.core.settings import Settings
from router.core.store.events import as_it_came, get_event
from router.core.store.present import event_json, task_json
from router.core.store.schema import Row
from rules.ruleset import RuleSet
from rules.values import instant_ms
from workers.rehearsal import Rehearsal, Rehearsed


@click.command("explain")
@click.argument("connector")
@option(
    "--event",
    "event",
    required=True,
    metavar="FILE|EVENT_ID",
    help="A body, an envelope with headers and body, or the id of a stored event.",
)
@option("--at", "at", metavar="TIME", help="When it came (RFC 3339); now, or when it really came.")
@option("--json", "as_json", is_flag=True, help="Print JSON instead of a tree.")
@routes_option
@data_option
def explain(connector: str, event: str, at: str | None, *, as_json: bool, **flags: object) -> None:
    """Show what the rules of CONNECTOR decide about an event: every condition, and what comes of it.

    ✓ holds, ✗ does not, ? cannot be decided. Keys and duplicates are looked up in an empty store;
    nothing is executed. Exit code 0 whatever was decided, 1 for a file that is no event.
    """
    settings, _ = prepare(**flags)
    rule_set = _rules(settings, connector)
    at_ms = None if at is None else _came_ms(at)
    stored: Row | None = None
    if Path(event).exists():
        incoming = _from_file(rule_set, connector, Path(event), at_ms)
    else:
        stored = run_async(_stored(settings, event, connector))
        incoming = as_it_came(stored)
        if at_ms is not None:
            incoming = incoming._replace(received_ms=at_ms)
    rehearsed = Rehearsal(rule_set, every=True).route(incoming)
    if as_json:
        result_json(_json(rehearsed))
        return
    for line in explanation(rule_set.connectors[connector], rehearsed):
        result(line)
    if stored is not None:
        _tell_of(stored, rule_set)


def _rules(settings: Settings, connector: str) -> RuleSet:
    directory = settings.routes_dir
    rule_set = load_rules(directory).rule_set
    if rule_set is None:
        raise CommandError(
            f"the rules in {directory} have errors: `hookyard rules check {directory}` shows them"
        )
    if connector not in rule_set.connectors:
        known = ", ".join(rule_set.connectors) or "none"
        raise CommandError(f"{directory} has no connector {connector}; it has: {known}")
    return rule_set


def _came_ms(words: str) -> int:
    milliseconds = instant_ms(words)
    if milliseconds is None:
        raise CommandError(f"--at {words}: expected a time such as 2026-01-05T09:00:00Z")
    return milliseconds


def _from_file(rule_set: RuleSet, connector: str, path: Path, at_ms: int | None) -> IncomingEvent:
    intake = IntakeTable.model_validate(rule_set.intake_table()).connectors[connector]
    try:
        return as_received(
            intake,
            read_envelope(path),
            event_id=id_source()(),
            received_ms=epoch_ms(utc_now()) if at_ms is None else at_ms,
        )
    except NotTakenError as error:
        raise CommandError(f"{path}: {error}", exit_code=PROBLEMS_FOUND) from None


async def _stored(settings: Settings, event_id: str, connector: str) -> Row:
    if not is_id(event_id):
        raise CommandError(
            f"there is no file {event_id}, and it is no event's id", exit_code=PROBLEMS_FOUND
        )
    async with store_of(settings) as store, store.connect() as conn:
        row = await get_event(conn, event_id)
    if row is None:
        raise CommandError(f"there is no event {event_id}", exit_code=PROBLEMS_FOUND)
    if row["connector"] != connector:
        raise CommandError(f"the event {event_id} is of the connector {row['connector']}")
    return row


def _json(rehearsed: Rehearsed) -> dict[str, Any]:
    event = event_json({"replays": 0, **rehearsed.event}, whole=True)
    copies = {
        task_id: [{**row, "external_id": None} for row in rows]
        for task_id, rows in rehearsed.copies.items()
    }
    tasks = [task_json(row, deliveries=copies.get(row["id"], ())) for row in rehearsed.tasks]
    decision = rehearsed.judged.decision
    key = None if decision is None else decision.deduplication.key
    return {"event": event, "decisions": event["decisions"], "dedupe_key": key, "tasks": tasks}


def _tell_of(row: Row, rule_set: RuleSet) -> None:
    """Say what became of a stored event when it was decided."""
    said = f"{row['status']}{': ' + plain(row['reason']) if row['reason'] else ''}"
    tasks = ", ".join(f"#{task['number']} {task['action']}" for task in row["tasks"])
    rules = "these rules" if row["rules_hash"] == rule_set.hash else "other rules than these"
    status(f"When it was decided, by {rules}: {said}{f'; {tasks}' if tasks else ''}.")
