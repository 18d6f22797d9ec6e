"""`hookyard tasks`: what has to be done."""

from __future__ import annotations

from typing import Any

import click

from router.cli.failures import PROBLEMS_FOUND, CommandError
from router.cli.options import data_option, json_option, option, sorted_options
from router.cli.output import plain, result, result_json, status, table
from router.cli.parts import store_of
from router.cli.start import prepare, run_async
from router.cli.tasks_change import complete, create
from router.cli.tasks_find import id_of
from router.core.settings import Settings
from router.core.store.present import task_json
from router.core.store.tasks import (
    NEWEST,
    ORDERS,
    TaskFilter,
    deliveries_of,
    get_task,
    list_tasks,
    task_deliveries,
    task_history,
)


@click.group("tasks")
def tasks() -> None:
    """Look at the tasks that came of webhooks, and make and complete some by hand."""


tasks.add_command(create)
tasks.add_command(complete)


@tasks.command("list")
@option("--status", "wanted", metavar="STATUS", help="Only those with one status, such as open.")
@option(
    "--status-kind",
    type=click.Choice(["initial", "in_progress", "done", "cancelled"]),
    help="Only those whose status is of one kind.",
)
@option("--connector", metavar="NAME", help="Only those that one connector made.")
@option("--client", metavar="NAME", help="Only those of one client.")
@option("--project", metavar="NAME", help="Only those of one project.")
@option("--assignee", metavar="NAME", help="Only those of one person.")
@option("--label", metavar="NAME", help="Only those with one label.")
@option("--key", metavar="KEY", help="Only the one with exactly this key.")
@option("--q", metavar="TEXT", help="Only those with this text in title or description.")
@sorted_options
@option(
    "--sort",
    type=click.Choice(list(ORDERS)),
    default=NEWEST,
    show_default=True,
    help="In which order; - is falling.",
)
@option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="How many.")
@option("--cursor", metavar="CURSOR", help="Where the page before ended (next_cursor).")
@data_option
@json_option
def list_command(
    wanted: str | None, sort: str, limit: int, cursor: str | None, *, as_json: bool, **given: Any
) -> None:
    """List tasks, newest first unless --sort says otherwise."""
    settings, _ = prepare(data=given.pop("data"))
    chosen = TaskFilter(status=wanted, **given)
    page = run_async(_list(settings, chosen, sort, limit, cursor))
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
    if not page["data"]:
        status("There are no such tasks.")
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
    settings: Settings, wanted: TaskFilter, sort: str, limit: int, cursor: str | None
) -> dict[str, Any]:
    async with store_of(settings) as store, store.connect() as conn:
        page = await list_tasks(conn, wanted, limit=limit, cursor=cursor, sort=sort)
        copies = await deliveries_of(conn, [row["id"] for row in page.rows])
    return {
        "data": [task_json(row, deliveries=copies[row["id"]]) for row in page.rows],
        "next_cursor": page.next_cursor,
    }


async def _show(settings: Settings, named: str) -> dict[str, Any] | None:
    async with store_of(settings) as store, store.connect() as conn:
        row = await get_task(conn, await id_of(conn, named))
        if row is None:
            return None
        copies = await task_deliveries(conn, row["id"])
        changes = await task_history(conn, row["id"])
    shown = task_json(row, deliveries=copies, history=changes)
    for copy, stored in zip(shown["deliveries"], copies, strict=True):
        copy |= {"id": stored["id"], "reason": stored["reason"]}
    return shown


def _print(task: dict[str, Any]) -> None:
    changes, copies = task.pop("history"), task.pop("deliveries")
    for name, value in task.items():
        if value not in (None, [], {}):
            result(f"{name:16} {plain(value)}")
    for copy in copies:
        external = f"  {plain(copy['external_id'])}" if copy["external_id"] else ""
        result(f"\ncopy             {plain(copy['destination'])}: {copy['state']}{external}")
        if copy["reason"]:
            result(f"  {plain(copy['reason']['message'])}")
            result(f"  hookyard deliveries show {copy['id']}")
    for change in changes:
        who = plain(change["rule"] or change["actor"])
        note = f"  {plain(change['note'])}" if change["note"] else ""
        result(f"\n{change['at']}  {change['action']} by {who}{note}")
        if change["event_id"]:
            result(f"  event {change['event_id']}  {plain(change['fields'])}")
