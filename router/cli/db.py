"""`hookyard db upgrade`: bring the database's tables to this release."""

from __future__ import annotations

import click

from router.cli.audit import done
from router.cli.options import data_option
from router.cli.output import status
from router.cli.start import prepare, run_async
from router.core.redaction import redact_url
from router.core.store.engine import Row
from router.core.store.migrate import at_head, upgrade


@click.group("db")
def db() -> None:
    """Look after the database."""


@db.command("upgrade")
@data_option
def upgrade_command(**flags: object) -> None:
    """Bring the tables to this release; running it again changes nothing."""
    settings, _ = prepare(**flags)
    if settings.database_url is None:
        settings.data.mkdir(parents=True, exist_ok=True)
    run_async(_upgrade(settings.database))


def noted(before: str, after: str) -> Row:
    """Return the audit log's entry of an upgrade."""
    return done("database-upgraded", after, before=before)


async def _upgrade(url: str) -> None:
    if await at_head(url):
        status(f"{redact_url(url)} has the tables of this release.")
        return
    await upgrade(url, note=noted)
    status(f"{redact_url(url)} was brought to this release.")
