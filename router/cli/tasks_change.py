"""`hookyard tasks create|complete`: tasks made and done by hand."""

from __future__ import annotations

from typing import Any

import click

from router.cli.failures import PROBLEMS_FOUND, CommandError
from router.cli.options import data_option, json_option, option
from router.cli.output import result, result_json, status
from router.cli.start import prepare, run_async
from router.cli.task_board import actor, board_of
from router.cli.tasks_find import id_of
from router.core.by_hand import NotValidError
from router.core.settings import Settings
from router.core.store.present import task_json
from router.core.store.tasks import task_deliveries, task_history


@click.command("create")
@click.argument("title")
@option("--description", metavar="TEXT", help="What is to be done.")
@option("--due", metavar="WHEN", help="tomorrow, +2 business days, a day, or an instant.")
@option("--priority", type=click.Choice(["low", "medium", "high"]), help="How urgent it is.")
@option("--status", metavar="STATUS", help="Its status; the first of the kind initial by default.")
@option("--assignee", "assignees", multiple=True, metavar="NAME", help="Who does it; repeatable.")
@option("--label", "labels", multiple=True, metavar="NAME", help="A label; repeatable.")
@option("--client", metavar="NAME", help="Whose it is.")
@option("--project", metavar="NAME", help="What it is part of; brings its client and people.")
@option("--contact", metavar="EMAIL", help="Whom it is from; made if nobody has the address.")
@option("--key", metavar="KEY", help="If an open task has it, that one is printed instead.")
@option(
    "--deliver", multiple=True, metavar="NAME", help="A destination that gets a copy; repeatable."
)
@data_option
@json_option
def create(title: str, contact: str | None, *, as_json: bool, data: object, **given: Any) -> None:
    """Make a task called TITLE and print its number and id."""
    settings, _ = prepare(data=data)
    fields = {name: list(v) if isinstance(v, tuple) else v for name, v in given.items() if v}
    if contact is not None:
        fields["contact"] = {"email": contact}
    task, is_new = run_async(_create(settings, {"title": title, **fields}))
    if as_json:
        result_json(task)
        return
    result(f"#{task['number']} {task['id']}")
    if not is_new:
        status("It was there already: an open task has this key.")


@click.command("complete")
@click.argument("task", metavar="ID")
@option("--note", metavar="TEXT", help="Why, for its history.")
@data_option
@json_option
def complete(task: str, note: str | None, *, as_json: bool, **flags: object) -> None:
    """Complete a task by ID or #NUMBER; one that is closed stays as it is."""
    settings, _ = prepare(**flags)
    done = run_async(_complete(settings, task, note))
    if done is None:
        raise CommandError(f"there is no task {task}", exit_code=PROBLEMS_FOUND)
    if as_json:
        result_json(done)
        return
    result(f"#{done['number']} is {done['status']}.")


async def _create(settings: Settings, given: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    async with board_of(settings) as (board, store):
        try:
            made = await board.create(given, actor())
        except NotValidError as error:
            raise _said(error) from None
        async with store.connect() as conn:
            copies = await task_deliveries(conn, made.task["id"])
    return task_json(made.task, deliveries=copies), made.is_new


async def _complete(settings: Settings, named: str, note: str | None) -> dict[str, Any] | None:
    async with board_of(settings) as (board, store):
        async with store.connect() as conn:
            task_id = await id_of(conn, named)
        try:
            edited = await board.complete(task_id, actor(), note)
        except NotValidError as error:
            raise _said(error) from None
        if edited is None:
            return None
        async with store.connect() as conn:
            copies = await task_deliveries(conn, task_id)
            history = await task_history(conn, task_id)
    return task_json(edited.task, deliveries=copies, history=history)


def _said(error: NotValidError) -> CommandError:
    lines = [
        one.message if one.field in one.message else f"{one.field}: {one.message}"
        for one in error.mistakes
    ]
    return CommandError("\n".join(lines), exit_code=PROBLEMS_FOUND)
