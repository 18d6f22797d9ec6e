"""`hookyard connectors code|activity`: programs that send to a connector, and what it received."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from router.cli.failures import PROBLEMS_FOUND, CommandError
from router.cli.options import data_option, json_option, option, routes_option, time_options
from router.cli.output import plain, result, result_json, status, table
from router.cli.parts import store_of
from router.cli.rules_report import load_rules
from router.cli.start import prepare, run_async
from router.core.activity import activity_json, since_of
from router.core.clock import rfc3339_of_ms, utc_now
from router.core.code_samples import LANGUAGES, Sample, sample_for
from router.core.intake_table import IntakeTable
from router.core.settings import Settings
from router.core.store import rule_sets
from router.core.store.activity import Span, events_per_day, refusals_per_day
from router.core.store.events import EventFilter, list_events
from rules.problems import did_you_mean


@click.group("connectors")
def connectors() -> None:
    """Get code that sends to a connector, and see what it received."""


@connectors.command("code")
@click.argument("name")
@option(
    "--lang",
    type=click.Choice(list(LANGUAGES)),
    default="curl",
    show_default=True,
    help="The language of the program.",
)
@routes_option
@json_option
def code(name: str, lang: str, *, as_json: bool, **flags: object) -> None:
    """Print a program that makes a task through the connector NAME (`source: task`).

    It gives only what the connector accepts, and reads the key from TASK_KEY.
    """
    settings, _ = prepare(**flags)
    sample = _sample(settings, name)
    program = LANGUAGES[lang](sample)
    if as_json:
        result_json(
            {
                "connector": name,
                "lang": lang,
                "code": program,
                "body": sample.body,
                "choices": sample.choices,
            }
        )
        return
    result(program.removesuffix("\n"))


def _sample(settings: Settings, name: str) -> Sample:
    directory = settings.routes_dir
    rule_set = load_rules(directory).rule_set
    if rule_set is None:
        raise CommandError(
            f"the rules in {directory} have errors: `hookyard rules check {directory}` shows them"
        )
    table = IntakeTable.model_validate(rule_set.intake_table()).connectors
    if name not in table:
        hint = did_you_mean(name, table) or f"there are {', '.join(table) or 'none'}"
        raise CommandError(f"there is no connector {name} in {directory}; {hint}")
    sample = sample_for(table[name], settings.base_url)
    if sample is None:
        raise CommandError(
            f"{name} has no code: it is not `source: task` with its key in a header; "
            f"`hookyard send {name} --event FILE` sends to it as its sender would",
            exit_code=1,
        )
    return sample


@connectors.command("activity")
@click.argument("name")
@time_options
@option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="How many.")
@option("--cursor", metavar="CURSOR", help="Where the page before ended (next_cursor).")
@data_option
@json_option
def activity(
    name: str,
    since_ms: int | None,
    until_ms: int | None,
    limit: int,
    cursor: str | None,
    *,
    as_json: bool,
    **flags: object,
) -> None:
    """Show what the connector NAME received and what came of it, newest first, and counts per day.

    Of the last seven days, unless --since says otherwise. What waits to be decided is not in it yet.
    """
    settings, _ = prepare(**flags)
    wanted = EventFilter(None, name, since_of(since_ms, utc_now), until_ms)
    found = run_async(_activity(settings, wanted, limit, cursor))
    if as_json:
        result_json(found)
        return
    if not found["days"]:
        since = rfc3339_of_ms(wanted.since_ms or 0)
        status(f"Nothing came to {name} from {since} on; --since looks further back.")
        return
    table(
        ("day", "events", "refused before they were events"),
        ((day["date"], _counts(day["events"]), _counts(day["refusals"])) for day in found["days"]),
    )
    result("")
    table(
        ("received", "status", "task", "why", "event"),
        (
            (
                entry["received_at"],
                entry["status"],
                " ".join(f"#{task['number']} {task['action']}" for task in entry["tasks"]),
                _why(entry),
                entry["event_id"],
            )
            for entry in found["data"]
        ),
    )
    if found["next_cursor"]:
        status(f"More: --cursor {found['next_cursor']}")


async def _activity(
    settings: Settings, wanted: EventFilter, limit: int, cursor: str | None
) -> dict[str, Any]:
    connector, span = wanted.connector or "", Span(wanted.since_ms or 0, wanted.until_ms)
    async with store_of(settings) as store, store.connect() as conn:
        page = await list_events(conn, wanted, limit=limit, cursor=cursor)
        counts = await events_per_day(conn, connector, span)
        refused = await refusals_per_day(conn, connector, span)
        if not counts and not refused:
            await _check_name(conn, connector)
    return activity_json(page, counts, refused, settings.base_url)


async def _check_name(conn: AsyncConnection, name: str) -> None:
    """Say so where nothing could come: the rules in force know no such connector.

    Raises:
        CommandError: They do not.
    """
    kept = await rule_sets.last_good(conn)
    known = {} if kept is None else kept["intake_table"].get("connectors", {})
    if kept is not None and name not in known:
        hint = did_you_mean(name, known) or f"there are {', '.join(known) or 'none'}"
        raise CommandError(
            f"nothing came to {name}, and the rules in force have no such connector; {hint}",
            exit_code=PROBLEMS_FOUND,
        )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))


def _why(entry: dict[str, Any]) -> str:
    """Return why nothing came of an event: everything that is wrong with it, where that is known."""
    wrong = [str(error["message"]) for error in entry["errors"]]
    return plain("; ".join(wrong) or entry["reason"])
