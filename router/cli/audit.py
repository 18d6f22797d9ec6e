"""`hookyard audit`: who did what that is no task's history."""

from __future__ import annotations

from typing import Any

import click

from router.cli.options import data_option, done_options, json_option, option
from router.cli.output import result_json, status, table
from router.cli.parts import store_of
from router.cli.start import prepare, run_async
from router.cli.task_board import actor as who
from router.core.clock import epoch_ms, utc_now
from router.core.ids import id_source
from router.core.settings import Settings
from router.core.store.audit import ACTIONS, Action, AuditFilter, entry, list_audit
from router.core.store.engine import Row
from router.core.store.present import audit_json


@click.command("audit")
@option(
    "--actor", metavar="WHO", help="Only what one did: api:NAME of a token, cli:NAME of a user."
)
@option(
    "--action",
    type=click.Choice(ACTIONS),
    metavar="ACTION",
    help="Only one kind of action, key-created say.",
)
@option("--subject", metavar="ID", help="Only what was done to one thing.")
@done_options
@option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="How many.")
@option("--cursor", metavar="CURSOR", help="Where the page before ended (next_cursor).")
@data_option
@json_option
def audit(
    actor: str | None,
    action: str | None,
    subject: str | None,
    since_ms: int | None,
    until_ms: int | None,
    limit: int,
    cursor: str | None,
    *,
    as_json: bool,
    **flags: object,
) -> None:
    """List who did what that is no task's history, newest first: with keys, events, deliveries and so on."""
    settings, _ = prepare(**flags)
    wanted = AuditFilter(actor, action, subject, since_ms, until_ms)
    page = run_async(_list(settings, wanted, limit, cursor))
    if as_json:
        result_json(page)
        return
    table(
        ("at", "who", "what", "of", "detail"),
        (
            (one["at"], one["actor"], one["action"], one["subject"], one["detail"])
            for one in page["data"]
        ),
    )
    if page["next_cursor"]:
        status(f"More: --cursor {page['next_cursor']}")


async def _list(
    settings: Settings, wanted: AuditFilter, limit: int, cursor: str | None
) -> dict[str, Any]:
    async with store_of(settings) as store, store.connect() as conn:
        page = await list_audit(conn, wanted, limit=limit, cursor=cursor)
    return {"data": [audit_json(row) for row in page.rows], "next_cursor": page.next_cursor}


def done(action: Action, subject: str, /, **detail: Any) -> Row:
    """Return the entry that tells what a command does, now."""
    at_ms = epoch_ms(utc_now())
    return entry(
        id_source()(), at_ms=at_ms, actor=str(who()), action=action, subject=subject, **detail
    )
