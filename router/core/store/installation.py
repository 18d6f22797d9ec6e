"""What an installation has once, whatever processes it is made of: the key of its stored hashes."""

from __future__ import annotations

from typing import Final

from sqlalchemy import inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.errors import StoreError
from router.core.store.schema import installation
from router.core.token_hash import digest_of, keyed

HASH_KEY: Final = "hash-key"


async def hash_key(conn: AsyncConnection) -> bytes | None:
    """Return the key that tokens are hashed with; None while the database is of a release without one.

    A receiver may be of this release before the database is: it goes on with the hashes as they are.

    Raises:
        StoreError: The table is there and the key is not.
    """
    if not await conn.run_sync(lambda sync: inspect(sync).has_table(installation.name)):
        return None
    query = select(installation.c.value).where(installation.c.name == HASH_KEY)
    value = await conn.scalar(query)
    if value is None:
        raise StoreError(
            f"the table {installation.name} has no {HASH_KEY}, without which no token is known: "
            "restore it from the back-up that the keys are from"
        )
    return bytes.fromhex(value)


async def stored_hash(conn: AsyncConnection, token: str) -> str:
    """Return what is stored of a token."""
    return keyed(digest_of(token), await hash_key(conn))
