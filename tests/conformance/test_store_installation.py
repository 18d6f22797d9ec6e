"""The key that stored hashes are made with: made once, and tokens from before it stay good."""

from __future__ import annotations

import asyncio

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, delete, select

from router.core.errors import StoreError
from router.core.store.api_keys import create_key, find_key, issued_with_key
from router.core.store.engine import Store, open_store
from router.core.store.installation import hash_key, stored_hash
from router.core.store.migrate import _config, upgrade
from router.core.store.schema import api_keys, installation
from router.core.token_hash import IssuedHashes, digest_of, keyed
from router.web.api.tokens import Tokens
from tests.support.manual_clock import ManualClock
from tests.support.rows import NOW_MS, new_id
from tests.support.site import request_for

TOKEN = "hky_canary-token"
FORM_KEY = "hky_canary-form-key"


def _to_the_release_before(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    keyed_hashes = ScriptDirectory.from_config(config).get_revision("0006")
    command.upgrade(config, str(keyed_hashes.down_revision))


async def _issue(store: Store, token: str, name: str, scope: str) -> None:
    async with store.begin() as conn:
        await create_key(
            conn,
            key_id=new_id(),
            name=name,
            scopes=[scope],
            token_hash=await stored_hash(conn, token),
            now_ms=NOW_MS,
        )


async def _stored(store: Store) -> set[str]:
    async with store.connect() as conn:
        return set(await conn.scalars(select(api_keys.c.hash)))


async def test_however_many_make_the_tables_at_once_there_is_one_key_of_32_bytes(
    database_url: str,
) -> None:
    await asyncio.gather(*(upgrade(database_url) for _ in range(4)))
    store = await open_store(database_url)
    async with store.connect() as conn:
        values = list(await conn.scalars(select(installation.c.value)))
        key = await hash_key(conn)
    await upgrade(database_url)
    async with store.connect() as conn:
        assert await hash_key(conn) == key
    await store.close()
    assert values == [None if key is None else key.hex()]
    assert key is not None
    assert len(set(key)) > 8
    assert len(key) == 32


async def test_tokens_of_a_release_without_a_key_are_good_before_and_after_the_upgrade(
    database_url: str,
) -> None:
    """A receiver that is of this release already stays, over the upgrade of its database."""
    store = await open_store(database_url)
    async with store.begin() as conn:
        await conn.run_sync(_to_the_release_before)
    await _issue(store, TOKEN, "ci", "tasks:read")
    await _issue(store, FORM_KEY, "form_key", "hooks")
    seconds = [100.0]
    tokens = Tokens(store, None, clock=ManualClock(), monotonic=lambda: seconds[0])

    async def look() -> list[str]:
        seconds[0] += 60
        request = request_for("/", Authorization=f"Bearer {TOKEN}")
        caller = await tokens.demand(request, "tasks:read")
        async with store.connect() as conn:
            issued = await issued_with_key(conn, now_ms=NOW_MS)
        hashes = IssuedHashes(issued.key, frozenset(issued.hashes["form_key"]))
        return [caller.name, str(hashes.find(FORM_KEY.encode()))]

    before, stored_before = await look(), await _stored(store)
    await upgrade(database_url)
    after, stored_after = await look(), await _stored(store)
    async with store.connect() as conn:
        key = await hash_key(conn)
    await store.close()

    digests = {digest_of(one).hex() for one in (TOKEN, FORM_KEY)}
    assert key is not None
    assert stored_before == digests
    assert stored_after == {keyed(digest_of(one), key) for one in (TOKEN, FORM_KEY)}
    assert before == ["ci", digest_of(FORM_KEY).hex()]
    assert after == ["ci", keyed(digest_of(FORM_KEY), key)]


async def test_what_is_stored_of_a_token_opens_nothing(store: Store) -> None:
    await _issue(store, TOKEN, "ci", "tasks:read")
    (stored,) = await _stored(store)
    async with store.connect() as conn:
        assert await find_key(conn, await stored_hash(conn, TOKEN), now_ms=NOW_MS) is not None
        for guess in (stored, digest_of(TOKEN).hex(), ""):
            found = await find_key(conn, await stored_hash(conn, guess), now_ms=NOW_MS)
            assert found is None
        assert digest_of(TOKEN).hex() != stored


async def test_without_the_key_nothing_is_taken_for_unkeyed(store: Store) -> None:
    async def hash_without() -> None:
        async with store.begin() as conn:  # undone by the error: the key is for other tests, too
            await conn.execute(delete(installation))
            await stored_hash(conn, TOKEN)

    with pytest.raises(StoreError, match=r"no hash-key.*back-up"):
        await hash_without()
