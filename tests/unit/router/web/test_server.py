"""A receiver process: it waits for nothing to start, and stops without cutting anybody off."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from structlog.testing import capture_logs

from router.core import metrics
from router.core.errors import SettingsError
from router.core.intake_table import publish
from router.core.pending import PendingBatches
from router.core.settings import Settings, load_settings
from router.core.store.engine import Store
from router.core.store.refusals import RefusalFilter, list_refusals
from router.web import server
from router.web.connectors import Connectors
from router.web.outcomes import Outcomes
from router.web.server import assemble, serve
from tests.support.programs import free_port
from tests.support.senders import ADMIN_TOKEN, SECRETS, Request, order, shopify
from tests.support.site import OPEN, SHOP, secrets_of, table
from tests.support.slow_redis import SlowRedis
from tests.support.waiting import wait_until
from workers.by_hand import ByHand

GOOD = shopify(order(1001), "delivery-a")
ANYBODY = Request("open", b"{}", {"Content-Type": "application/json"})
NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def _collector_as_it_was() -> Iterator[None]:
    """Starting a receiver changes how the whole process collects garbage."""
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


@pytest.fixture
def settings(database_url: str) -> Settings:
    return _settings(database_url)


def _settings(database_url: str, **given: Any) -> Settings:
    return load_settings(
        **{
            "redis_url": SecretStr(NOBODY),
            "database_url": SecretStr(database_url),
            "admin_token": SecretStr(ADMIN_TOKEN),
            "port": free_port(),
            **given,
        }
    )


@pytest.fixture
def in_memory(redis: SlowRedis, monkeypatch: pytest.MonkeyPatch) -> SlowRedis:
    """The receiver's Redis is the imitated one."""

    def connect(_url: str, **_: Any) -> Redis:
        return redis

    monkeypatch.setattr(server, "connect", connect)
    return redis


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[tuple[aiohttp.ClientSession, asyncio.Event]]:
    """Run a receiver for as long as the block lasts; give a client and the event that stops it."""
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(settings, secrets_of(dict(SECRETS)), ByHand(), stop=stop))
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{settings.port}") as session:
            await wait_until(
                lambda: _get(session, "/healthz"),
                "the receiver answers",
                ignoring=(aiohttp.ClientError,),
            )
            yield session, stop
    finally:
        stop.set()
        async with asyncio.timeout(25):
            await serving


async def _get(session: aiohttp.ClientSession, path: str) -> tuple[int, Any]:
    async with session.get(path) as answer:
        return answer.status, await answer.json()


async def _send(session: aiohttp.ClientSession, request: Request, **headers: str) -> Any:
    given = {**request.headers, **headers}
    async with session.post(request.path, data=request.body, headers=given) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_it_starts_without_redis_and_says_what_is_missing(settings: Settings) -> None:
    with capture_logs() as logs:
        async with running(settings) as (session, _):
            status, told = await _get(session, "/readyz")
            refused, problem = await _send(session, GOOD)

    assert status == 503
    assert told["status"] == "not ready"
    assert (told["redis"]["state"], told["database"]["state"]) == ("away", "ok")
    assert told["rules"]["state"] == "waiting"
    assert (refused, problem["code"]) == (503, "not-ready")
    said = [line["event"] for line in logs]
    assert said[0] == "redis_away"
    assert said[-1] == "stopped"


async def test_it_takes_webhooks_hears_of_new_connectors_and_records_refusals(
    settings: Settings, in_memory: SlowRedis, store: Store
) -> None:
    await publish(in_memory, table(SHOP))

    async with running(settings) as (session, _):
        assert (await _send(session, GOOD))[0] == 202
        assert (await _send(session, ANYBODY))[0] == 404
        await publish(in_memory, table(SHOP, OPEN, rules_hash="later"))
        await wait_until(lambda: _is_taken(session, ANYBODY), "the new connector is in force")
        stored = await PendingBatches(in_memory).recent_events(9)
        assert [event.connector for event in stored] == ["open", "shop"]
    async with store.connect() as conn:
        rows = (await list_refusals(conn, RefusalFilter())).rows
    assert {(row["connector"], row["code"]) for row in rows} == {("open", "unknown-connector")}


async def _is_taken(session: aiohttp.ClientSession, request: Request) -> bool:
    status, _ = await _send(session, request)
    return bool(status == 202)


async def test_what_is_no_http_is_counted_and_not_logged(
    settings: Settings, in_memory: SlowRedis, caplog: pytest.LogCaptureFixture
) -> None:
    malformed = metrics.REQUESTS.labels("(unknown)", "malformed")
    before = malformed._value.get()

    async with running(settings):
        reader, writer = await asyncio.open_connection("127.0.0.1", settings.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nAuthorization canary\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.0 400 ")
        writer.close()

    assert malformed._value.get() == before + 1
    assert "canary" not in caplog.text
    assert "Traceback" not in caplog.text


async def test_who_waits_for_an_outcome_is_answered_when_the_process_stops(
    settings: Settings, in_memory: SlowRedis
) -> None:
    await publish(in_memory, table(OPEN))

    async with running(settings) as (session, stop):
        sending = asyncio.create_task(_send(session, ANYBODY, Prefer="wait=30"))
        await wait_until(lambda: PendingBatches(in_memory).recent_events(1), "the event is stored")
        stop.set()
        async with asyncio.timeout(10):
            status, answer = await sending

    assert (status, answer["status"]) == (202, "accepted")


async def test_what_is_in_hand_at_the_stop_is_stored_and_answered(
    settings: Settings, in_memory: SlowRedis
) -> None:
    await publish(in_memory, table(OPEN))

    async with running(settings) as (session, stop):
        in_memory.gate.clear()
        sending = asyncio.create_task(_send(session, ANYBODY))
        await wait_until(lambda: in_memory.begun, "the write is under way")
        stop.set()
        await wait_until(lambda: _refuses_connections(settings.port), "no more are taken")
        in_memory.gate.set()
        status, answer = await sending

    assert (status, answer["status"]) == (202, "accepted")


def _refuses_connections(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


async def test_what_does_not_end_in_time_is_cut_off_and_said(
    settings: Settings, in_memory: SlowRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_IN_HAND_WITHIN_S", 0.01)
    monkeypatch.setattr(server, "_CONNECTIONS_WITHIN_S", 0.01)
    await publish(in_memory, table(OPEN))

    with capture_logs() as logs:
        async with running(settings) as (session, stop):
            in_memory.gate.clear()
            sending = asyncio.create_task(_send(session, ANYBODY))
            await wait_until(lambda: in_memory.begun, "the write is under way")
            stop.set()
            with pytest.raises(aiohttp.ClientError):
                await sending
            in_memory.gate.set()

    assert [line["count"] for line in logs if line["event"] == "requests_cut_off"] == [1]


async def test_an_address_that_is_taken_is_a_wrong_setting(
    database_url: str, in_memory: SlowRedis
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = _settings(database_url, port=port)

        with pytest.raises(SettingsError, match=f"cannot listen on 127.0.0.1 port {port}"):
            await serve(settings, secrets_of({}), ByHand(), stop=asyncio.Event())


async def test_mistakes_that_come_together_are_all_told(
    settings: Settings, in_memory: SlowRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise LookupError

    monkeypatch.setattr(Connectors, "run", fail)
    monkeypatch.setattr(Outcomes, "run", fail)

    with pytest.raises(ExceptionGroup) as caught:
        await serve(settings, secrets_of({}), ByHand(), stop=asyncio.Event())

    assert [type(one) for one in caught.value.exceptions] == [LookupError, LookupError]


async def test_without_the_address_of_redis_there_is_no_receiver(database_url: str) -> None:
    settings = load_settings(database_url=SecretStr(database_url))

    with pytest.raises(SettingsError, match="HOOKYARD_REDIS_URL is not set"):
        await assemble(settings, secrets_of({}), ByHand())


async def test_it_says_which_port_it_was_given(database_url: str, in_memory: SlowRedis) -> None:
    stop = asyncio.Event()
    with capture_logs() as logs:
        serving = asyncio.create_task(
            serve(_settings(database_url, port=0), secrets_of({}), ByHand(), stop=stop)
        )
        (line,) = await wait_until(
            lambda: [line for line in logs if line["event"] == "listening"], "it listens"
        )
        stop.set()
        await serving

    assert line["port"] > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_stop_it(
    database_url: str, in_memory: SlowRedis, number: signal.Signals
) -> None:
    loop = asyncio.get_running_loop()
    with capture_logs() as logs:
        serving = asyncio.create_task(
            serve(_settings(database_url, port=0), secrets_of({}), ByHand())
        )
        await wait_until(
            lambda: [line for line in logs if line["event"] == "listening"], "it listens"
        )
        signal.raise_signal(number)
        async with asyncio.timeout(10):
            await serving

    assert logs[-1]["event"] == "stopped"
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(one)
