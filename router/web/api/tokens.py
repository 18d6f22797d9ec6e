"""API tokens: who may do what. Only their hashes are kept, here as in the database."""

from __future__ import annotations

import hmac
import math
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from aiohttp import hdrs, web
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.actor import Actor
from router.core.clock import Clock, epoch_ms
from router.core.errors import StoreError
from router.core.store.api_keys import find_key, touch_key
from router.core.store.engine import Row, Store
from router.core.store.installation import hash_key
from router.core.token_hash import digest_of, keyed
from router.web import problems
from router.web.problems import ProblemError

ADMIN = "admin"
"""The scope that includes every other."""

Scopes = frozenset[str]


class Caller(NamedTuple):
    """Who makes a request: the token's name and id, and what it may do."""

    name: str
    key_id: str
    scopes: Scopes

    @property
    def actor(self) -> Actor:
        """The same, as history and audit log name it."""
        return Actor("api", self.name, self.key_id)


NOBODY = Caller("nobody", "", frozenset())

_REMEMBERED_S = 5.0
"""How long a token that was found in the database is not looked up again, nor seen to be revoked."""
_REMEMBERED = 1000
_NOTED_EVERY_MS = 60_000
_MAX_TOKEN = 512


class Tokens:
    """Tells the scopes of the token that a request shows."""

    def __init__(
        self,
        store: Store,
        admin_token: SecretStr | None,
        *,
        clock: Clock,
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._clock = clock
        self._monotonic = monotonic
        self._admin_digest = (
            None if admin_token is None else digest_of(admin_token.get_secret_value())
        )
        self._hash_key: bytes | None = None
        self._found: dict[bytes, tuple[Caller, float]] = {}

    async def demand(self, request: web.Request, scope: str) -> Caller:
        """Let a request through whose token has a scope; return whose it is.

        Raises:
            ProblemError: It has none, one that is not valid, or one without the scope.
            StoreError: The database was needed to tell, and is away.
        """
        token = _token_of(request)
        if token is None:
            raise ProblemError(problems.TOKEN_MISSING, headers={hdrs.WWW_AUTHENTICATE: "Bearer"})
        caller = await self._caller_of(token)
        if caller is None:
            challenge = 'Bearer error="invalid_token"'
            raise ProblemError(problems.TOKEN_INVALID, headers={hdrs.WWW_AUTHENTICATE: challenge})
        if scope not in caller.scopes and ADMIN not in caller.scopes:
            raise ProblemError(problems.SCOPE_MISSING, f"the scope {scope} is needed")
        return caller

    async def _caller_of(self, token: str) -> Caller | None:
        """Return whose token it is; None if it is not valid."""
        digest = digest_of(token)
        if self._admin_digest is not None and hmac.compare_digest(digest, self._admin_digest):
            return Caller(ADMIN, "", frozenset({ADMIN}))
        now = self._monotonic()
        caller, until = self._found.get(digest, (None, 0.0))
        if caller is not None and now < until:
            return caller
        async with self._store.connect() as conn:
            key = await self._find(conn, digest)
        if key is None:
            self._found.pop(digest, None)
            return None
        await self._note_use(key)
        if len(self._found) >= _REMEMBERED:
            self._found.clear()
        caller = Caller(key["name"], key["id"], frozenset(key["scopes"]))
        self._found[digest] = (caller, now + min(_REMEMBERED_S, self._lasts_s(key)))
        return caller

    async def _find(self, conn: AsyncConnection, digest: bytes) -> Row | None:
        """Look a token up by its hash; the key of the hashes is asked for once."""
        now_ms = epoch_ms(self._clock())
        while True:
            key = self._hash_key or await hash_key(conn)
            row = await find_key(conn, keyed(digest, key), now_ms=now_ms)
            # The database may be brought to this release between the two.
            self._hash_key = key or await hash_key(conn)
            if row is not None or key == self._hash_key:
                return row

    def _lasts_s(self, key: Row) -> float:
        """Return for how many seconds a token is good still."""
        ends = [at for at in (key["expires_ms"], key["revoked_ms"]) if at is not None]
        return float(min(ends) - epoch_ms(self._clock())) / 1000 if ends else math.inf

    async def _note_use(self, key: Row) -> None:
        """Note once a minute that a token is in use; it is for people to see, and may fail."""
        now_ms = epoch_ms(self._clock())
        if now_ms - (key["last_used_ms"] or 0) < _NOTED_EVERY_MS:
            return
        with suppress(StoreError):
            async with self._store.begin() as conn:
                await touch_key(conn, key["id"], now_ms=now_ms)


def _token_of(request: web.Request) -> str | None:
    """Return the token of `Authorization: Bearer …`; the scheme's name is taken in any case."""
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _MAX_TOKEN:
        return None
    return token
