"""Which of the secrets that rules name are keys that were issued here: only the database knows."""

from __future__ import annotations

from collections.abc import Collection

from router.cli.failures import CommandError
from router.cli.parts import store_of
from router.core.clock import epoch_ms, utc_now
from router.core.errors import StoreError
from router.core.settings import Settings
from router.core.store.api_keys import issued_keys


async def issued_names(settings: Settings) -> Collection[str]:
    """Return the names of the secrets for which a key is in force; none while there is no database."""
    try:
        async with store_of(settings) as store, store.connect() as conn:
            return frozenset(await issued_keys(conn, now_ms=epoch_ms(utc_now())))
    except (CommandError, StoreError, OSError):
        return frozenset()
