"""One worker: puts the parts together, runs until it is to stop, and gives back what it has in hand."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator
from random import SystemRandom

import structlog
from arq.worker import func
from redis.asyncio import Redis

from router.core import keys
from router.core.arq_job import deserialize, serialize
from router.core.clock import utc_now
from router.core.ending import end
from router.core.errors import SettingsError, StoreUnavailableError
from router.core.ids import id_source
from router.core.redis_client import connect
from router.core.settings import Secrets, Settings
from router.core.store.engine import Store, open_store
from router.core.store.migrate import at_head
from rules.catalogues import Catalogues
from workers.deliver import Deliveries, deliver
from workers.destinations.sender import Sender
from workers.health import health_server
from workers.ledger import Ledger
from workers.line import Desk
from workers.maintenance import Sweeper
from workers.patience import StoppedError, insist
from workers.pauses import Pauses
from workers.reload import Reloader
from workers.route import Routing, route
from workers.rules_in_force import RulesInForce
from workers.turns import Turns
from workers.worker import HookyardWorker

JOB_TIMEOUT_S = 3600
"""No job takes that long: routing waits for the database as long as it is away, though."""
_FINISH_WITHIN_S = 18.0
"""Of the 25 s a worker has after SIGTERM, what the jobs in hand may use before they are given back."""

log = structlog.get_logger(__name__)


async def work(
    settings: Settings,
    secrets: Secrets,
    catalogues: Catalogues,
    *,
    stop: asyncio.Event | None = None,
    reload: asyncio.Event | None = None,
) -> None:
    """Run a worker until `stop` is set (the command sets it at SIGTERM).

    The rules are reloaded when their files change, and at once when `reload` is set (at SIGHUP).

    While Redis, the database or the rules are away or broken it waits and says so; it ends by
    itself only for settings that cannot be used.

    Raises:
        SettingsError: A URL cannot be used.
    """
    logging.getLogger("arq").setLevel(logging.WARNING)
    stopping = stop or asyncio.Event()
    async with (
        _opened(settings) as (redis, store),
        health_server(settings.host, settings.worker_port),
    ):
        with contextlib.suppress(StoppedError):
            parts = _Parts(settings, secrets, catalogues, redis, store, stopping)
            await parts.run(reload or asyncio.Event())
    log.info("worker_stopped")


@contextlib.asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[Redis, Store]]:
    if settings.redis_url is None:
        raise SettingsError("HOOKYARD_REDIS_URL is not set, and a worker starts no Redis itself")
    redis = connect(settings.redis_url.get_secret_value())
    store = await open_store(settings.database)
    try:
        yield redis, store
    finally:
        await store.close()
        await redis.aclose()


class _Parts:
    """The parts of one worker."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        catalogues: Catalogues,
        redis: Redis,
        store: Store,
        stop: asyncio.Event,
    ) -> None:
        clock = utc_now
        self._settings = settings
        self._stop = stop
        self._give_up = asyncio.Event()
        new_id = id_source(clock)
        worker_id = f"{socket.gethostname()}-{os.getpid()}-{new_id()[-12:]}"
        self._worker_id = worker_id
        self._rules = RulesInForce(
            settings.routes_dir,
            catalogues,
            secrets,
            redis=redis,
            store=store,
            clock=clock,
            worker_id=worker_id,
        )
        routing = Routing(
            redis=redis,
            store=store,
            rules=self._rules,
            worker_id=worker_id,
            clock=clock,
            stop=stop,
        )
        self._sender = Sender(secrets, clock)
        random = SystemRandom()
        desk = Desk(
            store=store,
            ledger=Ledger(store, worker_id, clock, self._give_up),
            sender=self._sender,
            secrets=secrets,
            pauses=Pauses(redis),
            turns=Turns(redis),
            worker_id=worker_id,
            clock=clock,
            new_id=new_id,
            jitter=lambda longest: random.uniform(0, longest),
            stop=stop,
        )
        deliveries = Deliveries(desk, self._rules)
        self._worker = HookyardWorker(
            [func(route, name=keys.ROUTE_JOB), func(deliver, name=keys.DELIVER_JOB)],
            redis=redis,
            worker_id=worker_id,
            clock=clock,
            stop=stop,
            job_timeout=JOB_TIMEOUT_S,
            job_serializer=serialize,
            job_deserializer=deserialize,
            ctx={"routing": routing, "deliveries": deliveries},
        )
        self._sweeper = Sweeper(
            redis=redis,
            store=store,
            rules=self._rules,
            worker=self._worker,
            leases=routing.leases,
            deliveries_of_worker=deliveries,
            worker_id=worker_id,
            clock=clock,
            retention=settings.retention,
        )

    async def run(self, reload: asyncio.Event) -> None:
        """Work until the stop, then finish what is in hand or give it back.

        Raises:
            StoppedError: The stop came before there was anything to work with.
        """
        await insist("the database", self._ready_database, self._stop)
        await self._rules.start(self._stop)
        log.info("worker_started", worker=self._worker_id)
        reloader = Reloader(self._rules, stop=self._stop, asked=reload)
        helpers = [
            asyncio.create_task(self._sweeper.run()),
            asyncio.create_task(reloader.run()),
            asyncio.create_task(self._rules.run()),
        ]
        try:
            await self._worker.main()
        finally:
            await end(*helpers)
            giving_up = asyncio.get_running_loop().call_later(_FINISH_WITHIN_S, self._give_up.set)
            await self._worker.finish_in_hand(_FINISH_WITHIN_S)
            giving_up.cancel()
            await self._sender.close()

    async def _ready_database(self) -> None:
        """Return once the tables are those of this release."""
        if not await at_head(self._settings.database):
            raise StoreUnavailableError(
                "the database is not at this release; `hookyard db upgrade` brings it there"
            )
