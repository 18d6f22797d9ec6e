"""A worker's own small HTTP server."""

from __future__ import annotations

import aiohttp
import pytest

from router.core import metrics
from workers.health import health_server


async def test_it_says_that_it_lives_and_shows_the_metrics() -> None:
    metrics.DELIVERIES.labels("health-test", "delivered").inc()
    async with health_server("127.0.0.1", 0) as port, aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/healthz") as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "ok"})
        async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
            said = await answer.text()
            assert answer.headers["Content-Type"].startswith("text/plain")

    assert 'hookyard_deliveries_total{destination="health-test",outcome="delivered"} 1.0' in said


async def test_without_a_port_there_is_no_server() -> None:
    async with health_server("127.0.0.1", None) as port:
        assert port is None


async def test_after_the_block_nobody_listens() -> None:
    async with health_server("127.0.0.1", 0) as port:
        pass

    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"http://127.0.0.1:{port}/healthz")
