"""`hookyard deliveries status|list|show|retry|drop`: what became of the copies of tasks elsewhere."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy.ext.asyncio import AsyncConnection

from router.cli.deliveries_acting import drop, retry
from router.cli.failures import PROBLEMS_FOUND, CommandError
from router.cli.options import changed_options, data_option, json_option, option
from router.cli.output import plain, result, result_json, status, table
from router.cli.parts import redis_of, store_of
from router.cli.start import prepare, run_async
from router.cli.tasks_find import id_of
from router.core.intake_table import fetch
from router.core.settings import Settings
from router.core.standing import OK, TROUBLE, overview
from router.core.store.deliveries import (
    STATES,
    DeliveryFilter,
    attempts_of,
    get_delivery,
    list_deliveries,
)
from router.core.store.present import delivery_json
from router.core.store.tasks import get_tasks

_COLUMNS = ("changed", "id", "task", "destination", "state", "attempts", "next", "code", "reason")


@click.group("deliveries")
def deliveries() -> None:
    """Look at the copies of tasks elsewhere, send them again or give them up."""


deliveries.add_command(retry)
deliveries.add_command(drop)


@deliveries.command("status")
@data_option
@json_option
@click.pass_context
def status_command(ctx: click.Context, /, *, as_json: bool, **flags: object) -> None:
    """Say how each destination stands: whether anything is sent there now, and what is in trouble.

    Exit code 1 if nothing is sent to one of them at the moment.
    """
    settings, _ = prepare(**flags)
    rows = run_async(_status(settings))
    if as_json:
        result_json({"data": rows, "next_cursor": None})
    else:
        table(
            ("destination", "type", "state", "until", *TROUBLE, "reason"),
            (
                (
                    row["name"],
                    row["type"],
                    row["state"],
                    row["until"],
                    *(row["deliveries"][state] for state in TROUBLE),
                    (row["reason"] or {}).get("message"),
                )
                for row in rows
            ),
        )
    ctx.exit(0 if all(row["state"] == OK.state for row in rows) else PROBLEMS_FOUND)


@deliveries.command("list")
@option("--state", type=click.Choice(STATES), help="Only those in one state.")
@option("--destination", metavar="NAME", help="Only those of one destination.")
@option("--task", metavar="ID", help="Only those of one task, by ID or #NUMBER.")
@changed_options
@option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="How many.")
@option("--cursor", metavar="CURSOR", help="Where the page before ended (next_cursor).")
@data_option
@json_option
def list_command(
    state: str | None,
    destination: str | None,
    task: str | None,
    since_ms: int | None,
    until_ms: int | None,
    limit: int,
    cursor: str | None,
    *,
    as_json: bool,
    **flags: object,
) -> None:
    """List deliveries, newest first; `failed`, `held` and `uncertain` are those in trouble."""
    settings, _ = prepare(**flags)
    wanted = DeliveryFilter(state, destination, task, since_ms, until_ms)
    page, numbers = run_async(_list(settings, wanted, limit, cursor))
    if as_json:
        result_json(page)
        return
    table(_COLUMNS, (_cells(row, numbers) for row in page["data"]))
    if page["next_cursor"]:
        status(f"More: --cursor {page['next_cursor']}")


@deliveries.command("show")
@click.argument("delivery_id", metavar="ID")
@data_option
@json_option
def show(delivery_id: str, *, as_json: bool, **flags: object) -> None:
    """Show one delivery: its state and why, its attempts, and the whole last answer."""
    settings, _ = prepare(**flags)
    found = run_async(_show(settings, delivery_id))
    if found is None:
        raise CommandError(f"there is no delivery {delivery_id}", exit_code=PROBLEMS_FOUND)
    if as_json:
        result_json(found)
        return
    _print(found)


async def _status(settings: Settings) -> list[dict[str, Any]]:
    async with redis_of(settings) as redis, store_of(settings) as store:
        published = await fetch(redis)
        return await overview(store, redis, {} if published is None else published.destinations)


async def _list(
    settings: Settings, wanted: DeliveryFilter, limit: int, cursor: str | None
) -> tuple[dict[str, Any], dict[str, int]]:
    async with store_of(settings) as store, store.connect() as conn:
        if wanted.task_id is not None:
            wanted = await _of_task(conn, wanted, wanted.task_id)
        page = await list_deliveries(conn, wanted, limit=limit, cursor=cursor)
        tasks = await get_tasks(conn, {row["task_id"] for row in page.rows})
    shown = {
        "data": [delivery_json(row) for row in page.rows],
        "next_cursor": page.next_cursor,
    }
    return shown, {task_id: task["number"] for task_id, task in tasks.items()}


async def _of_task(conn: AsyncConnection, wanted: DeliveryFilter, named: str) -> DeliveryFilter:
    task_id = await id_of(conn, named)
    return DeliveryFilter(
        wanted.state, wanted.destination, task_id, wanted.since_ms, wanted.until_ms
    )


async def _show(settings: Settings, delivery_id: str) -> dict[str, Any] | None:
    async with store_of(settings) as store, store.connect() as conn:
        row = await get_delivery(conn, delivery_id)
        if row is None:
            return None
        return delivery_json(row, attempts=await attempts_of(conn, delivery_id))


def _cells(row: dict[str, Any], numbers: dict[str, int]) -> tuple[Any, ...]:
    reason = row["reason"] or {}
    number = numbers.get(row["task_id"])
    return (
        row["updated_at"],
        row["id"],
        "" if number is None else f"#{number}",
        row["destination"],
        row["state"],
        row["attempts"],
        row["next_attempt_at"],
        reason.get("code"),
        reason.get("message"),
    )


def _print(delivery: dict[str, Any]) -> None:
    log, answer = delivery.pop("log"), delivery.pop("last_answer")
    reason = delivery.pop("reason")
    for name, value in delivery.items():
        if value is not None:
            result(f"{name:16} {plain(value)}")
    if reason:
        result(f"{'reason':16} {plain(reason['code'])}: {plain(reason['message'])}")
    for attempt in log:
        said = f"  {plain(attempt['message'])}" if attempt["message"] else ""
        result(
            f"\n{attempt['at']}  {attempt['kind']}: {attempt['outcome']}"
            f" after {attempt['duration_ms']} ms{said}"
        )
    if answer and "body" in answer:
        result(f"\nlast answer      {plain(answer['status'])}")
        for name, value in answer["headers"].items():
            result(f"  {plain(name)}: {plain(value)}")
        result(f"  {plain(answer['body'])}{' …' if answer['truncated'] else ''}")
