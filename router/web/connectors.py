"""The connectors as the receiver keeps them: compiled from the intake table and the secrets.

The table is read from Redis each second. The last good one stays while Redis is away or holds one
that cannot be read, so neither a broken rule file nor an outage stops reception. The same goes for
the keys that were issued here, which are in the database.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import structlog
from prometheus_client import Counter
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from router.core import keys
from router.core.errors import SecretMissingError, SettingsError, StoreError
from router.core.intake_table import ConnectorIntake, IntakeTable
from router.core.metrics import REQUESTS, set_rules_hash
from router.core.names import Names
from router.core.networks import Networks
from router.core.redaction import forget_value
from router.core.settings import DEFAULT_BODY_LIMIT, Secrets
from router.core.store.api_keys import Issued, name_for_connector
from router.core.token_hash import NONE_ISSUED, IssuedHashes
from router.sources.registry import compile_source
from router.sources.source import Source, SourceError

_EVERY_S = 1.0
_SECRETS_EVERY = 10
"""Secrets are looked up again each so many rounds, for those that are rotated in their files."""
_KEYS_WITHIN_S = 1.0
"""How long the database may take to say which keys were issued; the last ones known count meanwhile."""

_KEYS_EVERY = 3
"""Issued keys are asked for each so many rounds: a revoked one is let in no longer than that."""
_USE_EVERY = 60
"""When keys were used is noted each so many rounds: it is for people to see, and may fail."""

NoteUse = Callable[[Collection[str]], Awaitable[None]]
"""Notes that keys were used, by their hashes."""
IssuedKeys = Callable[[], Awaitable[Issued]]
"""Returns the hashes of the keys that were issued here."""

_log = structlog.get_logger(__name__)


class Material(NamedTuple):
    """What a connector's sender is proven with.

    Secrets, hashes of keys that were issued here, and the content of its file of certificates.
    """

    secrets: tuple[str, ...] = ()
    hashes: IssuedHashes = NONE_ISSUED
    certificates: bytes | None = None

    def __repr__(self) -> str:
        return "Material(…)"


class Connector:
    """A connector with all that a request needs of it worked out.

    `source` is None where it cannot be used, and `problem` says why, for operators.
    """

    __slots__ = (
        "accepted",
        "allow",
        "body_limit",
        "intake",
        "material",
        "name",
        "problem",
        "source",
    )

    def __init__(self, intake: ConnectorIntake, material: Material | None, body_limit: int) -> None:
        self.name = intake.name
        self.intake = intake
        self.allow = None if intake.allow is None else Networks(intake.allow)
        self.body_limit = intake.body_limit or body_limit
        self.material = material
        self.source: Source | None = None
        self.problem: str | None = None
        self.accepted: Counter = REQUESTS.labels(intake.name, "accepted")

    def __repr__(self) -> str:
        return f"<Connector {self.name}>"


class Connectors:
    """All connectors in force; `find` is all that a request needs.

    `body_limit`, in bytes, holds where a connector sets none.
    """

    def __init__(
        self,
        redis: Redis,
        secrets: Secrets,
        *,
        body_limit: int = DEFAULT_BODY_LIMIT,
        issued: IssuedKeys | None = None,
        note_use: NoteUse | None = None,
    ) -> None:
        self._redis = redis
        self._secrets = secrets
        self._issued = issued
        self._note_use = note_use
        self._keys = Issued(None, {})
        self._body_limit = body_limit
        self._stored: bytes | None = None
        self._table: IntakeTable | None = None
        self._unreadable = False
        self.by_name: Mapping[str, Connector] = {}

    @property
    def hash(self) -> str | None:
        """The hash of the set of rules the table belongs to; None as long as there is no table."""
        return None if self._table is None else self._table.hash

    @property
    def names(self) -> Names:
        """What tasks may name; anything, as long as there is no table."""
        return Names() if self._table is None else self._table.names

    @property
    def destinations(self) -> Mapping[str, str]:
        """The type of each destination of that set by its name."""
        return {} if self._table is None else self._table.destinations

    def find(self, name: str) -> Connector | None:
        """Return a connector by its name."""
        return self.by_name.get(name)

    async def run(self) -> None:
        """Keep the connectors up to date until cancelled."""
        rounds = 0
        while True:
            try:
                if rounds % _USE_EVERY == _USE_EVERY - 1:
                    await self.note_use()
                if rounds % _KEYS_EVERY == 0:
                    await self.refresh_keys()
                await self.refresh(secrets_too=rounds % _SECRETS_EVERY == 0)
            except (RedisError, OSError):
                # The last table stays in force; /readyz tells that Redis is away.
                pass
            else:
                rounds += 1
            await asyncio.sleep(_EVERY_S)

    async def note_use(self) -> None:
        """Note which issued keys were used since this was done last; if it fails, it is not noted."""
        sources = [each.source for each in self.by_name.values() if each.source is not None]
        used = set[str]().union(*(source.take_used() for source in sources))
        if not used or self._note_use is None:
            return
        try:
            async with asyncio.timeout(_KEYS_WITHIN_S):
                await self._note_use(used)
        except (StoreError, TimeoutError) as error:
            _log.debug("key_use_not_noted", error=type(error).__name__)

    async def refresh_keys(self) -> None:
        """Ask which keys were issued, and compile anew if that changed."""
        before = self._keys
        if self._issued is not None:
            await self._ask_for_keys(self._issued)
        if self._keys != before and self._table is not None:
            await asyncio.to_thread(self._compile, self._table)

    async def refresh(self, *, secrets_too: bool = True) -> None:
        """Read the table, and compile anew what changed.

        Raises:
            RedisError, OSError: Redis is away.
        """
        if secrets_too and self._issued is not None:
            await self._ask_for_keys(self._issued)
        stored: bytes | None = await self._redis.get(keys.INTAKE_TABLE)
        if stored is not None and stored != self._stored:
            self._stored = stored
            self.use(stored)
        elif secrets_too and self._table is not None:
            await asyncio.to_thread(self._compile, self._table)

    async def _ask_for_keys(self, issued: IssuedKeys) -> None:
        """Learn which keys were issued; while the database is away the last ones known count."""
        try:
            async with asyncio.timeout(_KEYS_WITHIN_S):
                self._keys = await issued()
        except (StoreError, TimeoutError) as error:
            _log.debug("issued_keys_not_known", error=type(error).__name__)

    def use(self, stored: bytes) -> None:
        """Put a table in force; one that cannot be read changes nothing."""
        try:
            table = IntakeTable.model_validate_json(stored)
        except ValidationError as error:
            # Written by another release, most likely. Its values are not logged.
            _log.error("intake_table_unreadable", problems=error.error_count())
            return
        self._compile(table)
        set_rules_hash(table.hash, self.hash)
        self._table = table
        _log.info("intake_table_in_force", hash=table.hash, connectors=len(table.connectors))

    def _compile(self, table: IntakeTable) -> None:
        """Make the connectors of a table; those whose entry and secrets did not change are kept."""
        made: dict[str, Connector] = {}
        for name, intake in table.connectors.items():
            material, problem = self._look_up(intake)
            before = self.by_name.get(name)
            if before and (before.intake, before.material) == (intake, material):
                before.problem = problem or before.problem
                made[name] = before
                continue
            made[name] = connector = Connector(intake, material, self._body_limit)
            connector.problem = problem
            if material is not None:
                _compile_source(connector, material)
            if connector.problem:
                _log.warning("connector_not_ready", connector=name, problem=connector.problem)
        self.by_name = made

    def _look_up(self, intake: ConnectorIntake) -> tuple[Material | None, str | None]:
        """Return what a connector's sender is proven with, or None and why it cannot be had."""
        secrets: list[str] = []
        known = self._keys.hashes
        own = known.get(name_for_connector(intake.name), ())
        hashes = set(own)
        for name in intake.secrets:
            issued = known.get(name, ())
            hashes.update(issued)
            try:
                secrets.append(self._secrets.get(name))
            except SecretMissingError as error:
                if not issued and not own:
                    return None, str(error)
            except SettingsError as error:
                return None, str(error)
        for secret in secrets:
            forget_value(secret)
        file = intake.source.get("certificates")
        try:
            certificates = None if file is None else Path(file).read_bytes()
        except (OSError, ValueError) as error:
            return None, f"the file of certificates {file} cannot be read: {error}"
        issued_here = IssuedHashes(self._keys.key, frozenset(hashes)) if hashes else NONE_ISSUED
        return Material(tuple(secrets), issued_here, certificates), None


def _compile_source(connector: Connector, material: Material) -> None:
    try:
        source = compile_source(connector.intake.source, material.secrets, material.hashes)
        if source.certified is not None and material.certificates is not None:
            source.certified.use(material.certificates)
        connector.source = source
    except SourceError as error:
        connector.problem = str(error)
