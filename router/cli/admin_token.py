"""The admin token that `hookyard up` makes at the first start."""

from __future__ import annotations

from router.cli.audit import done
from router.cli.tokens import new_token
from router.core.clock import epoch_ms, utc_now
from router.core.ids import id_source
from router.core.settings import Settings
from router.core.store import audit
from router.core.store.api_keys import create_key, list_keys
from router.core.store.engine import open_store
from router.core.store.installation import stored_hash

NAME = "admin"


async def ensure_admin_token(settings: Settings) -> str | None:
    """Return a new admin token if there is none yet, else None.

    None is made either where HOOKYARD_ADMIN_TOKEN is set.
    """
    if settings.admin_token is not None:
        return None
    store = await open_store(settings.database, pool_size=1)
    try:
        async with store.begin() as conn:
            if any(
                "admin" in key["scopes"] and key["revoked_ms"] is None
                for key in await list_keys(conn)
            ):
                return None
            token = new_token()
            key_id = id_source()()
            await create_key(
                conn,
                key_id=key_id,
                name=NAME,
                scopes=["admin"],
                token_hash=await stored_hash(conn, token),
                now_ms=epoch_ms(utc_now()),
            )
            await audit.note(conn, done("key-created", key_id, name=NAME, scopes=["admin"]))
        return token
    finally:
        await store.close()
