"""`hookyard events replay`: decide about stored events again, by the rules in force now."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import click

from router.cli.failures import PROBLEMS_FOUND, CommandError
from router.cli.options import data_option, json_option, option, time_options
from router.cli.output import result, result_json, status, table
from router.cli.parts import store_of
from router.cli.replaying import Queued, Selection, queue, wait
from router.cli.start import prepare, run_async
from router.cli.verdicts import UNSETTLED, cause
from router.core.clock import epoch_ms, utc_now
from router.core.replay import REPLAYABLE
from router.core.settings import Settings
from router.core.store.events import EventFilter
from router.core.store.present import event_json
from router.core.store.replays import count_events
from router.core.store.schema import Row

_DUPLICATE = "duplicate"
_NAMED = 5
"""So many events that are not replayed for one reason are named one by one."""


@click.command("replay")
@click.argument("event_ids", nargs=-1, metavar="[ID]...")
@option(
    "--status",
    "wanted",
    type=click.Choice([*REPLAYABLE, _DUPLICATE]),
    help="All events with one status instead of IDs; duplicates only with --force.",
)
@option("--connector", metavar="NAME", help="Of these, only those of one connector.")
@time_options
@option("--limit", type=click.IntRange(1), help="Of these, so many at most, the oldest first.")
@option(
    "--force",
    "forced",
    is_flag=True,
    help="Act as if nothing had been done before: counts count again, tasks are made again.",
)
@option("--wait", "waits", is_flag=True, help="Wait, and print what came of each.")
@option("--yes", is_flag=True, help="Do not ask before many are replayed.")
@option(
    "--dry-run", "only_look", is_flag=True, help="Print what would be replayed; replay nothing."
)
@data_option
@json_option
@click.pass_context
def replay(
    ctx: click.Context,
    /,
    event_ids: tuple[str, ...],
    wanted: str | None,
    connector: str | None,
    since_ms: int | None,
    until_ms: int | None,
    limit: int | None,
    *,
    forced: bool,
    waits: bool,
    yes: bool,
    only_look: bool,
    as_json: bool,
    **flags: object,
) -> None:
    """Decide about events again, by the rules in force now: those with these IDs, or with a status.

    What an event did before is not done again, so that it is safe to repeat. Exit code 1 if an event
    could not be replayed or, with --wait, was not decided this time either.
    """
    narrowed = (connector, since_ms, until_ms, limit) != (None, None, None, None)
    if bool(event_ids) == (wanted is not None) or (event_ids and narrowed):
        raise click.UsageError("name events by their IDs, or by --status and what narrows it", ctx)
    if wanted == _DUPLICATE and not forced:
        raise click.UsageError("a duplicate has no effect; with --force it acts", ctx)
    settings, _ = prepare(**flags)
    # What comes in from now on is no part of it: it would never end where all of that is undecided, too.
    until_ms = epoch_ms(utc_now()) + 1 if until_ms is None else until_ms
    found = EventFilter(wanted, connector, since_ms, until_ms)
    selection = Selection(event_ids, found, limit, forced)
    if not (event_ids or yes or only_look) and not _is_wanted(settings, selection):
        status("Nothing was replayed.")
        ctx.exit(PROBLEMS_FOUND)
    queued = run_async(queue(settings, selection, only_look=only_look))
    waits = waits and not only_look
    if waits and queued.events:
        status(f"{_are(queued)} queued to be replayed.")
    decided = run_async(wait(settings, queued.numbers)) if waits else None
    if as_json:
        result_json(_json(queued, decided))
    else:
        _print(queued, decided, only_look=only_look)
    not_done = [row for row in (decided or {}).values() if row["status"] in UNSETTLED]
    ctx.exit(PROBLEMS_FOUND if queued.passed_over or not_done else 0)


def _is_wanted(settings: Settings, selection: Selection) -> bool:
    """Ask whether to replay all that a filter finds, if somebody is there to be asked."""
    if not sys.stdin.isatty():
        if selection.forced:
            raise CommandError(
                "--force does again what was done before: say --yes if that is wanted"
            )
        return True
    counts = run_async(_count(settings, selection.wanted))
    total = sum(counts.values())
    if not total:
        return True
    by_name = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    number = min(total, selection.limit or total)
    again = " and do again what they did before" if selection.forced else ""
    question = f"{total} events are {selection.wanted.status} ({by_name}). Replay {number}{again}?"
    return click.confirm(question, err=True)


async def _count(settings: Settings, wanted: EventFilter) -> dict[str, int]:
    async with store_of(settings) as store, store.connect() as conn:
        return await count_events(conn, wanted)


def _print(queued: Queued, decided: Mapping[str, Row] | None, *, only_look: bool) -> None:
    _say_passed_over(queued)
    if not queued.events:
        if not queued.passed_over:
            status("There is nothing to replay.")
        return
    if decided is None:
        _table(queued.events)
        status(
            f"{_number(queued)} would be replayed."
            if only_look
            else f"{_are(queued)} queued to be replayed."
        )
        return
    rows = list(decided.values())
    if not rows:
        status("All of them were removed meanwhile: they are older than the retention.")
        return
    result(f"{len(rows)} replayed: {_counted(row['status'] for row in rows)}")
    if done := _counted(_outcomes(rows)):
        result(f"actions: {done}")
    still = [row for row in rows if row["status"] in UNSETTLED]
    if still:
        result("")
        _table(still)


def _say_passed_over(queued: Queued) -> None:
    """Say which events are not replayed and why; of many with one reason how many there are."""
    by_reason: dict[str, list[str]] = {}
    for event_id, why in queued.passed_over:
        by_reason.setdefault(why.message, []).append(event_id)
    for message, ids in by_reason.items():
        if len(ids) > _NAMED:
            status(f"{len(ids)} events are not replayed, {ids[0]} and others: {message}.")
            continue
        for event_id in ids:
            status(f"{event_id} is not replayed: {message}.")


def _number(queued: Queued) -> str:
    count = len(queued.events)
    return "1 event" if count == 1 else f"{count} events"


def _are(queued: Queued) -> str:
    return f"{_number(queued)} {'is' if len(queued.events) == 1 else 'are'}"


def _table(rows: Iterable[Row]) -> None:
    table(
        ("id", "connector", "type", "status", "code", "reason", "rule"),
        (
            (
                row["id"],
                row["connector"],
                row["type"],
                row["status"],
                row["code"],
                row["reason"],
                cause(row),
            )
            for row in rows
        ),
    )


def _json(queued: Queued, decided: Mapping[str, Row] | None) -> dict[str, Any]:
    return {
        "queued": [{"event_id": one, "replay": number} for one, number in queued.numbers.items()],
        "passed_over": [{"event_id": one, **why._asdict()} for one, why in queued.passed_over],
        "outcomes": None
        if decided is None
        else dict(Counter(row["status"] for row in decided.values())),
        "events": None
        if decided is None
        else [event_json(row, whole=False) for row in decided.values()],
    }


def _outcomes(rows: Iterable[Row]) -> Iterable[str]:
    return (
        entry["outcome"]
        for row in rows
        for entry in row["decisions"]
        if entry["outcome"] not in {None, *UNSETTLED}
    )


def _counted(words: Iterable[str]) -> str:
    return ", ".join(f"{count} {word}" for word, count in Counter(words).most_common())
