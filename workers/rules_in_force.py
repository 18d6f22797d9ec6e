"""The set of rules in force: loaded from the files, else the last good set that the database kept.

Whoever loads a good set keeps it in the database and publishes what the receiver must know of it;
a broken edit leaves the last good set in force and says so (decisions P10, P11, X12).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from functools import partial
from pathlib import Path

import structlog
from redis.asyncio import Redis

from router.core.clock import Clock, epoch_ms
from router.core.intake_table import published
from router.core.metrics import set_rules_hash
from router.core.settings import Secrets
from router.core.store import rule_sets
from router.core.store.api_keys import issued_keys
from router.core.store.engine import Store
from rules.catalogues import Catalogues
from rules.loader import Stamp
from rules.ruleset import RuleSet
from workers.in_force import InForce
from workers.missing_secrets import missing_secrets
from workers.patience import AWAY, Backoff, insist
from workers.rule_files import Found, RuleFiles
from workers.rules_published import RulesPublished
from workers.rules_trouble import RulesTrouble

_UPHOLD_S = 1.0

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
        worker_id: str = "worker",
    ) -> None:
        self.files = RuleFiles(directory, catalogues)
        self._secrets = secrets
        self._redis = redis
        self._store = store
        self._clock = clock
        self._trouble = RulesTrouble(directory, redis, clock, worker_id)
        self._published = RulesPublished(redis, store, clock)
        self._current: InForce | None = None
        self._of_another: tuple[str, InForce | None] = ("", None)
        self._stamp: Stamp | None = None

    @property
    def current(self) -> InForce:
        """The rules in force.

        Raises:
            RuntimeError: None could be loaded yet; `start` was not awaited.
        """
        if self._current is None:
            raise RuntimeError("no rules are in force yet")
        return self._current

    @property
    def stamp(self) -> Stamp | None:
        """The stamp of the files that were loaded last; None if they did not stay as they were."""
        return self._stamp

    async def newest(self) -> InForce:
        """Return the set that was published last, by whichever worker; ours if that cannot be used here.

        Workers see a new file one after the other. One that has not seen it yet decides by this set
        about what its own does not know, instead of holding it.
        """
        latest = await published(self._redis)
        if latest is None or latest.hash == self.current.rule_set.hash:
            return self.current
        if self._of_another[0] != latest.hash:
            self._of_another = (latest.hash, await self._kept(latest.hash))
        return self._of_another[1] or self.current

    async def start(self, stop: asyncio.Event) -> None:
        """Put rules in force; where there are none, good files are waited for.

        Raises:
            StoppedError: The worker is to stop and there are none yet.
        """
        backoff = Backoff(stop)
        found: Found | None = None
        while self._current is None:
            if found is None or found.stamp != await self.files.stamp():
                found = await self.files.load(after_quiet=False)
                self._trouble.note(found)
                self._stamp = found.stamp
            rule_set = found.rule_set or await insist("last good rules", self._last_good, stop)
            await self._trouble.say()
            if rule_set is None:
                await backoff.wait()
                continue
            in_force = InForce(rule_set)
            await insist("publishing the rules", partial(self._published.start, in_force), stop)
            self._use(in_force)
            await self._say_missing(in_force.rule_set)

    async def reload(self, found: Found, stop: asyncio.Event) -> None:
        """Put in force what was loaded from the files; if it cannot be used, the rules in force stay.

        Raises:
            StoppedError: The worker is to stop, and they could not be put in force yet.
        """
        was_good = self._trouble.is_over
        self._trouble.note(found)
        if found.rule_set is not None:
            if found.rule_set.hash != self.current.rule_set.hash:
                in_force = InForce(found.rule_set)
                await insist("publishing the rules", partial(self._published.put, in_force), stop)
                self._use(in_force)
                await self._say_missing(in_force.rule_set)
            elif not was_good:
                _log_in_force(found.rule_set)
        self._stamp = found.stamp
        await self._trouble.say()

    async def run(self) -> None:
        """Uphold every second, until cancelled, whatever else the worker is busy with."""
        while True:
            try:
                await self.uphold()
            except AWAY as error:
                log.debug("rules_not_upheld", reason=f"{type(error).__name__}: {error}")
            except Exception:
                # The boundary of a round: what went wrong in one must not end the others.
                log.exception("uphold_broken")
            await asyncio.sleep(_UPHOLD_S)

    async def uphold(self) -> None:
        """Say again what holds only while it is said: what this worker goes by, and how its files are."""
        await self._trouble.say()
        if self._current is not None:
            await self._published.uphold(self._current)

    async def _last_good(self) -> RuleSet | None:
        async with self._store.connect() as conn:
            kept = await rule_sets.last_good(conn)
        if kept is None:
            return None
        rule_set = (await self.files.compile(kept["files"])).rule_set
        if rule_set is None:
            log.error("last_good_rules_unusable", rules=kept["hash"])
            return None
        log.warning("last_good_rules_in_force", rules=kept["hash"])
        return rule_set

    async def _kept(self, rules_hash: str) -> InForce | None:
        """Return a set that the database kept; None if it is not there or of another release."""
        async with self._store.connect() as conn:
            kept = await rule_sets.find(conn, rules_hash)
        rule_set = None if kept is None else (await self.files.compile(kept["files"])).rule_set
        return None if rule_set is None else InForce(rule_set)

    def _use(self, in_force: InForce) -> None:
        """Decide by a set from now on; who has another one in hand goes on with that to its end."""
        before = None if self._current is None else self._current.rule_set.hash
        self._current = in_force
        self._of_another = ("", None)
        set_rules_hash(in_force.rule_set.hash, before)
        _log_in_force(in_force.rule_set)

    async def _say_missing(self, rule_set: RuleSet) -> None:
        """Say which secrets are missing: their connectors answer 503, the others work (X3)."""
        missing = missing_secrets(rule_set, self._secrets)
        if missing:
            missing = missing_secrets(rule_set, self._secrets, await self._issued())
        for name, used_at in missing.items():
            log.error("secret_missing", secret_name=name, used_at=str(used_at))

    async def _issued(self) -> Collection[str]:
        """Return the names of the keys that were issued; none if the database does not say."""
        try:
            async with self._store.connect() as conn:
                return frozenset(await issued_keys(conn, now_ms=epoch_ms(self._clock())))
        except AWAY as error:
            log.debug("issued_keys_not_known", error=type(error).__name__)
            return ()


def _log_in_force(rule_set: RuleSet) -> None:
    log.info("rules_in_force", rules=rule_set.hash, connectors=len(rule_set.connectors))
