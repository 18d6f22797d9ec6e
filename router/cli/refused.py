"""`hookyard events refused`: what was never accepted, and why."""

from __future__ import annotations

from typing import Any

import click

from router.cli.options import data_option, json_option, option, time_options
from router.cli.output import result_json, status, table
from router.cli.parts import store_of
from router.cli.start import prepare, run_async
from router.core.settings import Settings
from router.core.store.present import refusal_json
from router.core.store.refusals import RefusalFilter, list_refusals


@click.command("refused")
@option("--connector", metavar="NAME", help="Only those of one connector.")
@option("--code", metavar="CODE", help="Only those of one kind, such as signature-mismatch.")
@time_options
@option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="How many.")
@option("--cursor", metavar="CURSOR", help="Where the page before ended (next_cursor).")
@data_option
@json_option
def refused(
    connector: str | None,
    code: str | None,
    since_ms: int | None,
    until_ms: int | None,
    limit: int,
    cursor: str | None,
    *,
    as_json: bool,
    **flags: object,
) -> None:
    """List requests that were refused, newest first: who sent them, and what was wrong.

    The sender is told only that it was refused; a secret or a body is shown to nobody.
    """
    settings, _ = prepare(**flags)
    wanted = RefusalFilter(connector, code=code, since_ms=since_ms, until_ms=until_ms)
    page = run_async(_list(settings, wanted, limit, cursor))
    if as_json:
        result_json(page)
        return
    columns = ("at", "connector", "status", "code", "remote", "reason")
    table(columns, ([row[column] for column in columns] for row in page["data"]))
    if page["next_cursor"]:
        status(f"More: --cursor {page['next_cursor']}")


async def _list(
    settings: Settings, wanted: RefusalFilter, limit: int, cursor: str | None
) -> dict[str, Any]:
    async with store_of(settings) as store, store.connect() as conn:
        page = await list_refusals(conn, wanted, limit=limit, cursor=cursor)
    return {
        "data": [refusal_json(row) for row in page.rows],
        "next_cursor": page.next_cursor,
    }
