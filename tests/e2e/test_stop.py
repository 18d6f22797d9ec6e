"""SIGTERM loses nothing, and cuts off no request that was let in."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from redis.asyncio import Redis

from router.core.store.engine import Store
from tests.support.hookyard import Hookyard
from tests.support.oracle import Oracle
from tests.support.senders import order, shopify
from tests.support.traffic import Traffic

pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.timeout(120)]


async def test_stopping_and_starting_under_load_loses_nothing(
    hookyard: Hookyard, truth: Store, redis: Redis
) -> None:
    receiver, worker = await hookyard.serve(), hookyard.work()
    await hookyard.ready()
    oracle = Oracle()
    async with Traffic(hookyard, oracle, seed=7) as traffic:
        for process in (worker, receiver, worker, receiver):
            await asyncio.sleep(1)
            process.terminate()
            assert await asyncio.to_thread(process.wait, 27) == 0, process.log[-2000:]
            process.start()
        await hookyard.ready()
    await oracle.settled(truth, redis, within_s=30)
    await oracle.check(truth, redis)
    # A connection may be refused or find its idle end closed; a request that was let in is answered.
    assert set(traffic.statuses) <= {
        *(202, 503, "ClientConnectorError", "ClientOSError", "ConnectionResetError"),
        "ServerDisconnectedError",
    }, traffic.statuses


async def test_a_request_whose_body_is_on_its_way_is_still_answered(hookyard: Hookyard) -> None:
    receiver = await hookyard.serve()
    hookyard.work()
    await hookyard.ready()
    request = shopify(order(1), "slow")
    half = len(request.body) // 2
    reader, writer = await asyncio.open_connection("127.0.0.1", hookyard.port)
    lines = [f"{name}: {value}" for name, value in request.headers.items()]
    head = [f"POST {request.path} HTTP/1.1", "Host: localhost", *lines]
    writer.write("\r\n".join([*head, f"Content-Length: {len(request.body)}", "", ""]).encode())
    writer.write(request.body[:half])
    await writer.drain()
    await asyncio.sleep(0.3)  # the request is in hand; nothing outside shows when
    receiver.terminate()
    await asyncio.sleep(0.5)
    writer.write(request.body[half:])
    answer = await asyncio.wait_for(reader.read(), 25)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 202"), answer
    assert await asyncio.to_thread(receiver.wait, 27) == 0


async def test_who_waits_for_an_outcome_is_answered_when_the_receiver_stops(
    hookyard: Hookyard,
) -> None:
    receiver = await hookyard.serve()
    worker = hookyard.work()
    await hookyard.ready()
    worker.stop()
    waiting = asyncio.create_task(hookyard.send(shopify(order(1), "wait"), Prefer="wait=20"))
    await asyncio.sleep(0.5)  # the request is in hand; nothing outside shows when
    receiver.terminate()
    status, answer = await asyncio.wait_for(waiting, 20)
    assert (status, answer["status"]) == (202, "accepted")
    assert await asyncio.to_thread(receiver.wait, 27) == 0
    await hookyard.serve()
    hookyard.work()
    event = await hookyard.outcome(answer["event_id"])
    assert event["status"] == "routed"


async def test_a_stopped_receiver_listens_no_more(hookyard: Hookyard) -> None:
    receiver = await hookyard.serve()
    receiver.stop()
    assert receiver.returncode == 0
    with pytest.raises(aiohttp.ClientConnectorError):
        await hookyard.session.get("/healthz")
