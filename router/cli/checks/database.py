"""Whether the database answers, has the tables of this release and agrees about the time."""

from __future__ import annotations

from sqlalchemy import text

from router.cli.checks.clock import check_skew
from router.cli.checks.finding import Finding, ok, problem
from router.core.clock import Clock, epoch_ms
from router.core.errors import StoreError
from router.core.redaction import redact_url, scrub
from router.core.settings import Settings
from router.core.store.engine import Store, open_store
from router.core.store.migrate import at_head

_VERSION = {"sqlite": "select sqlite_version()", "postgresql": "show server_version"}


async def check_database(settings: Settings, clock: Clock) -> list[Finding]:
    """Check the database of the settings."""
    shown = redact_url(settings.database)
    if settings.database_url is None and not (settings.data / "hookyard.db").exists():
        return [ok("database", f"{shown} is not there yet; `hookyard up` makes it")]
    try:
        store = await open_store(settings.database, pool_size=1)
        try:
            found = await _ask(store, shown, clock)
        finally:
            await store.close()
        found.insert(1, await _migrations(settings))
    except (StoreError, OSError) as error:
        return [
            problem(
                "database",
                f"{shown} cannot be used: {scrub(str(error))}",
                "start it, or correct HOOKYARD_DATABASE_URL",
                reachable=False,
            )
        ]
    return found


async def _ask(store: Store, shown: str, clock: Clock) -> list[Finding]:
    async with store.connect() as conn:
        version = (await conn.execute(text(_VERSION[store.dialect]))).scalar_one()
        findings = [ok("database", f"{store.dialect} {version} at {shown}")]
        if store.dialect == "postgresql":
            before = epoch_ms(clock())
            query = text("select (extract(epoch from clock_timestamp()) * 1000)::bigint")
            theirs = int((await conn.execute(query)).scalar_one())
            findings.append(check_skew("the database", before, theirs, epoch_ms(clock())))
    return findings


async def _migrations(settings: Settings) -> Finding:
    if await at_head(settings.database):
        return ok("migrations", "the tables are those of this release")
    return problem(
        "migrations", "the tables are not those of this release", "run `hookyard db upgrade`"
    )
