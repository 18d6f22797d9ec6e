"""API tokens: only their hashes are kept."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.store.read import row_of, rows_of
from router.core.store.schema import Row, api_keys


async def create_key(
    conn: AsyncConnection,
    *,
    key_id: str,
    name: str,
    scopes: Sequence[str],
    token_hash: str,
    now_ms: int,
) -> None:
    """Keep a new token's hash (sha-256 in hex)."""
    await conn.execute(
        insert(api_keys).values(
            id=key_id, name=name, scopes=list(scopes), hash=token_hash, created_ms=now_ms
        )
    )


async def find_key(conn: AsyncConnection, token_hash: str) -> Row | None:
    """Return the token with this hash; None if there is none, or it is revoked."""
    query = select(api_keys).where(api_keys.c.hash == token_hash, api_keys.c.revoked_ms.is_(None))
    return await row_of(conn, query)


async def touch_key(
    conn: AsyncConnection, key_id: str, *, now_ms: int, at_least_ms: int = 60_000
) -> None:
    """Note that a token was used; once in `at_least_ms` is enough."""
    last = api_keys.c.last_used_ms
    await conn.execute(
        update(api_keys)
        .where(api_keys.c.id == key_id, or_(last.is_(None), last <= now_ms - at_least_ms))
        .values(last_used_ms=now_ms)
    )


async def list_keys(conn: AsyncConnection) -> list[Row]:
    """Return all tokens, also revoked ones, oldest first; without their hashes."""
    shown = [column for column in api_keys.c if column.name != "hash"]
    return await rows_of(conn, select(*shown).order_by(api_keys.c.created_ms, api_keys.c.id))


async def revoke_key(conn: AsyncConnection, key_id: str, *, now_ms: int) -> bool:
    """Revoke a token; False if there is none with this id in force."""
    result = await conn.execute(
        update(api_keys)
        .where(api_keys.c.id == key_id, api_keys.c.revoked_ms.is_(None))
        .values(revoked_ms=now_ms)
    )
    return bool(result.rowcount)
