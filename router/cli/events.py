"""`hookyard events list|show|replay|refused`: what became of each webhook."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import click
from redis.exceptions import RedisError

from router.cli.failures import PROBLEMS_FOUND, CommandError
from router.cli.options import data_option, json_option, option, time_options
from router.cli.output import plain, result, result_json, status, table
from router.cli.parts import redis_of, store_of
from router.cli.refused import refused
from router.cli.replay import replay
from router.cli.start import prepare, run_async
from router.cli.verdicts import SIGNS, UNSETTLED, cause, item, reasons, step_words
from router.core.event import IncomingEvent
from router.core.ids import is_id
from router.core.pending import PendingBatches
from router.core.settings import Settings
from router.core.store.events import EventFilter, accepted_row, get_event, list_events
from router.core.store.present import event_json
from router.core.store.schema import Row
from rules.decision import Step

STATUSES = (
    "accepted",
    "routed",
    "dropped",
    "duplicate",
    "undecided",
    "refused",
    "held",
    "failed",
)

_COLUMNS = ("received", "id", "connector", "type", "status", "task", "reason")


@click.group("events")
def events() -> None:
    """Look at webhooks, accepted or refused, and decide again."""


events.add_command(refused)
events.add_command(replay)


@events.command("list")
@option("--connector", metavar="NAME", help="Only those of one connector.")
@option("--status", "wanted", type=click.Choice(STATUSES), help="Only those with one status.")
@time_options
@option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="How many.")
@option("--cursor", metavar="CURSOR", help="Where the page before ended (next_cursor).")
@data_option
@json_option
def list_command(
    connector: str | None,
    wanted: str | None,
    since_ms: int | None,
    until_ms: int | None,
    limit: int,
    cursor: str | None,
    *,
    as_json: bool,
    **flags: object,
) -> None:
    """List events, newest first; those that wait to be routed come first as `accepted`."""
    settings, _ = prepare(**flags)
    chosen = EventFilter(wanted, connector, since_ms, until_ms)
    page = run_async(_list(settings, chosen, limit, cursor))
    if as_json:
        result_json(page)
        return
    # Code and rule are of use where something is left to do, and take room.
    more = any(event["status"] in UNSETTLED for event in page["data"])
    table(
        (*_COLUMNS, "code", "rule") if more else _COLUMNS,
        (
            (*_cells(event), event["code"], cause(event))[: None if more else len(_COLUMNS)]
            for event in page["data"]
        ),
    )
    if page["next_cursor"]:
        status(f"More: --cursor {page['next_cursor']}")


@events.command("show")
@click.argument("event_id", metavar="ID")
@data_option
@json_option
def show(event_id: str, *, as_json: bool, **flags: object) -> None:
    """Show one event: what was decided about it and why, its headers and its body."""
    settings, _ = prepare(**flags)
    event = run_async(_show(settings, event_id)) if is_id(event_id) else None
    if event is None:
        raise CommandError(f"there is no event {event_id}", exit_code=PROBLEMS_FOUND)
    if as_json:
        result_json(event)
        return
    _print(event)


async def _list(
    settings: Settings, wanted: EventFilter, limit: int, cursor: str | None
) -> dict[str, Any]:
    waiting = [] if cursor else await _waiting(settings, wanted, limit)
    async with store_of(settings) as store, store.connect() as conn:
        page = await list_events(conn, wanted, limit=limit, cursor=cursor)
    decided = {row["id"] for row in page.rows}
    rows = [row for row in waiting if row["id"] not in decided] + page.rows
    return {
        "data": [event_json(row, whole=False) for row in rows],
        "next_cursor": page.next_cursor,
    }


async def _waiting(settings: Settings, wanted: EventFilter, limit: int) -> list[Row]:
    """Return events that wait in Redis; without Redis there are only those of the database."""
    if wanted.status not in {None, "accepted"}:
        return []
    since_ms = wanted.since_ms or 0
    until_ms = math.inf if wanted.until_ms is None else wanted.until_ms

    def passes(event: IncomingEvent) -> bool:
        return (
            wanted.connector in {None, event.connector} and since_ms <= event.received_ms < until_ms
        )

    try:
        async with redis_of(settings) as redis:
            found = await PendingBatches(redis).recent_events(limit, keep=passes)
    except (CommandError, RedisError, OSError) as error:
        status(f"Events that still wait are not shown: {error}")
        return []
    return [accepted_row(event) for event in found]


async def _show(settings: Settings, event_id: str) -> dict[str, Any] | None:
    async with store_of(settings) as store, store.connect() as conn:
        row = await get_event(conn, event_id)
    if row is None:
        with contextlib.suppress(CommandError, RedisError, OSError):
            async with redis_of(settings) as redis:
                waiting = await PendingBatches(redis).find_event(event_id)
                row = None if waiting is None else accepted_row(waiting)
    return None if row is None else event_json(row, whole=True)


def _print(event: dict[str, Any]) -> None:
    for name in (
        "id",
        "connector",
        "type",
        "delivery_id",
        "received_at",
        "decided_at",
        "status",
        "reason",
        "code",
        "duplicate_of",
        "rules_hash",
        "replays",
    ):
        if event[name] not in {None, 0}:
            result(f"{name:13} {plain(event[name])}")
    for decision in event["decisions"]:
        result(
            f"\nrule          {plain(decision['rule'])}{item(decision)}  {plain(decision['at'])}"
        )
        result(f"  {plain(decision['verdict'])}{_outcome(decision)}")
        for reason in reasons(decision):
            result(f"  {plain(reason)}")
        for step in decision.get("why") or ():
            told = Step(**step)
            result(f"  {'  ' * told.depth}{SIGNS[told.verdict]} {step_words(told)}")
        for note in decision.get("notes", ()):
            result(f"  note: {plain(note['message'])}  {plain(note['at'])}")
    for task in event["tasks"]:
        result(
            f"\ntask          #{task['number']} {task['action']} by {plain(task['rule'])}"
            f"{_replay(task)}  {task['id']}"
        )
    result(f"\nheaders       {plain(event['headers'])}")
    result(f"body          {plain(event['body'])}")


def _outcome(decision: dict[str, Any]) -> str:
    outcome = decision["outcome"]
    return f", {plain(outcome)}" if outcome not in {None, decision["verdict"]} else ""


def _replay(task: dict[str, Any]) -> str:
    return f" in replay {task['replay']}" if task.get("replay") else ""


def _cells(event: dict[str, Any]) -> tuple[Any, ...]:
    return (
        event["received_at"],
        event["id"],
        event["connector"],
        event["type"],
        event["status"],
        " ".join(dict.fromkeys(f"#{task['number']}" for task in event["tasks"])),
        event["reason"] or _duplicate(event),
    )


def _duplicate(event: dict[str, Any]) -> str:
    return f"of {event['duplicate_of']}" if event["duplicate_of"] else ""
