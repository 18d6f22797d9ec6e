"""API tokens, and keys that senders show at connectors: only their hashes are kept.

A key is in force until it expires, or the instant it is revoked at, which may be ahead: that of the one
before it in a rotation is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, and_, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.store.installation import hash_key
from router.core.store.read import row_of, rows_of
from router.core.store.schema import Row, api_keys

HOOKS: Final = "hooks"
"""The scope of a key that a sender shows.

Its name is that of the secret it stands for, or `connector:NAME` where it is for one connector."""


class Issued(NamedTuple):
    """The hashes of the keys that senders may show, by the name of the secret they stand for.

    `key` is what they are made with.
    """

    key: bytes | None
    hashes: Mapping[str, Sequence[str]]

    def __repr__(self) -> str:
        return "Issued(…)"


def name_for_connector(connector: str) -> str:
    """Return how keys are called that are for one connector."""
    return f"connector:{connector}"


def _in_force(now_ms: int) -> ColumnElement[bool]:
    revoked, expires = api_keys.c.revoked_ms, api_keys.c.expires_ms
    return and_(or_(revoked.is_(None), revoked > now_ms), or_(expires.is_(None), expires > now_ms))


async def create_key(
    conn: AsyncConnection,
    *,
    key_id: str,
    name: str,
    scopes: Sequence[str],
    token_hash: str,
    now_ms: int,
    expires_ms: int | None = None,
) -> None:
    """Keep a new token's hash (see `stored_hash`); it is good until it expires."""
    await conn.execute(
        insert(api_keys).values(
            id=key_id,
            name=name,
            scopes=list(scopes),
            hash=token_hash,
            created_ms=now_ms,
            expires_ms=expires_ms,
        )
    )


async def find_key(conn: AsyncConnection, token_hash: str, *, now_ms: int) -> Row | None:
    """Return the token with this hash; None if there is none, or it is not in force any more."""
    query = select(api_keys).where(api_keys.c.hash == token_hash, _in_force(now_ms))
    return await row_of(conn, query)


async def issued_keys(conn: AsyncConnection, *, now_ms: int) -> Mapping[str, Sequence[str]]:
    """Return the hashes of the keys that senders may show, by the name of the secret they stand for."""
    query = select(api_keys).where(_in_force(now_ms)).order_by(api_keys.c.id)
    issued: dict[str, list[str]] = {}
    for key in await rows_of(conn, query):
        if HOOKS in key["scopes"]:
            issued.setdefault(key["name"], []).append(key["hash"])
    return issued


async def issued_with_key(conn: AsyncConnection, *, now_ms: int) -> Issued:
    """Return the hashes of `issued_keys` with the key they are made with."""
    while True:
        key = await hash_key(conn)
        hashes = await issued_keys(conn, now_ms=now_ms)
        # The database may be brought to this release between the two.
        if key is not None or await hash_key(conn) is None:
            return Issued(key, hashes)


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


async def touch_hashes(conn: AsyncConnection, hashes: Collection[str], *, now_ms: int) -> None:
    """Note that keys were used, by their hashes."""
    await conn.execute(
        update(api_keys).where(api_keys.c.hash.in_(hashes)).values(last_used_ms=now_ms)
    )


async def list_keys(conn: AsyncConnection) -> list[Row]:
    """Return all tokens, also revoked ones, oldest first; without their hashes."""
    shown = [column for column in api_keys.c if column.name != "hash"]
    return await rows_of(conn, select(*shown).order_by(api_keys.c.created_ms, api_keys.c.id))


async def revoke_key(conn: AsyncConnection, key_id: str, *, now_ms: int) -> bool:
    """Revoke a token; False if there is none with this id in force."""
    result = await conn.execute(
        update(api_keys).where(api_keys.c.id == key_id, _in_force(now_ms)).values(revoked_ms=now_ms)
    )
    return bool(result.rowcount)


async def revoke_later(
    conn: AsyncConnection, key_ids: Collection[str], *, at_ms: int, now_ms: int
) -> None:
    """Let tokens in force end at an instant, unless they end before."""
    ends_later = or_(api_keys.c.revoked_ms.is_(None), api_keys.c.revoked_ms > at_ms)
    await conn.execute(
        update(api_keys)
        .where(api_keys.c.id.in_(key_ids), _in_force(now_ms), ends_later)
        .values(revoked_ms=at_ms)
    )
