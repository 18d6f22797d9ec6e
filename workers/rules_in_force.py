"""The set of rules in force: loaded from the files, else the last good set that the database kept.

Whoever loads a good set keeps it in the database and publishes what the receiver must know of it;
a broken edit leaves the last good set in force and says so (decisions P10, P11).
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import structlog
from redis.asyncio import Redis

from router.core import keys
from router.core.clock import Clock, epoch_ms
from router.core.intake_table import publish
from router.core.metrics import RULES_LAST_RELOAD_SUCCESS, set_rules_hash
from router.core.settings import Secrets
from router.core.store import rule_sets
from router.core.store.engine import Store
from rules import loader
from rules.catalogues import Catalogues
from rules.ruleset import RuleSet
from workers.in_force import InForce
from workers.patience import Backoff, insist

log = structlog.get_logger(__name__)


class RulesInForce:
    """Loads, keeps and publishes the rules of a worker."""

    def __init__(
        self,
        directory: Path,
        catalogues: Catalogues,
        secrets: Secrets,
        *,
        redis: Redis,
        store: Store,
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._catalogues = catalogues
        self._secrets = secrets
        self._redis = redis
        self._store = store
        self._clock = clock
        self._current: InForce | None = None

    @property
    def current(self) -> InForce:
        """The rules in force.

        Raises:
            RuntimeError: None could be loaded yet; `start` was not awaited.
        """
        if self._current is None:
            raise RuntimeError("no rules are in force yet")
        return self._current

    async def start(self, stop: asyncio.Event) -> None:
        """Put rules in force; where there are none, good files are waited for.

        Raises:
            StoppedError: The worker is to stop and there are none yet.
        """
        backoff = Backoff(stop)
        while self._current is None:
            from_files = await self._from_files()
            found = from_files or await insist("last good rules", self._last_good, stop)
            if found is None:
                await backoff.wait()
                continue
            put = partial(self._put, found, keep=from_files is not None)
            await insist("publishing the rules", put, stop)
            self._report_secrets(found)

    async def publish_again(self) -> None:
        """Publish the intake table if Redis does not have one (it was emptied, say)."""
        if self._current is not None and not await self._redis.exists(keys.INTAKE_TABLE):
            await publish(self._redis, self._current.table)
            log.warning("intake_table_published_again", rules=self._current.rule_set.hash)

    async def _from_files(self) -> RuleSet | None:
        loaded = await asyncio.to_thread(loader.load, self._directory, self._catalogues)
        errors = [each for each in loaded.problems if each.severity == "error"]
        RULES_LAST_RELOAD_SUCCESS.set(0 if loaded.rule_set is None else 1)
        if loaded.rule_set is None:
            first = (
                f"{errors[0].span}: {errors[0].message}" if errors else "there are no rule files"
            )
            log.error(
                "rules_not_loaded",
                directory=str(self._directory),
                problems=len(errors),
                first=first,
                hint="hookyard rules check",
            )
        return loaded.rule_set

    async def _last_good(self) -> RuleSet | None:
        async with self._store.connect() as conn:
            kept = await rule_sets.last_good(conn)
        if kept is None:
            return None
        loaded = await asyncio.to_thread(loader.load_texts, kept["files"], self._catalogues)
        if loaded.rule_set is None:
            log.error("last_good_rules_unusable", rules=kept["hash"])
            return None
        log.warning("last_good_rules_in_force", rules=kept["hash"])
        return loaded.rule_set

    async def _put(self, rule_set: RuleSet, *, keep: bool) -> None:
        in_force = InForce(rule_set)
        if keep:
            async with self._store.begin() as conn:
                await rule_sets.put_in_force(
                    conn,
                    rules_hash=rule_set.hash,
                    files=rule_set.files,
                    intake_table=in_force.table.model_dump(mode="json"),
                    now_ms=epoch_ms(self._clock()),
                )
        await publish(self._redis, in_force.table)
        set_rules_hash(rule_set.hash)
        self._current = in_force
        log.info("rules_in_force", rules=rule_set.hash, connectors=len(rule_set.connectors))

    def _report_secrets(self, rule_set: RuleSet) -> None:
        """Say which secrets are not set: their connectors answer 503, the others work (X3)."""
        for name, used_at in rule_set.secrets.items():
            if not self._secrets.has(name):
                log.error("secret_missing", secret_name=name, used_at=str(used_at))
