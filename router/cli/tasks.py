"""`hookyard tasks list|show`: what has to be done."""

from __future__ import annotations

from typing import Any

import click
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from router.cli.failures import PROBLEMS_FOUND, CommandError
from router.cli.options import data_option, json_option, option
from router.cli.output import plain, result, result_json, status, table
from router.cli.parts import store_of
from router.cli.start import prepare, run_async
from router.core.settings import Settings
from router.core.store import schema
from router.core.store.present import task_json
from router.core.store.tasks import (
    TaskFilter,
    deliveries_of,
    get_task,
    list_tasks,
    task_deliveries,
    task_history,
)

_LONGEST_NUMBER = 18
"""Digits that surely fit the database's 64 bits."""


@click.group("tasks")
def tasks() -> None:
    """Look at the tasks that came of webhooks."""


@tasks.command("list")
@option("--status", "wanted", metavar="STATUS", help="Only those with one status, such as open.")
@option("--connector", metavar="NAME", help="Only those that one connector made.")
@option("--assignee", metavar="NAME", help="Only those of one person.")
@option("--label", metavar="NAME", help="Only those with one label.")
@option("--key", metavar="KEY", help="Only the one with exactly this key.")
@option("--q", metavar="TEXT", help="Only those with this text in title or description.")
@option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="How many.")
@option("--cursor", metavar="CURSOR", help="Where the page before ended (next_cursor).")
@data_option
@json_option
def list_command(
    wanted: str | None,
    connector: str | None,
    assignee: str | None,
    label: str | None,
    key: str | None,
    q: str | None,
    limit: int,
    cursor: str | None,
    *,
    as_json: bool,
    **flags: object,
) -> None:
    """List tasks, newest first."""
    settings, _ = prepare(**flags)
    chosen = TaskFilter(
        status=wanted, connector=connector, assignee=assignee, label=label, key=key, q=q
    )
    page = run_async(_list(settings, chosen, limit, cursor))
    if as_json:
        result_json(page)
        return
    table(
        ("number", "status", "priority", "title", "due", "assignees", "seen", "updated"),
        (
            (
                f"#{task['number']}",
                task["status"],
                task["priority"],
                task["title"],
                task["due_date"],
                " ".join(task["assignees"]),
                task["occurrences"],
                task["updated_at"],
            )
            for task in page["data"]
        ),
    )
    if page["next_cursor"]:
        status(f"More: --cursor {page['next_cursor']}")


@tasks.command("show")
@click.argument("task", metavar="ID")
@data_option
@json_option
def show(task: str, *, as_json: bool, **flags: object) -> None:
    """Show one task by ID or #NUMBER: its fields, its copies and its history."""
    settings, _ = prepare(**flags)
    found = run_async(_show(settings, task))
    if found is None:
        raise CommandError(f"there is no task {task}", exit_code=PROBLEMS_FOUND)
    if as_json:
        result_json(found)
        return
    _print(found)


async def _list(
    settings: Settings, wanted: TaskFilter, limit: int, cursor: str | None
) -> dict[str, Any]:
    async with store_of(settings) as store, store.connect() as conn:
        page = await list_tasks(conn, wanted, limit=limit, cursor=cursor)
        copies = await deliveries_of(conn, [row["id"] for row in page.rows])
    return {
        "data": [task_json(row, deliveries=copies[row["id"]]) for row in page.rows],
        "next_cursor": page.next_cursor,
    }


async def _show(settings: Settings, named: str) -> dict[str, Any] | None:
    async with store_of(settings) as store, store.connect() as conn:
        row = await get_task(conn, await _id(conn, named))
        if row is None:
            return None
        copies = await task_deliveries(conn, row["id"])
        changes = await task_history(conn, row["id"])
    return task_json(row, deliveries=copies, history=changes)


async def _id(conn: AsyncConnection, named: str) -> str:
    """Return the id of the task that `#1042` or `1042` names; other texts as they are."""
    number = named.removeprefix("#")
    if not number.isdecimal() or len(number) > _LONGEST_NUMBER:
        return named
    found = await conn.execute(
        select(schema.tasks.c.id).where(schema.tasks.c.number == int(number))
    )
    return found.scalar_one_or_none() or named


def _print(task: dict[str, Any]) -> None:
    changes, copies = task.pop("history"), task.pop("deliveries")
    for name, value in task.items():
        if value not in (None, [], {}):
            result(f"{name:16} {plain(value)}")
    for copy in copies:
        external = f"  {plain(copy['external_id'])}" if copy["external_id"] else ""
        result(f"\ncopy             {plain(copy['destination'])}: {copy['state']}{external}")
    for change in changes:
        who = plain(change["rule"] or change["actor"])
        note = f"  {plain(change['note'])}" if change["note"] else ""
        result(f"\n{change['at']}  {change['action']} by {who}{note}")
        if change["event_id"]:
            result(f"  event {change['event_id']}  {plain(change['fields'])}")
