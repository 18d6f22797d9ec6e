"""Runs the receiver: waits for nothing to start, and stops without cutting anybody off.

Redis and the database may be away when it starts and at any time later: it answers 503, says so in
`/readyz`, and goes on when they are back.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.log import server_logger
from redis.asyncio import Redis
from redis.exceptions import RedisError

from router.core.by_hand import Reader
from router.core.clock import epoch_ms, utc_now
from router.core.ending import end
from router.core.errors import SettingsError
from router.core.ids import id_source
from router.core.intake import Intake
from router.core.metrics import REQUESTS
from router.core.nudges import nudge_soon
from router.core.once import Once
from router.core.pending import PendingBatches
from router.core.rate_limits import RateLimits
from router.core.redis_client import connect
from router.core.settings import Secrets, Settings
from router.core.store.api_keys import Issued, issued_with_key, touch_hashes
from router.core.store.engine import Store, open_store
from router.core.store.refusals import add_refusals
from router.core.task_board import TaskBoard
from router.web.api.endpoint import Api
from router.web.api.tokens import Tokens
from router.web.app import build_app, hooks_first
from router.web.connectors import Connectors
from router.web.health import Health
from router.web.outcomes import Outcomes
from router.web.receiver import UNKNOWN, Receiver
from router.web.reception import Services
from router.web.refusals import RefusalRecorder, Row
from router.web.remote import Proxies

_FIRST_LOOK_S = 2.0
_KEEPALIVE_S = 650
"""Longer than proxies keep an idle connection (Google's: 600 s), so that none is closed under a request."""

_LINGER_S = 0.25
"""After the stop, how long connections that are kept alive may still bring a request."""

_IN_HAND_WITHIN_S = 15.0
_CONNECTIONS_WITHIN_S = 3.0
_BACKLOG = 1024
_COLLECT_AFTER = 20_000
"""Objects; Python's own 700 are passed by a dozen requests in hand."""

_log = structlog.get_logger(__name__)


class _Malformed(logging.Filter):
    """Counts what is no HTTP, where aiohttp would log a traceback that quotes a stranger's bytes."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a line is to be logged."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        REQUESTS.labels(UNKNOWN, "malformed").inc()
        return False


_malformed = _Malformed()


@dataclass(frozen=True, slots=True)
class Parts:
    """What a receiver process is made of."""

    redis: tuple[Redis, ...]
    store: Store
    intake: Intake
    connectors: Connectors
    outcomes: Outcomes
    recorder: RefusalRecorder
    receiver: Receiver
    app: web.Application


async def serve(
    settings: Settings, secrets: Secrets, reader: Reader, *, stop: asyncio.Event | None = None
) -> None:
    """Run the receiver until SIGTERM, SIGINT or `stop`; take at most 25 s to end.

    `reader` reads the fields of tasks that clients of the API give.

    Raises:
        SettingsError: A setting cannot be used, or the address cannot be listened on.
    """
    stopping = _stop_on_signals() if stop is None else stop
    parts = await assemble(settings, secrets, reader)
    try:
        async with asyncio.TaskGroup() as background:
            await _first_look(parts.connectors)
            _calm_collector()
            tasks = [
                background.create_task(parts.connectors.run()),
                background.create_task(parts.outcomes.run()),
                background.create_task(parts.recorder.run()),
            ]
            await _listen(settings, parts, stopping)
            await end(*tasks)
    except ExceptionGroup as group:
        if len(group.exceptions) > 1:
            raise
        raise group.exceptions[0] from None  # what it says is for people
    finally:
        await parts.store.close()
        for client in parts.redis:
            await client.aclose()
    _log.info("stopped")


async def assemble(settings: Settings, secrets: Secrets, reader: Reader) -> Parts:
    """Make all parts; nothing is connected yet.

    Raises:
        SettingsError: A URL cannot be used.
    """
    if settings.redis_url is None:
        raise SettingsError("HOOKYARD_REDIS_URL is not set")
    redis_url = settings.redis_url.get_secret_value()
    redis = connect(redis_url)
    store = await open_store(settings.database)
    clock, new_id = utc_now, id_source()
    pending = PendingBatches(redis)

    async def issued() -> Issued:
        async with store.connect() as conn:
            return await issued_with_key(conn, now_ms=epoch_ms(clock()))

    async def note_use(hashes: Collection[str]) -> None:
        async with store.begin() as conn:
            await touch_hashes(conn, hashes, now_ms=epoch_ms(clock()))

    connectors = Connectors(
        redis, secrets, body_limit=settings.body_limit, issued=issued, note_use=note_use
    )
    outcomes = Outcomes(redis, new_id())
    # The intake times its writes itself, and each of redis-py's own timeouts costs.
    intake_redis = connect(redis_url, answer_s=None)
    intake = Intake(
        intake_redis,
        new_id=new_id,
        clock=clock,
        max_requests=settings.intake_max_requests,
        max_bytes=settings.intake_max_bytes,
    )

    async def save(rows: Sequence[Row]) -> None:
        async with store.begin() as conn:
            await add_refusals(conn, rows)

    recorder = RefusalRecorder(save, new_id=new_id, clock=clock)
    rates, once = RateLimits(redis), Once(redis)
    services = Services(
        connectors,
        intake,
        rates,
        once,
        outcomes,
        new_id,
        clock,
        settings.base_url,
        proxies=Proxies(settings.trusted_proxies),
    )
    receiver = Receiver(services, recorder)
    monotonic = asyncio.get_running_loop().time
    tokens = Tokens(store, settings.admin_token, clock=clock, monotonic=monotonic)
    board = TaskBoard(
        store=store,
        reader=reader,
        names=lambda: connectors.names,
        clock=clock,
        new_id=new_id,
        nudge=partial(nudge_soon, redis, clock),
    )
    api = Api(
        store, pending, connectors, tokens, clock, settings.base_url, intake, redis, board, new_id
    )
    health = Health(
        redis=redis,
        store=store,
        pending=pending,
        connectors=connectors,
        tokens=tokens,
        clock=clock,
    )
    app = build_app(receiver, api, health)
    return Parts(
        (redis, intake_redis), store, intake, connectors, outcomes, recorder, receiver, app
    )


def _calm_collector() -> None:
    """Let the cyclic collector look at what requests leave behind only, and seldom.

    They leave no cycles, and a look at all modules stops every request for a tenth of a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)


async def _first_look(connectors: Connectors) -> None:
    """Have the connectors before the first request comes, if Redis is there."""
    try:
        async with asyncio.timeout(_FIRST_LOOK_S):
            await connectors.refresh()
    except (RedisError, OSError, TimeoutError) as error:
        _log.warning("redis_away", error=type(error).__name__)


async def _listen(settings: Settings, parts: Parts, stop: asyncio.Event) -> None:
    """Accept requests until the stop, then end in order."""
    server_logger.addFilter(_malformed)
    runner = web.AppRunner(
        parts.app,
        handle_signals=False,
        access_log=None,
        # Signatures are over the bytes as sent, and a small body may hide a huge one.
        auto_decompress=False,
        keepalive_timeout=_KEEPALIVE_S,
        shutdown_timeout=_CONNECTIONS_WITHIN_S,
    )
    await runner.setup()
    if runner.server is not None:  # pragma: no branch  `setup` made it
        hooks_first(runner.server, parts.receiver)
    site = web.TCPSite(
        runner,
        settings.host,
        settings.port,
        backlog=_BACKLOG,
        reuse_port=settings.share_port or None,
    )
    try:
        await site.start()
        _log.info("listening", host=settings.host, port=_port(runner, settings.port))
        await stop.wait()
        _log.info("stopping", in_hand=parts.receiver.in_hand)
        await site.stop()
        await _drain(parts)
    except OSError as error:
        where = f"{settings.host} port {settings.port}"
        raise SettingsError(f"cannot listen on {where}: {error.strerror}") from None
    finally:
        await runner.cleanup()
        await parts.intake.close()
        await parts.recorder.close()


async def _drain(parts: Parts) -> None:
    """Let the requests in hand finish; those that wait for an outcome are answered at once."""
    parts.outcomes.give_up()
    await parts.receiver.drain(_IN_HAND_WITHIN_S)
    await asyncio.sleep(_LINGER_S)
    if not await parts.receiver.drain(_IN_HAND_WITHIN_S):
        _log.warning("requests_cut_off", count=parts.receiver.in_hand)


def _port(runner: web.AppRunner, wanted: int) -> int:
    """Return the port that is listened on: where 0 was wanted, the one that was given."""
    addresses = runner.addresses
    return int(addresses[0][1]) if addresses else wanted


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
